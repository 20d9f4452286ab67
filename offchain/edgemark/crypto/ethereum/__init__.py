"""What an EVM hashes, encodes and signs."""
