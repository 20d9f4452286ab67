"""How SQLite opens the file of an index, and what its errors are to whoever reads it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edgemark.ledger.evm.faults import IndexBusy, IndexDamaged

WAIT_S = 30.0  # for another process's transaction; each takes a small part of a second
REBUILD = "Make it anew: `edgemark index rebuild`."


def mode_to_read(path: Path) -> str:
    """How SQLite opens the file to read.

    Readers, too, write: into the book of readers beside the file, so that its writer leaves them
    what they read. Where nothing may be written, the book that is there is used; a file that its
    writer has closed has none, and is read as it stands.
    """
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        return "rw"
    return "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open the file, in a mode of SQLite's: `ro`, `rw`, `rwc`."""
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=WAIT_S, isolation_level=None)


@contextlib.contextmanager
def damage_is_told(path: Path, *, may_write: bool = True) -> Iterator[None]:
    """Turn SQLite's errors into ours, by remedy."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise IndexBusy("is in use", who=path, remedy="Try again.") from error
        if not may_write:
            raise IndexBusy(
                "was not closed, and may only be read here",
                who=path,
                remedy="Let `edgemark index sync` run in the account that keeps it.",
            ) from error
        raise IndexDamaged(
            "cannot be used",
            who=path,
            had=str(error),
            remedy=f"Look at the disk and its permissions. {REBUILD}",
        ) from error
    except sqlite3.DatabaseError as error:
        raise IndexDamaged("is damaged", who=path, had=str(error), remedy=REBUILD) from error
