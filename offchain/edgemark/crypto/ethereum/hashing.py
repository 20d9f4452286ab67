"""The two hashes of the system.

| hash       | of what                                                                        |
|------------|--------------------------------------------------------------------------------|
| Keccak-256 | all that the chain computes too: ids, leaves, Merkle nodes, commitments, terms |
| SHA-256    | what is long and only compared: functions, shares, outputs                     |

SHA-256 is that of FIPS 180-4; processors have instructions for it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from edgemark.identifiers import Hash32
from edgemark.keccak import digest_of

_keccak_of: Callable[[bytes], Hash32] = digest_of  # type: ignore[assignment]


def keccak256(*parts: bytes) -> Hash32:
    """Keccak-256 of the concatenation of `parts`, which must parse one way only."""
    return _keccak_of(b"".join(parts))


def hash_long(*parts: bytes) -> Hash32:
    """SHA-256 of the concatenation of `parts`, which must parse one way only."""
    state = sha256()
    for part in parts:
        state.update(part)
    return Hash32(state.digest())
