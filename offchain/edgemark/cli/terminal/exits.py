"""Exit statuses, one for each remedy. README.md documents the same table."""

from __future__ import annotations

import errno
from enum import IntEnum

from edgemark.errors import (
    EdgemarkError,
    LedgerUnavailable,
    PeerFault,
    RefusedInput,
    Unrecoverable,
)

OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


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


def explain_system(error: OSError) -> EdgemarkError:
    """What the operating system refused, by remedy: a disk to look at, or a name to correct."""
    nameless = "the folder that you are in" if error.errno == errno.ENOENT else "this machine"
    who = error.filename or nameless
    if error.errno in OF_THE_DISK:
        return Unrecoverable(
            "disk refuses",
            who=who,
            had=error.strerror,
            remedy="Free space on the disk or replace it, then start again.",
        )
    return RefusedInput(
        "cannot be read or written",
        who=who,
        had=error.strerror or type(error).__name__,
        remedy="Name another file or folder, or correct who may use it.",
    )
