"""Requests of strangers and of known parties, taken in and answered."""
