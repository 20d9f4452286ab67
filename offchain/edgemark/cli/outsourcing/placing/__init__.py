"""A job is placed: its price, and whose turn it is in a home."""
