"""Sharing among points, and decoding what comes back."""
