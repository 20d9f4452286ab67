"""What became of names that were decided: as long as the file stands, and of bounded size each.

A row has the digests of a name and of what was asked by it, transaction, code and block: about 150
bytes on the disk, none in memory. What was answered is not there: the ledger has it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from edgemark.closing import Closing
from edgemark.errors import Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, check_private
from edgemark.ledger.fabric.client.keeping.records import Kept
from edgemark.ledger.fabric.wire.codes import Code

_TABLE = (
    "CREATE TABLE IF NOT EXISTS names (name BLOB PRIMARY KEY, digest BLOB NOT NULL,"
    " transaction_id TEXT NOT NULL, code INTEGER NOT NULL, block INTEGER NOT NULL) WITHOUT ROWID"
)
_PUT = "INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?, ?)"
_FIND = "SELECT digest, transaction_id, code, block FROM names WHERE name = ?"


class DecidedNames(Closing):
    """The names of one identity on one ledger; safe for several threads.

    Args:
        path: of the file, which is made when there is something to put into it.

    Raises:
        Unrecoverable: it is no such file, or others may read it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._rows: sqlite3.Connection | None = None
        self.count = 0
        if path.exists():
            self._open()

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            rows, self._rows = self._rows, None
        if rows is not None:
            rows.close()

    def find(self, name: str) -> Kept | None:
        """What became of a name; None for one that is not there."""
        with self._guard, self._explained():
            if self._rows is None:
                return None
            row = self._rows.execute(_FIND, (_key(name),)).fetchone()
            if row is None:
                return None
            digest, transaction_id, code, block = row
            has_code = Code(code) is not Code.NOT_VALIDATED
            kept = Kept(name, "", digest, transaction_id, b"", Code(code), block)
            return kept if has_code else replace(kept, is_given_up=True)

    def put(self, decided: Iterable[Kept]) -> None:
        """Have what became of these on the disk when this returns.

        Raises:
            Unrecoverable: the disk refused; who puts them again leaves each there once.
        """
        rows = [
            (_key(each.name), each.digest, each.transaction_id, each.code.value, each.block)
            for each in decided
        ]
        if not rows:
            return
        with self._guard, self._explained():
            file = self._open() if self._rows is None else self._rows
            with file:
                file.executemany(_PUT, rows)
                (self.count,) = file.execute("SELECT count(*) FROM names").fetchone()
                file.execute(f"PRAGMA user_version = {int(self.count)}")

    def _open(self) -> sqlite3.Connection:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._explained():
            os.close(os.open(self._path, flags, OWNER_ONLY_FILE))
            check_private(self._path)
            file = sqlite3.connect(self._path, check_same_thread=False)
            file.execute("PRAGMA synchronous = FULL")
            with file:
                file.execute(_TABLE)
            (self.count,) = file.execute("PRAGMA user_version").fetchone()
        self._rows = file
        return file

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise Unrecoverable(
                "file of decided names cannot be used",
                who=self._path,
                had=str(error),
                remedy="Free space on the disk, or restore the file from a copy; do not edit it.",
            ) from error


def _key(name: str) -> bytes:
    return sha256(name.encode()).digest()
