"""The commands of outsourcing."""
