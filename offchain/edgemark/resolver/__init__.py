"""Resolving DIDs from an index of the chain's events."""
