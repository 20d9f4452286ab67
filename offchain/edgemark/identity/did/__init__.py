"""Decentralised identifiers: what an account's identity says, and who may change it (did:ethr).

Source: W3C, "Decentralized Identifiers (DIDs) v1.0"; ERC-1056; the "ethr" DID method specification.
"""
