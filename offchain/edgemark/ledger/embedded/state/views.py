"""Reads a channel as it was after one block, whatever is committed meanwhile.

All views of one height share one SQLite transaction (`Snapshot`). Nothing that is read leaves a
cursor open: a range or a history is read by pages, each beginning behind the last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from edgemark.closing import Closing
from edgemark.errors import Unrecoverable
from edgemark.ledger.embedded.eras import place_of
from edgemark.ledger.embedded.state.tables import roll_back, told
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import RANGE_PAGE
from edgemark.ledger.fabric.wire.read_write_sets import Version

FIRST_SIMPLE_KEY = b"\x01"  # composite keys begin with a zero byte
LAST = 2**63 - 1  # above every block and position
BEHIND_ALL = b"\xff"  # no byte of UTF-8
MANY = 500  # keys in one question
MAX_KEPT = 1_000  # values kept in memory of the namespace that is
MAX_KEPT_BYTES = 64 * 1024  # of each


class HistoryRow(NamedTuple):
    """A value that a key had: since which transaction."""

    transaction_id: str
    timestamp_ns: int
    is_delete: bool
    value: bytes


class Placed(NamedTuple):
    """Where a transaction stands.

    Attributes:
        code: whether it counts.
        block: number of its block.
        position: in that, from 0.
    """

    code: Code
    block: int
    position: int


Key = tuple[str, str]
Found = tuple[bytes, Version]


class Snapshot:
    """One height, read through one connection; closed by who opened it, when nobody uses it."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, kept: dict[Key, Found] | None = None
    ) -> None:
        self.path = path
        self.kept = kept  # of the namespace that is kept: what was read of it; None keeps nothing
        self.connection = connection
        self.lock = RLock()
        self.users = 0
        with told(path):
            connection.execute("BEGIN")
            try:
                found = connection.execute("SELECT max(number) FROM blocks").fetchone()
            except BaseException:
                roll_back(connection)  # whoever comes next begins on the same connection
                raise
        self.height: int = 0 if found[0] is None else found[0] + 1

    def rows(self, question: str, *values: object) -> list[Any]:
        """All rows of an answer."""
        with self.lock, told(self.path):
            return self.connection.execute(question, values).fetchall()

    def end(self) -> None:
        """Let go of the height."""
        with self.lock, told(self.path):
            if self.connection.in_transaction:  # a disk that fails ends it by itself
                try:
                    self.connection.execute("COMMIT")
                except BaseException:
                    roll_back(self.connection)
                    raise


_GET = """
SELECT history.value, state.block, state.position FROM state CROSS JOIN history USING (row)
WHERE state.namespace = ? AND state.key = ?
"""
_VERSION = "SELECT block, position FROM state WHERE namespace = ? AND key = ?"
_RANGE = """
SELECT state.key, history.value, state.block, state.position
FROM state CROSS JOIN history USING (row)
WHERE state.namespace = ?1 AND state.key >= ?2 AND state.key < ?3
ORDER BY state.key LIMIT ?4
"""
_VERSIONS_OF = "SELECT key, block, position FROM state WHERE namespace = ? AND key IN ({})"
_VERSIONS = """
SELECT key, block, position FROM state
WHERE namespace = ?1 AND key >= ?2 AND key < ?3 ORDER BY key LIMIT ?4
"""
_HISTORY = """
SELECT history.block, history.position, transactions.id, transactions.timestamp_ns, history.value
FROM history CROSS JOIN transactions USING (block, position)
WHERE history.namespace = ?1 AND history.key = ?2
AND (history.block, history.position) < (?3, ?4)
ORDER BY history.block DESC, history.position DESC LIMIT ?5
"""
_PLACED = """
SELECT code, block, position FROM transactions
WHERE id = ?1 AND block = (SELECT min(block) FROM transactions WHERE id = ?1)
ORDER BY code <> 0, position LIMIT 1
"""


