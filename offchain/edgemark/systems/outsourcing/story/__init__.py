"""The life of a job, as the chain tells it."""
