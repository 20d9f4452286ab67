"""Contracts: their interfaces, events and code."""