class StateView(Closing):
    """A channel at one height."""

    def __init__(
        self, snapshot: Snapshot, release: Callable[[], None], keeps: str | None = None
    ) -> None:
        """A view.

        Args:
            snapshot: that it reads.
            release: called once, when the view is closed.
            keeps: namespace whose values are kept in memory; None for none.
        """
        self._keeps = keeps
        self._snapshot: Snapshot | None = snapshot
        self._release = release
        self.height = snapshot.height

    def close(self) -> None:
        """Let go of the height."""
        if self._snapshot is not None:
            self._snapshot = None
            self._release()

    def get(self, namespace: str, key: str) -> tuple[bytes, Version] | None:
        """Value and version of a key; None where there is none."""
        kept = None if self._snapshot is None else self._snapshot.kept
        if kept and (known := kept.get((namespace, key))) is not None:
            return known
        for value, block, position in self._rows(_GET, namespace, key.encode()):
            found = value, Version(block, position)
            is_kept = namespace == self._keeps and len(value) <= MAX_KEPT_BYTES
            if kept is not None and is_kept and len(kept) < MAX_KEPT:
                kept[namespace, key] = found
            return found
        return None

    def version(self, namespace: str, key: str) -> Version | None:
        """Version of a key; None where there is none."""
        for block, position in self._rows(_VERSION, namespace, key.encode()):
            return Version(block, position)
        return None

    def versions_of(self, namespace: str, keys: Sequence[str]) -> dict[str, Version]:
        """Versions of those of some keys that are there."""
        found = {}
        for first in range(0, len(keys), MANY):
            some = [each.encode() for each in keys[first : first + MANY]]
            question = _VERSIONS_OF.format(", ".join("?" * len(some)))
            for key, block, position in self._rows(question, namespace, *some):
                found[key.decode()] = Version(block, position)
        return found

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, bytes, Version]]:
        """Keys in order, with value and version.

        Args:
            namespace: a chaincode's name.
            start: the first key; "" for the first that is no composite key.
            end: behind the last key; "" for no end.
        """
        for key, value, block, position in self._pages(_RANGE, namespace, start, end):
            yield key.decode(), value, Version(block, position)

    def versions(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, Version]]:
        """As `range`, without the values."""
        for key, block, position in self._pages(_VERSIONS, namespace, start, end):
            yield key.decode(), Version(block, position)

    def history(self, namespace: str, key: str) -> Iterator[HistoryRow]:
        """All values that a key had, the newest first."""
        block, position = LAST, LAST
        while rows := self._rows(_HISTORY, namespace, key.encode(), block, position, RANGE_PAGE):
            for block, position, identity, at, value in rows:  # noqa: B007 (the next page's begin)
                yield HistoryRow(identity, int(at), value is None, value or b"")
            if len(rows) < RANGE_PAGE:
                return

    def placed(self, transaction_id: str) -> Placed | None:
        """Where a transaction stands first; None where it does not.

        Of several in one block that have its id, the one that counts: in a later block none can.
        """
        if not transaction_id:
            return None
        for code, block, position in self._rows(_PLACED, transaction_id):
            return Placed(Code(code), block, place_of(position))
        return None

    def has_transaction(self, transaction_id: str) -> bool:
        """Whether a transaction of that id stands in a block, valid or not."""
        return self.placed(transaction_id) is not None

    def block(self, number: int) -> bytes | None:
        """The bytes of a block; None where there is none."""
        return self._raw("SELECT raw FROM blocks WHERE number = ?", min(number, LAST))

    def block_size(self, number: int) -> int | None:
        """Bytes of a block, which is not read; None where there is none."""
        for (size,) in self._rows(
            "SELECT length(raw) FROM blocks WHERE number = ?", min(number, LAST)
        ):
            return int(size)
        return None

    def block_by_hash(self, hash_: bytes) -> bytes | None:
        """The bytes of the block of a hash; None where there is none."""
        return self._raw("SELECT raw FROM blocks WHERE hash = ?", hash_)

    def newest_block(self) -> bytes | None:
        """The bytes of the newest block; None where there is none."""
        return self.block(self.height - 1)

    def _raw(self, question: str, value: object) -> bytes | None:
        for (raw,) in self._rows(question, value):
            return bytes(raw)
        return None

    def _pages(
        self, question: str, namespace: str, start: str, end: str
    ) -> Iterator[tuple[Any, ...]]:
        first = start.encode() or FIRST_SIMPLE_KEY
        last = end.encode() or BEHIND_ALL
        while rows := self._rows(question, namespace, first, last, RANGE_PAGE):
            yield from rows
            if len(rows) < RANGE_PAGE:
                return
            first = rows[-1][0] + b"\x00"

    def _rows(self, question: str, *values: object) -> list[Any]:
        if self._snapshot is None:
            raise Unrecoverable("view is closed", who="state", needed="an open one")
        return self._snapshot.rows(question, *values)
