"""Chains for development: Anvil and Hardhat."""
