"""Watchtowers in Python: receipts of towers, what they set aside, what a failure owes a seller.

What whoever runs a tower signs, and what its sellers and their clients read and claim by.
"""
