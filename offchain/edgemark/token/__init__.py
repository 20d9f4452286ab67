"""The token MTC."""
