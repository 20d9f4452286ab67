"""JobSettlement in Python: terms, statements, hashes, amounts."""
