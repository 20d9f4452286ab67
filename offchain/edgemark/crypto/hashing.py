"""Keccak-256, the one hash of the system: what the chain computes natively, everyone computes.

Source: the Keccak submission with rate 1088 and the original padding, as in the Ethereum Yellow
Paper; it is not SHA3-256.
"""

from __future__ import annotations

from Crypto.Hash import keccak

from edgemark.identifiers import Hash32


def keccak256(*parts: bytes) -> Hash32:
    """Keccak-256 of the concatenation of `parts`, which must parse one way only."""
    state = keccak.new(digest_bits=256)
    for part in parts:
        state.update(part)
    return Hash32(state.digest())
