"""The files of a journal: its own, and the one beside it that may take its place."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import FileInUse, check_private, open_own, take_lock
from edgemark.journal.faults import JournalInUse


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say typed what the system refuses within.

    Raises:
        Unrecoverable: the disk does not read or keep the journal; nothing is said of its records.
    """
    try:
        yield
    except OSError as error:
        raise Unrecoverable(
            "cannot be read or kept on the disk",
            who=path,
            had=error.strerror,
            remedy="Free space on the disk or replace it, then start again.",
        ) from error


def lock_alone(path: Path) -> tuple[int, bool]:
    """Descriptor that holds a journal's lock; and whether who held it last did not close it well.

    Raises:
        JournalInUse: somebody else holds it.
    """
    try:
        lock, last = take_lock(path)
    except FileInUse as held:
        raise JournalInUse(
            held.what, who=path, had=held.had, needed="one process per journal", remedy=held.remedy
        ) from held
    return lock, bool(last)


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


def open_to_look(path: Path) -> int:
    """Descriptor of a journal's file, to read only.

    Raises:
        RefusedInput: there is no such file.
        Unrecoverable: others may read or write it, or it is no file.
        OSError: it cannot be opened.
    """
    if not os.path.lexists(path):
        raise RefusedInput("is not there", who=path, needed="a journal")
    check_private(path)
    if not stat.S_ISREG(path.lstat().st_mode):  # a pipe would be waited for
        raise Unrecoverable("is no file", who=path, remedy="Move it away.")
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


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
