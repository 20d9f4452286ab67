"""What an EVM chain adds to a stage: the chain, the contracts, everybody's tokens and providers."""
