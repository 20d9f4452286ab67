"""Commands of the consortium ledger."""
