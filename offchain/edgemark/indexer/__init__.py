"""The event index: every event of the contracts, kept to be asked."""
