"""Eras of a channel: one ends, and the next begins, whenever blocks are taken back.

Block numbers are given anew then, as blocks have to be contiguous, and so are places in a block. So
that no version is ever given twice, the second number of a version holds the era beside the place:
what was endorsed before a revert counts after it only where all that it read is still there, and
not where another value stands in the same block and place.

The era of a block is in what who orders signed of it, where Fabric's consensus has its own notes.
"""

from __future__ import annotations

from edgemark.ledger.fabric.faults import MessageMalformed

ERA_BYTES = 4
MAX_ERA = 2**31 - 1  # a version's second number is within what SQLite keeps: 63 bits
_PLACES = 2**32


def make_position(era: int, place: int) -> int:
    """The second number of a version.

    Args:
        era: 0 .. MAX_ERA.
        place: of a transaction in its block, below 2**32.
    """
    return era * _PLACES + place


def place_of(position: int) -> int:
    """The place in its block of a transaction, of the second number of a version."""
    return position % _PLACES


def era_of(position: int) -> int:
    """The era of the second number of a version."""
    return position // _PLACES


def write_era(era: int) -> bytes:
    """As it stands in what is signed of a block; nothing for the first."""
    return era.to_bytes(ERA_BYTES, "big") if era else b""


def read_era(raw: bytes, who: str) -> int:
    """The era of a block.

    Raises:
        MessageMalformed: it is none.
    """
    era = int.from_bytes(raw, "big")
    if era > MAX_ERA or write_era(era) != raw:
        raise MessageMalformed("is no era", who=who, had=raw[:16].hex(), needed=f"<= {MAX_ERA}")
    return era
