"""The life of a channel as the chain tells it."""
