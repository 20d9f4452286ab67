"""Chain I/O: transactions, reading, events, deployment and a development chain."""
