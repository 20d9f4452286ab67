"""A copy of an index, to go on with where nothing may be written into the folder of the first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

MOST_PAGES = 4096  # at a time: its writer is not kept waiting


def copy_index(path: Path, folder: Path) -> Path:
    """Copy an index file into another folder, and leave its own as it is, whoever writes into it.

    Args:
        path: of the index.
        folder: of the copy.

    Returns:
        Where the copy is; nothing is there when the file is missing or cannot be read, and whoever
        goes on begins anew.
    """
    target = folder / path.name
    if not path.exists():
        return target
    # What its writer has closed has no book of readers, and reading it would make one.
    is_open = path.with_name(f"{path.name}-wal").exists()
    address = f"{path.absolute().as_uri()}?mode=ro{'' if is_open else '&immutable=1'}"
    try:
        with (
            closing(sqlite3.connect(address, uri=True)) as kept,
            closing(sqlite3.connect(target)) as copy,
        ):
            kept.backup(copy, pages=MOST_PAGES)
    except sqlite3.Error:
        target.unlink(missing_ok=True)
    return target
