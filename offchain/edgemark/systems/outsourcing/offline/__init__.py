"""Sharing and decoding without a chain."""
