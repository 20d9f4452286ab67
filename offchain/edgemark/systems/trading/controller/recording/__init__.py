"""Evidence of credentials, brought to the chain: one by one, in lists, or as an anchored root."""
