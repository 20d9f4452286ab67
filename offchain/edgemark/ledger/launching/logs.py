"""What programs of a folder print, in files that have an end: the present one and the last."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from edgemark.files import UNFINISHED

LAST = ".1"  # how the name of the last log ends
STREAMS = (1, 2)  # what a process prints to


def log_of(name: str, folder: Path) -> Path:
    """What a program of a folder prints."""
    return folder / f"{name}.log"


def last_of(log: Path) -> Path:
    """The log before."""
    return log.with_name(log.name + LAST)


def keep_last(log: Path) -> None:
    """Put a log aside that says anything, in the place of the one before; a disk may refuse it."""
    with suppress(OSError):
        if log.stat().st_size:
            log.replace(last_of(log))


def turn_own_log(log: Path, most: int) -> bool:
    """Begin the log of this very process anew where it has grown long; the long one stays as last.

    Args:
        log: where this process may have been told to print to.
        most: bytes from which it is put aside.

    Returns:
        Whether it was. Where the disk refuses, what is printed goes on where it went.
    """
    try:
        found, own = log.stat(), os.fstat(STREAMS[1])
        if not os.path.samestat(found, own) or found.st_size < most:
            return False
        begun = log.with_name(f".{log.name}{UNFINISHED}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        fresh = os.open(begun, flags, found.st_mode & 0o777)
    except OSError:
        return False
    try:
        log.replace(last_of(log))
        begun.replace(log)
    except OSError:
        os.close(fresh)
        return False
    for stream in STREAMS:
        os.dup2(fresh, stream)
    os.close(fresh)
    return True
