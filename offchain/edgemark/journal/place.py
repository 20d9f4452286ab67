"""The files of a journal: its own, and the one beside it that may take its place."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from edgemark.files import check_private, open_own


def open_file(path: Path) -> int:
    """Descriptor of a journal's file, made when missing.

    Raises:
        Unrecoverable: others may read or write it.
        OSError: it cannot be opened.
    """
    handle = open_own(path)
    try:
        check_private(path)
    except BaseException:
        os.close(handle)
        raise
    return handle


def fresh_path(path: Path) -> Path:
    """Where the successor of a journal lies until it has the journal's name."""
    return path.with_name(path.name + ".new")


def remove_unfinished(path: Path) -> None:
    """What a process that was killed left of a successor takes room that others need."""
    with contextlib.suppress(OSError):
        os.unlink(fresh_path(path))


def write_at(handle: int, place: int, part: bytes | memoryview) -> int:
    """Write all of a part; where it ends."""
    written = 0
    while written < len(part):
        written += os.pwrite(handle, part[written:], place + written)
    return place + written
