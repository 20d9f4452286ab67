"""Keccak-256 by the fastest library there is; whoever hashes uses `crypto.ethereum.hashing`.

safe-pysha3 takes a tenth of the time for what is short; where it cannot be installed, PyCryptodome
gives the same.

Source: the Keccak submission with rate 1088 and the original padding, as in the Ethereum Yellow
Paper; it is not SHA3-256.
"""

from __future__ import annotations

from collections.abc import Callable


def by_pycryptodome(message: bytes) -> bytes:
    """By the library that is always there; it takes 50 ms of a start to import."""
    from Crypto.Hash import keccak  # noqa: PLC0415

    return keccak.new(digest_bits=256, data=message).digest()


def choose() -> Callable[[bytes], bytes]:
    """safe-pysha3's, if it is there."""
    try:
        from sha3 import keccak_256  # type: ignore[import-untyped]  # noqa: PLC0415 - may be missing
    except ImportError:
        return by_pycryptodome

    def by_pysha3(message: bytes) -> bytes:
        digest: bytes = keccak_256(message).digest()
        return digest

    return by_pysha3


digest_of = choose()
