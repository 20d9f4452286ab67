"""Exit statuses, one for each remedy. README.md documents the same table."""

from __future__ import annotations

from enum import IntEnum

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput


class Exit(IntEnum):
    """Why the program ended."""

    DONE = 0
    CHECK_FAILED = 1
    REFUSED_INPUT = 2
    PEER_FAULT = 3
    LEDGER_UNAVAILABLE = 4
    UNRECOVERABLE = 5
    INTERRUPTED = 130


def exit_of(error: EdgemarkError) -> Exit:
    """The status that tells the remedy of an error."""
    match error:
        case RefusedInput():
            return Exit.REFUSED_INPUT
        case PeerFault():
            return Exit.PEER_FAULT
        case LedgerUnavailable():
            return Exit.LEDGER_UNAVAILABLE
        case _:
            return Exit.UNRECOVERABLE
