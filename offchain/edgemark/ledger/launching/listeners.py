"""Whose a port of this machine is, as far as the kernel tells this user (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"  # TCP_LISTEN in the fourth column of /proc/net/tcp
PORT_COLUMN, STATE_COLUMN, INODE_COLUMN = 1, 3, 9


def name_listener(port: int) -> str | None:
    """Number and program of the process that listens on a port; its arguments may be secrets.

    Args:
        port: 1 .. 65535, of any address of this machine.

    Returns:
        As `process 4711 (python)`; None: nobody listens, or somebody whose files are not shown.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return None
    for folder in processes():
        if sockets.isdisjoint(_held_by(folder)):
            continue
        with suppress(OSError):  # it has ended meanwhile
            return (
                f"process {folder.name} ({(folder / 'comm').read_text(errors='replace').strip()})"
            )
    return None


def _held_by(folder: Path) -> Iterator[str]:
    """What a process has open; nothing of one that has ended, or is another user's."""
    with suppress(OSError):
        for each in (folder / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield os.readlink(each)


def processes() -> Iterator[Path]:
    """The folder of each process, by its number."""
    yield from (each for each in PROC.iterdir() if each.name.isdecimal())


def _listening(port: int) -> Iterator[str]:
    """Inodes of the sockets that listen on a port."""
    for table in (PROC / "net/tcp", PROC / "net/tcp6"):
        try:
            rows = [line.split() for line in table.read_text().splitlines()[1:]]
        except OSError:  # a kernel without one of them
            continue
        for row in rows:
            place = row[PORT_COLUMN].rpartition(":")[2]
            if row[STATE_COLUMN] == LISTENS and int(place, 16) == port:
                yield row[INODE_COLUMN]
