"""The file of an index: SQLite, one writer, readers that never wait.

Law 1: a transaction puts whole blocks in or takes whole blocks out, so whenever the process dies,
the file holds exactly the events of the chain from the deployment up to its cursor.
Law 2: an event stands in a block of the file, with that block's hash; what an event mentions
(accounts, hashes, locks) is derived from it and never changed apart from it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.closing import Closing
from edgemark.deployment.deployment import Deployment
from edgemark.files import FileInUse, hold_lock
from edgemark.identifiers import Hash32, Timestamp
from edgemark.indexer.schema import (
    KEYS,
    SCHEMA,
    SELECT,
    TABLES,
    mentions_of,
    those_of,
)
from edgemark.indexer.sqlite_file import REBUILD, connect, damage_is_told, mode_to_read
from edgemark.indexer.subject import check_facts, facts_of
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_log
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import (
    IndexBusy,
    IndexDamaged,
    IndexMissing,
    LogsContradicted,
    NodeAnswerMalformed,
)
from edgemark.ledger.evm.reading.blocks import Block, RawLog

SPARSE_BLOCKS = 1_000  # below the tail, blocks without events are kept this far apart
MOST_INTEGER = 2**63 - 1  # of SQLite


@dataclass(frozen=True)
class DatedEvent:
    """An event and the time of its block, Unix seconds."""

    event: ChainEvent
    at: Timestamp


class IndexStore(Closing):
    """An open index file; one thread at a time. Made by `open_to_write` and `open_to_read`."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, deployment: Deployment, lock: int
    ) -> None:
        self.path = path
        self._db = connection
        self._lock = lock
        self._deployment = deployment
        self._contracts = {name: deployment.contract(name) for name in deployment.contracts}
        self._by_address = {contract.address: contract for contract in self._contracts.values()}

    @classmethod
    def open_to_write(cls, path: Path, deployment: Deployment) -> IndexStore:
        """Open the file, or make it, and keep other writers out.

        Raises:
            IndexBusy: another process writes into it.
            IndexDamaged: it is no index, or a damaged one.
            IndexOfAnother: it is of another deployment or version.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = hold_lock(path)
        except FileInUse as held:
            raise IndexBusy(
                held.what, who=path, had=held.had, remedy="It keeps the index up to date; read it."
            ) from held
        try:
            with damage_is_told(path):
                store = cls(path, connect(path, "rwc"), deployment, lock)
                store._prepare()
                return store
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def open_to_read(cls, path: Path, deployment: Deployment) -> IndexStore:
        """Open the file to read, whether or not another process writes.

        Raises:
            IndexMissing: there is none.
            IndexBusy: its writer was killed, and this process may not mend what it left.
            IndexDamaged, IndexOfAnother: see `open_to_write`.
        """
        if not path.exists():
            raise IndexMissing("is not there", who=path, remedy="Make it: `edgemark index sync`.")
        mode = mode_to_read(path)
        with damage_is_told(path, may_write=mode == "rw"):
            store = cls(path, connect(path, mode), deployment, -1)
            store._db.execute("PRAGMA query_only = ON")
            store._check_identity()
            return store

    def close(self) -> None:
        """Let another process write."""
        self._db.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextlib.contextmanager
    def transaction(self, *, to_write: bool = True) -> Iterator[None]:
        """All of it or nothing; to readers, one state of the file. An inner one joins the outer."""
        if self._db.in_transaction:
            yield
            return
        with damage_is_told(self.path):
            self._db.execute("BEGIN IMMEDIATE" if to_write else "BEGIN")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # --- writing -------------------------------------------------------------------------------

    def append(self, blocks: Iterable[Block], logs: Sequence[RawLog]) -> None:
        """Put blocks in, and all logs that stand in them.

        Raises:
            LogsContradicted: a log is no event of our contracts' interfaces.
        """
        with self.transaction():
            self._db.executemany(
                "INSERT INTO blocks VALUES (?, ?, ?, ?)",
                [(each.number, each.hash, each.parent_hash, each.timestamp) for each in blocks],
            )
            for log in logs:
                contract, event = self._decode(log)
                place = (log.block_number, log.log_index)
                name = type(event).__name__
                row = (contract.name, name, log.tx_hash, b"".join(log.topics), log.data)
                self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (*place, *row))
                self._db.executemany(
                    "INSERT OR IGNORE INTO mentions VALUES (?, ?, ?, ?)",
                    [(key, *place, field) for field, key in mentions_of(contract, event)],
                )

    def roll_back(self, to_number: int) -> int:
        """Take out all blocks above a number; answers how many events went with them."""
        with self.transaction():
            (events,) = self._one("SELECT count(*) FROM events WHERE block > ?", to_number)
            self._db.execute("DELETE FROM blocks WHERE number > ?", (to_number,))
        return int(events)

    def thin_out(self, below: int) -> None:
        """Drop blocks below a number that no event stands in, but for one in `SPARSE_BLOCKS`."""
        with self.transaction():
            self._db.execute(
                "DELETE FROM blocks WHERE number BETWEEN ? AND ? AND number % ? != 0 "
                "AND number < (SELECT max(number) FROM blocks) "
                "AND NOT EXISTS (SELECT 1 FROM events WHERE events.block = blocks.number)",
                (below - 2 * SPARSE_BLOCKS, below - 1, SPARSE_BLOCKS),
            )

    # --- reading -------------------------------------------------------------------------------

    def highest(self, at_most: int = MOST_INTEGER) -> Block | None:
        """The highest block of the file up to a number; of all of them, the cursor."""
        row = self._db.execute(
            "SELECT number, hash, parent, timestamp FROM blocks WHERE number <= ? "
            "ORDER BY number DESC LIMIT 1",
            (at_most,),
        ).fetchone()
        return None if row is None else Block(row[0], Hash32(row[1]), Hash32(row[2]), row[3], 0)

    def numbers(self, at_most: int) -> list[int]:
        """Numbers of all blocks of the file up to one, ascending."""
        rows = self._db.execute(
            "SELECT number FROM blocks WHERE number <= ? ORDER BY number", (at_most,)
        )
        return [number for (number,) in rows]

    def count(self) -> int:
        """Events in the file."""
        (events,) = self._one("SELECT count(*) FROM events")
        return int(events)

    def about(
        self,
        key: bytes,
        kinds: Sequence[type[ChainEvent]] = (),
        *,
        field: str = "",
        most: int = MOST_INTEGER,
    ) -> list[DatedEvent]:
        """The events of these kinds, or all, that mention an account, hash or subject.

        Args:
            key: what is mentioned.
            kinds: of the events.
            field: in which of their fields; empty for any.
            most: no more than so many, the oldest.
        """
        where = (
            "WHERE (events.block, place) IN "
            "(SELECT block, place FROM mentions WHERE key = ? AND ? IN (field, ''))"
        )
        return self._select(where, [key, field], kinds, most)

    def of_kind(self, kind: type[ChainEvent]) -> Iterator[DatedEvent]:
        """All events of a kind, the newest first, decoded as they are asked for."""
        where, names = those_of([kind], self._contracts.values())
        rows = self._db.execute(
            SELECT + f"WHERE {where} ORDER BY events.block DESC, place DESC", names
        )
        return map(self._event_of, rows)

    def accounts(self) -> list[bytes]:
        """Every account that an event mentions, our contracts among them."""
        rows = self._db.execute("SELECT DISTINCT key FROM mentions WHERE length(key) = 20")
        return [key for (key,) in rows]

    def keys(self, kind: type[ChainEvent], field: str) -> list[bytes]:
        """What the events of a kind have in a field of theirs that is mentioned."""
        where, names = those_of([kind], self._contracts.values())
        rows = self._db.execute(KEYS + f"WHERE field = ? AND ({where})", [field, *names])
        return [key for (key,) in rows]

    def content(self) -> list[tuple[object, ...]]:
        """Everything that does not depend on when the file was filled: for comparison."""
        events = self._db.execute(SELECT + "ORDER BY events.block, place").fetchall()
        mentions = self._db.execute("SELECT * FROM mentions ORDER BY block, place, key, field")
        return [*events, *mentions.fetchall()]

    def check(self) -> list[str]:
        """What is wrong with the file, one sentence each; an empty list when nothing is."""
        with damage_is_told(self.path), self.transaction(to_write=False):
            found = [text for (text,) in self._db.execute("PRAGMA integrity_check") if text != "ok"]
            if found:
                return found
            found += [
                f"a row of {row[0]} hangs in the air"
                for row in self._db.execute("PRAGMA foreign_key_check")
            ]
            found += [
                f"block {number} does not follow on block {number - 1}"
                for (number,) in self._db.execute(
                    "SELECT upper.number FROM blocks upper JOIN blocks lower "
                    "ON lower.number = upper.number - 1 WHERE upper.parent != lower.hash"
                )
            ]
            return found + self._check_mentions()

    # --- inside --------------------------------------------------------------------------------

    def _check_mentions(self) -> list[str]:
        derived = set()
        for row in self._db.execute(SELECT):
            try:
                contract, event = self._decode(self._log_of(row))
            except (LogsContradicted, KeyError):
                return [f"event {row[1]} of block {row[0]} cannot be read"]
            keys = mentions_of(contract, event)
            derived |= {(key, row[0], row[1], field) for field, key in keys}
        if derived != set(self._db.execute("SELECT key, block, place, field FROM mentions")):
            return ["the lists of what is mentioned where are not those of the events"]
        return []

    def _select(
        self,
        where: str,
        values: list[object],
        kinds: Sequence[type[ChainEvent]],
        most: int = MOST_INTEGER,
    ) -> list[DatedEvent]:
        if kinds:
            those, names = those_of(kinds, self._contracts.values())
            where, values = f"{where} AND ({those})", [*values, *names]
        order = " ORDER BY events.block, place LIMIT ?"
        rows = self._db.execute(SELECT + where + order, [*values, most])
        return [self._event_of(row) for row in rows]

    def _event_of(self, row: tuple[Any, ...]) -> DatedEvent:
        return DatedEvent(self._decode(self._log_of(row))[1], Timestamp(row[-1]))

    def _log_of(self, row: tuple[Any, ...]) -> RawLog:
        block, place, contract, tx_hash, topics, data, block_hash, _ = row
        parts = tuple(Hash32(topics[at : at + 32]) for at in range(0, len(topics), 32))
        address = self._contracts[contract].address
        return RawLog(address, parts, data, block, Hash32(block_hash), Hash32(tx_hash), place)

    def _decode(self, log: RawLog) -> tuple[Contract, ChainEvent]:
        contract = self._by_address[log.address]
        try:
            event = decode_log(contract, log)
        except NodeAnswerMalformed:
            event = None
        if event is None:
            raise LogsContradicted(
                "sent a log that is no event of the contract",
                who="node",
                had=f"log {log.log_index} of block {log.block_number} at {contract.name}",
                remedy="Use another node, or the manifest of this version's contracts.",
            )
        return contract, event

    def _one(self, statement: str, *values: object) -> Any:
        return self._db.execute(statement, values).fetchone()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")  # readers go on while this process writes
        self._db.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is read again
        self._db.execute("PRAGMA foreign_keys = ON")
        if self._is_empty():
            with self.transaction():
                for statement in filter(str.strip, SCHEMA.split(";")):
                    self._db.execute(statement)
                self._db.executemany(
                    "INSERT INTO facts VALUES (?, ?)", facts_of(self._deployment).items()
                )
        self._check_identity()

    def _is_empty(self) -> bool:
        (tables,) = self._one("SELECT count(*) FROM sqlite_master")
        return int(tables) == 0

    def _check_identity(self) -> None:
        if self._is_empty():  # a process was killed before it had begun
            raise IndexMissing("is empty", who=self.path, remedy="Fill it: `edgemark index sync`.")
        # In the place of a table, somebody else's file may have a query without end.
        kinds = dict(self._db.execute("SELECT name, type FROM sqlite_master LIMIT 99"))
        if any(kinds.get(name) != "table" for name in TABLES):
            raise IndexDamaged(
                "is no index", who=self.path, needed=", ".join(TABLES), remedy=REBUILD
            )
        found = dict(self._db.execute("SELECT name, value FROM facts LIMIT 99"))
        check_facts(found, facts_of(self._deployment), self.path)
