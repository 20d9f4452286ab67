"""Transactions of one account, each sent once."""
