"""Measurements against peers; see README.md."""
