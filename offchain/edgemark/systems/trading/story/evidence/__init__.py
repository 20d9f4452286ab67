"""A channel in one file that convinces a stranger: written by a party, tried by anybody."""
