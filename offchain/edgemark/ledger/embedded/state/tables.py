"""The tables of a channel's file, and the errors of one that cannot be used.

    blocks         number, hash, bytes; the first row of history that is its own
    transactions   of each block by position: id, code, timestamp; an id may come twice
    history        every value that a key ever had, by block and position; NULL: it was deleted
    state          the row of history that a key has now

Keys are UTF-8 as bytes, and so are ordered by code point: a composite key begins with a zero byte.
A position is the place in its block and the era (`eras`); facts has the era of what comes next,
as who orders signed it.
A value stands once, in its row of history. Times are text: a header may say one beyond 64 bits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from edgemark.errors import LedgerUnavailable, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE
from edgemark.ledger.embedded.eras import MAX_ERA

BUSY_S = 5.0
CACHE_KIB = 2048  # of each connection
MMAP_BYTES = 256 * 1024 * 1024  # read without a copy of each connection's own
APPLICATION = 0x45444C47  # "EDLG": whose file it is
FORMAT = 1
SEAL_OF_ERA = "seal of era"  # name of a fact

SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL, raw BLOB NOT NULL, first_row INTEGER NOT NULL
);
CREATE UNIQUE INDEX blocks_by_hash ON blocks (hash);
CREATE TABLE transactions (
    block INTEGER NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, code INTEGER NOT NULL,
    timestamp_ns TEXT NOT NULL, PRIMARY KEY (block, position)
) WITHOUT ROWID;
CREATE INDEX transactions_by_id ON transactions (id);
CREATE TABLE history (
    row INTEGER PRIMARY KEY, namespace TEXT NOT NULL, key BLOB NOT NULL, block INTEGER NOT NULL,
    position INTEGER NOT NULL, value BLOB
);
CREATE UNIQUE INDEX history_by_key ON history (namespace, key, block, position);
CREATE TABLE state (
    namespace TEXT NOT NULL, key BLOB NOT NULL, row INTEGER NOT NULL, block INTEGER NOT NULL,
    position INTEGER NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
"""

REMEDY = (
    "Keep a copy of the file; `edgemark ledger verify` says what is wrong with one that can be"
    " read. A development ledger begins anew in another folder."
)


class StoreDamaged(Unrecoverable):
    """The file of a channel is damaged, or is another's."""


class StoreUnavailable(LedgerUnavailable):
    """The file of a channel could not be read or written; what was under way is not in it."""


class StoreDoubtful(StoreUnavailable):
    """What was under way is not in the file, and may be there after the process has died."""


@contextmanager
def explain_file(path: Path) -> Iterator[None]:
    """Say typed what the system refuses of a file beside the channels' own.

    Raises:
        StoreUnavailable: no room, no permission, or a disk that fails: nothing says it is damaged.
    """
    try:
        yield
    except OSError as error:
        raise _unusable(path, error.strerror) from error


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say typed what SQLite refuses within.

    Raises:
        StoreUnavailable: no room, no permission, or another process holds it.
        StoreDamaged: everything else.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in _PASSING:
            raise _unusable(path, error) from error
        raise _damaged(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }
)


def _unusable(path: Path, had: object) -> StoreUnavailable:
    return StoreUnavailable("file cannot be used", who=path, had=had, remedy="Make room, or wait.")


def _damaged(path: Path, error: sqlite3.Error) -> StoreDamaged:
    return StoreDamaged("file is damaged", who=path, had=error, remedy=REMEDY)


def connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    """A connection to a channel's file.

    Args:
        path: of the file.
        writes: whether it makes the file where there is none, and writes; else it only reads.
    """
    with told(path):
        mode = "rwc" if writes else "ro"
        if writes:
            _make_private(path)  # before SQLite does, whose other files take its mode
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,  # whoever uses one holds its lock
            timeout=BUSY_S,
        )
        try:
            if writes:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA secure_delete=OFF")
            connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            connection.execute(f"PRAGMA mmap_size={MMAP_BYTES}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def roll_back(connection: sqlite3.Connection) -> None:
    """End what is open on a connection; what was met before it is what is to be told."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def read_format(connection: sqlite3.Connection) -> tuple[int, int]:
    """Whose file it is, and of which format; 0 and 0 of one that nobody made yet."""
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    return application, version


def commit(connection: sqlite3.Connection, path: Path) -> None:
    """Keep what is open on a connection, durably.

    A commit that fails where it waits for the disk leaves whole pages in the write-ahead file: who
    opens the file after a kill would take them for kept. So something else is written over them.

    Raises:
        sqlite3.Error: nothing of it is kept.
        StoreDoubtful: nothing is, while this process lives.
    """
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        roll_back(connection)
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise  # its last page, which makes it whole, was not written
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO facts VALUES ('nothing', '')")
            connection.execute("DELETE FROM facts WHERE name = 'nothing'")
            connection.execute("COMMIT")
        except sqlite3.Error:
            roll_back(connection)
            raise StoreDoubtful(
                "file cannot be used; what was under way may be in it after a kill",
                who=path,
                had=error,
                remedy="Make room, or wait.",
            ) from error
        raise


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Check that a file is a channel's, of this format, with these tables and indexes.

    And with nothing beside them: a trigger would act.

    Raises:
        StoreDamaged: it has others.
    """
    with told(path):
        held, found = read_format(connection), _schema_of(connection)
    if held != (APPLICATION, FORMAT):
        needed = f"a channel's file of format {FORMAT}"
        raise StoreDamaged("file is another program's", who=path, needed=needed, remedy=REMEDY)
    for what, parts in (
        ("holds what is not its own", found - _expected()),
        ("lacks a part of it", _expected() - found),
    ):
        if parts:
            kind, name, *_ = min(parts)
            raise StoreDamaged(f"file {what}", who=path, had=f"{kind} {name[:64]}", remedy=REMEDY)


def read_era_of(connection: sqlite3.Connection, path: Path) -> tuple[int, str]:
    """How often blocks of a channel were taken back, and who orders signed it; see `eras`.

    Raises:
        StoreDamaged: it is no number.
    """
    with told(path):
        facts = dict(connection.execute("SELECT name, value FROM facts"))
    text, sealed = str(facts.get("era", "0")), str(facts.get(SEAL_OF_ERA, ""))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ERA))):
        raise StoreDamaged("era is no number", who=path, had=text[:32], remedy=REMEDY)
    return int(text), sealed


def _schema_of(connection: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")
    return frozenset(tuple(map(str, each)) for each in rows)


@cache
def _expected() -> frozenset[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        return _schema_of(connection)


def _make_private(path: Path) -> None:
    try:
        path.touch(OWNER_ONLY_FILE)
        path.chmod(OWNER_ONLY_FILE)
    except OSError as error:
        remedy = "Make room, or give it back to its owner."
        raise StoreUnavailable(
            "file cannot be used", who=path, had=error.strerror, remedy=remedy
        ) from error
