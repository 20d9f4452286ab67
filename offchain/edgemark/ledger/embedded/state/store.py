"""The file of a channel: blocks are appended whole, and taken back from the top.

One writer at a time, under a lock; readers never wait for it. The write-ahead file is folded into
the main file whenever it has grown large, which waits a moment for readers of older heights.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError, Overloaded
from edgemark.ledger.embedded.eras import MAX_ERA, make_position
from edgemark.ledger.embedded.state.tables import (
    APPLICATION,
    BUSY_S,
    FORMAT,
    REMEDY,
    SCHEMA,
    SEAL_OF_ERA,
    StoreDamaged,
    StoreUnavailable,
    check_schema,
    commit,
    connect,
    read_era_of,
    read_format,
    roll_back,
    told,
)
from edgemark.ledger.embedded.state.views import Found, Key, Snapshot, StateView
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.codes import Code

MAX_HEIGHTS = 64  # read at once; each has a connection
SPARE_HEIGHTS = 8  # beside them, for those who read and are done at once
MAX_IDLE = 8  # connections kept for the next height
FOLD_MS = 100  # how long a block waits for those who read from the write-ahead file
WAL_BYTES = 32 * 1024 * 1024  # of the write-ahead file, before it is folded in


class Entry(NamedTuple):
    """A transaction of a block, as the index has it.

    Attributes:
        transaction_id: of it; empty for one that is not found by an id.
        timestamp_ns: what its client said the time was, Unix nanoseconds.
        code: whether it counts.
    """

    transaction_id: str
    timestamp_ns: int
    code: Code


class Written(NamedTuple):
    """A key that a transaction wrote.

    Attributes:
        namespace: chaincode whose key it is.
        key: that was written.
        value: None deletes it.
        position: of the transaction in its block, from 0.
    """

    namespace: str
    key: str
    value: bytes | None
    position: int


class Store(Closing):
    """One channel's file."""

    def __init__(
        self, path: Path, channel: str, *, is_scratch: bool = False, keeps: str | None = None
    ) -> None:
        """Open a file, or make it.

        Args:
            path: of the file; its folder is there.
            channel: whose it is.
            is_scratch: it is thrown away with this process, so nothing waits for the disk.
            keeps: a namespace that every transaction reads and few write: what was read of it is
                kept in memory until a block writes there.

        Raises:
            StoreDamaged: it is damaged, of another format, program or channel.
            StoreUnavailable: it cannot be opened.
        """
        self.path = path
        self._keeps = keeps
        self._kept: dict[Key, Found] | None = {}
        self._writing = Lock()
        self._sharing = Lock()
        self._current: Snapshot | None = None
        self._heights = 0
        self._idle: list[sqlite3.Connection] = []
        self._wal_limit = WAL_BYTES
        self.era, self.seal_of_era = 0, ""
        self._writer = connect(path, writes=True)
        try:
            with told(path):
                if is_scratch:
                    self._writer.execute("PRAGMA synchronous=OFF")
                _make_or_check(self._writer, path, channel)
                self.era, self.seal_of_era = read_era_of(self._writer, path)
            with self.view() as view:
                self.height = view.height
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._sharing:
            self._let_go()
            for each in self._idle:
                each.close()
            self._idle.clear()
        self._writer.close()

    def view(self, *, is_short: bool = False) -> StateView:
        """The newest height.

        Args:
            is_short: it is closed at once, so it is there also while others hold many heights.

        Raises:
            Overloaded: too many heights are being read.
        """
        with self._sharing:
            most = MAX_HEIGHTS + (SPARE_HEIGHTS if is_short else 0)
            # Who stays does not join a spare height: it would no longer be one.
            if self._heights > most or (self._current is None and self._heights >= most):
                raise Overloaded("reads too many heights at once", who=self.path, needed=most)
            if self._current is None:
                self._current = self._take_height()
            snapshot = self._current
            snapshot.users += 1
        return StateView(snapshot, lambda: self._release(snapshot), self._keeps)

    def view_of_writer(self) -> StateView:
        """The newest height, for who writes next; it is there however many heights others read.

        It is read on the writer's own connection: close it before anything is appended or reverted.

        Raises:
            StoreUnavailable, StoreDamaged: the file cannot be read.
        """
        self._writing.acquire()
        try:
            with self._sharing:
                snapshot = Snapshot(self.path, self._writer, self._kept)
        except BaseException:
            self._writing.release()
            raise
        return StateView(snapshot, lambda: self._end_of_writer(snapshot), self._keeps)

    def _end_of_writer(self, snapshot: Snapshot) -> None:
        try:
            snapshot.end()
        finally:
            self._writing.release()

    def _take_height(self) -> Snapshot:
        connection = self._idle.pop() if self._idle else connect(self.path, writes=False)
        try:
            snapshot = Snapshot(self.path, connection, self._kept)
        except BaseException:
            connection.close()
            raise
        self._heights += 1
        return snapshot

    def _release(self, snapshot: Snapshot) -> None:
        with self._sharing:
            snapshot.users -= 1
            if not snapshot.users and snapshot is not self._current:
                self._end(snapshot)

    def _let_go(self) -> None:
        """The newest height has changed."""
        snapshot, self._current = self._current, None
        if snapshot is not None and not snapshot.users:
            self._end(snapshot)

    def _end(self, snapshot: Snapshot) -> None:
        self._heights -= 1
        try:
            snapshot.end()
        except EdgemarkError:
            # Nothing was to be written: the next height has a connection of its own. And whoever
            # has just kept a block must not hear that it was not kept.
            snapshot.connection.close()
            return
        if len(self._idle) < MAX_IDLE:
            self._idle.append(snapshot.connection)
        else:
            snapshot.connection.close()

    def append(self, block: Block, entries: Sequence[Entry], writes: Iterable[Written]) -> None:
        """Keep a block and what it did; on the disk when this returns.

        Args:
            block: the next one, with its flags.
            entries: of each of its transactions.
            writes: of those that count, in their order.

        Raises:
            StoreUnavailable, StoreDamaged: nothing of it is kept.
            StoreDoubtful: nothing is while this process lives; the next block is over it.
        """
        written = tuple(writes)
        with self._writing, told(self.path):
            self._fold_in()
            self._writer.execute("BEGIN IMMEDIATE")
            with self._keeping(any(each.namespace == self._keeps for each in written)):
                try:
                    self._write(block, entries, written)
                    commit(self._writer, self.path)
                except BaseException:
                    roll_back(self._writer)
                    raise
            self.height = block.number + 1
            with self._sharing:
                self._let_go()

    @contextmanager
    def _keeping(self, changes: bool) -> Iterator[None]:
        """Forget what is kept when it changes.

        A height that is taken meanwhile may be of before or after, and so keeps nothing; those
        taken before go on with what was kept for them.
        """
        if not changes:
            yield
            return
        with self._sharing:
            self._kept = None
        try:
            yield
        finally:
            with self._sharing:
                self._kept = {}

    def _write(self, block: Block, entries: Sequence[Entry], writes: Iterable[Written]) -> None:
        run, many = self._writer.execute, self._writer.executemany
        first = run("SELECT coalesce(max(row), 0) + 1 FROM history").fetchone()[0]
        number, at = block.number, partial(make_position, self.era)
        run(_ADD_BLOCK, (number, block.hash, block.to_bytes(), first))
        many(
            _ADD_TRANSACTION,
            [
                (number, at(place), each.transaction_id, each.code, str(each.timestamp_ns))
                for place, each in enumerate(entries)
            ],
        )
        last = {(each.namespace, each.key, each.position): each for each in writes}
        rows = [
            (row, each.namespace, each.key.encode(), number, at(each.position), each.value)
            for row, each in enumerate(last.values(), first)
        ]
        many("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", rows)
        newest = {(row[1], row[2]): row for row in rows}.values()
        many(_DELETE_KEY, [row[1:3] for row in newest if row[5] is None])
        many(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)",
            [(row[1], row[2], row[0], row[3], row[4]) for row in newest if row[5] is not None],
        )

    @property
    def wants_to_fold(self) -> bool:
        """Whether the write-ahead file is so large that it is emptied before the next block."""
        return self._wal_size > self._wal_limit

    @property
    def _wal_size(self) -> int:
        try:
            return Path(f"{self.path}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def fold_in(self) -> None:
        """Have all of it in the one file, on the disk: nothing of it in the write-ahead file.

        Raises:
            StoreUnavailable, StoreDamaged: it cannot be, for somebody reads it, or the disk.
        """
        with self._writing, told(self.path):
            with self._sharing:
                self._let_go()
            busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            remedy = "End who reads it, then ask again."
            raise StoreUnavailable("file is read by others", who=self.path, remedy=remedy)

    def _fold_in(self) -> None:
        """Empty the write-ahead file when it is large.

        First all of it is copied, once nobody reads an older height; whoever begins after that, on
        a connection of its own, reads nothing from it. Then it waits a moment for those before.
        Where somebody stays, it is tried again when the file has grown by as much.
        """
        if not self.wants_to_fold:
            return
        size = self._wal_size
        self._writer.execute(f"PRAGMA busy_timeout = {FOLD_MS}")
        try:
            for step in ("FULL", "TRUNCATE"):
                busy = self._writer.execute(f"PRAGMA wal_checkpoint({step})").fetchone()[0]
                with self._sharing:
                    self._let_go()
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
        self._wal_limit = size + WAL_BYTES if busy else WAL_BYTES

    def revert(self, height: int, seal: Callable[[int, int, bytes], str]) -> None:
        """Take back all blocks from `height` on, with everything that they did.

        What is written from then on is of the next era: no version comes again. Who orders seals
        it: the era, the number of its first block, the hash of the block below.

        Raises:
            StoreUnavailable, StoreDamaged: nothing has changed.
            StoreDoubtful: nothing has while this process lives.
        """
        with self._writing, told(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            with self._keeping(True):
                try:
                    era, sealed = self._go_back(height, seal)
                    commit(self._writer, self.path)
                except BaseException:
                    roll_back(self._writer)
                    raise
            self.height = min(height, self.height)
            self.era, self.seal_of_era = era, sealed
            with self._sharing:
                self._let_go()

    def _go_back(self, height: int, seal: Callable[[int, int, bytes], str]) -> tuple[int, str]:
        run = self._writer.execute
        found = run("SELECT first_row FROM blocks WHERE number = ?", (height,)).fetchone()
        if found is None:
            return self.era, self.seal_of_era
        if self.era >= MAX_ERA:
            raise StoreDamaged("has been taken back too often", who=self.path, needed=MAX_ERA)
        below = run("SELECT hash FROM blocks WHERE number = ?", (height - 1,)).fetchone()
        sealed = seal(self.era + 1, height, b"" if below is None else below[0])
        for fact in (("era", str(self.era + 1)), (SEAL_OF_ERA, sealed)):
            run("INSERT OR REPLACE INTO facts VALUES (?, ?)", fact)
        touched = run(
            "SELECT DISTINCT namespace, key FROM history WHERE row >= ?", found
        ).fetchall()
        run("DELETE FROM history WHERE row >= ?", found)
        run("DELETE FROM transactions WHERE block >= ?", (height,))
        run("DELETE FROM blocks WHERE number >= ?", (height,))
        for each in touched:
            run(_DELETE_KEY, each)
            run(_PUT_BACK, each)
        return self.era + 1, sealed


_ADD_BLOCK = "INSERT INTO blocks VALUES (?, ?, ?, ?)"
_ADD_TRANSACTION = "INSERT INTO transactions VALUES (?, ?, ?, ?, ?)"
_DELETE_KEY = "DELETE FROM state WHERE namespace = ? AND key = ?"
_PUT_BACK = """
INSERT INTO state SELECT namespace, key, row, block, position FROM (
    SELECT * FROM history WHERE namespace = ? AND key = ?
    ORDER BY block DESC, position DESC LIMIT 1
) WHERE value IS NOT NULL
"""


def _make_or_check(writer: sqlite3.Connection, path: Path, channel: str) -> None:
    tables = writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if read_format(writer) == (0, 0) and not tables:
        writer.executescript(
            f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION};"
            f" PRAGMA user_version = {FORMAT};"
        )
        writer.execute("INSERT INTO facts VALUES ('channel', ?)", (channel,))
        writer.execute("COMMIT")
        return
    check_schema(writer, path)
    found = writer.execute("SELECT value FROM facts WHERE name = 'channel'").fetchone()
    if found is None or found[0] != channel:
        had = None if found is None else found[0]
        raise StoreDamaged(
            "file is another channel's", who=path, had=had, needed=channel, remedy=REMEDY
        )
