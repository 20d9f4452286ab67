"""Chain I/O: transactions, reading, events and a development chain."""
