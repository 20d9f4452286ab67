"""Requests to a peer that may be hostile, slow or gone."""
