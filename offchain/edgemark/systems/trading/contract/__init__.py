"""ChannelEscrow in Python: terms, statements, what every call does, who gets what."""
