"""The file of a channel: heights that stay, bounds, the largest values, and files of others."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest

from edgemark.errors import Overloaded, Unrecoverable
from edgemark.ledger.embedded.state import store as stores
from edgemark.ledger.embedded.state.store import Entry, Store, Written
from edgemark.ledger.embedded.state.tables import StoreDamaged, StoreUnavailable
from edgemark.ledger.embedded.state.views import StateView
from edgemark.ledger.fabric.wire.blocks import Block, make_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_KEY_BYTES,
    MAX_KEYS_OF_TRANSACTION,
    MAX_VALUE_BYTES,
    RANGE_PAGE,
)
from edgemark.ledger.fabric.wire.read_write_sets import Version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trade.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, "trade") as made:
        yield made


def append(store: Store, *writes: tuple[str, bytes | None], timestamp_ns: int = 7) -> Block:
    """A block of one transaction that writes these keys."""
    number = store.height
    block = make_block(number, b"", [b"%d" % number])
    entry = Entry(f"t{number}", timestamp_ns, Code.VALID)
    store.append(block, [entry], [Written("code", key, value, 0) for key, value in writes])
    return block


def unsealed(*_: object) -> str:
    """Who orders has no part in what is kept and taken back here."""
    return ""


def keys_of(view: StateView, start: str, end: str) -> list[str]:
    return [key for key, _, _ in view.range("code", start, end)]


def test_range__is_in_order_of_bytes__and_open_ones_give_no_composite_keys(store: Store) -> None:
    names = ["z", "é", "\U0001f600", "\uffff", "\x00t\x00x\x00", "a", "\x01"]
    append(store, *((name, b"v") for name in names))
    with store.view() as view:
        assert keys_of(view, "", "") == ["\x01", "a", "z", "é", "\uffff", "\U0001f600"]
        assert keys_of(view, "\x00t\x00", "\x00t\x00\U0010ffff") == ["\x00t\x00x\x00"]
        assert keys_of(view, "a", "z") == ["a"]
        assert keys_of(view, "z", "a") == []
        assert list(view.range("other", "", "")) == []


@pytest.mark.parametrize("count", [RANGE_PAGE - 1, RANGE_PAGE, RANGE_PAGE + 1, 3 * RANGE_PAGE])
def test_range_and_history__go_on_behind_a_page(store: Store, count: int) -> None:
    names = [f"k{each:04}" for each in range(count)]
    append(store, *((name, b"v") for name in names))
    with store.view() as view:
        assert keys_of(view, "", "") == names
        assert [key for key, _ in view.versions("code", "", "")] == names
    for each in range(count):
        append(store, ("h", b"%d" % each))
    with store.view() as view:
        values = [int(row.value) for row in view.history("code", "h")]
        assert values == list(range(count))[::-1]


def test_range__ends_early__and_leaves_nothing_open(store: Store) -> None:
    append(store, *((f"k{each:04}", b"v") for each in range(3 * RANGE_PAGE)))
    with store.view() as view:
        rows = view.range("code", "", "")
        next(rows)
    append(store, ("k", b"v"))
    with pytest.raises(Unrecoverable, match="view is closed"):
        list(rows)


def test_view__is_one_height__whatever_is_appended_or_taken_back(store: Store) -> None:
    append(store, ("a", b"1"))
    with store.view() as before:
        append(store, ("a", b"2"), ("b", b"2"))
        with store.view() as after:
            store.revert(1, unsealed)
            append(store, ("a", None))
            assert (before.height, after.height) == (1, 2)
            assert before.get("code", "a") == (b"1", Version(0, 0))
            assert after.get("code", "a") == (b"2", Version(1, 0))
            assert keys_of(after, "", "") == ["a", "b"]
    with store.view() as now:
        assert now.get("code", "a") is None
        assert [row.is_delete for row in now.history("code", "a")] == [True, False]


def test_all_views_of_a_height__share_one_connection__and_heights_are_bounded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MAX_HEIGHTS", 2)
    append(store, ("a", b"1"))
    many = [store.view() for _ in range(100)]
    append(store, ("a", b"2"))
    newer = store.view()
    append(store, ("a", b"3"))
    with pytest.raises(Overloaded):
        store.view()
    for each in many:
        each.close()
    many[0].close()  # a second time does nothing
    with store.view() as newest:
        assert newest.get("code", "a") == (b"3", Version(2, 0))
    assert newer.get("code", "a") == (b"2", Version(1, 0))
    newer.close()


def test_largest_key_value_and_number_of_writes__are_kept(store: Store) -> None:
    longest = "k" * MAX_KEY_BYTES
    append(store, (longest, b"v" * MAX_VALUE_BYTES))
    append(store, *((f"{each:05}", b"v") for each in range(MAX_KEYS_OF_TRANSACTION)))
    with store.view() as view:
        found = view.get("code", longest)
        assert found is not None
        assert found[0] == b"v" * MAX_VALUE_BYTES
        assert len(keys_of(view, "", "")) == MAX_KEYS_OF_TRANSACTION + 1


def test_time_and_id_of_a_hostile_header__are_kept_as_they_are(store: Store) -> None:
    number = store.height
    entries = [
        Entry("x\x00y'; DROP TABLE state", -(2**70), Code.BAD_PAYLOAD),
        Entry("", 0, Code.VALID),
    ]
    store.append(make_block(number, b"", [b"a", b"b"]), entries, [Written("code", "k", b"v", 1)])
    with store.view() as view:
        placed = view.placed("x\x00y'; DROP TABLE state")
        assert placed == (Code.BAD_PAYLOAD, 0, 0)
        assert view.placed("x") is None


def test_key_written_twice_by_a_transaction__has_the_last_value(store: Store) -> None:
    append(store, ("a", b"1"), ("a", None), ("a", b"2"), ("b", b"1"), ("b", None))
    with store.view() as view:
        assert view.get("code", "a") == (b"2", Version(0, 0))
        assert view.get("code", "b") is None
        assert [row.value for row in view.history("code", "a")] == [b"2"]


def test_block_that_cannot_be_kept__leaves_nothing(store: Store) -> None:
    block = append(store, ("a", b"1"))
    with pytest.raises(StoreDamaged):
        store.append(block, [Entry("again", 0, Code.VALID)], [Written("code", "a", b"2", 0)])
    with store.view() as view:
        assert view.get("code", "a") == (b"1", Version(0, 0))
        assert view.placed("again") is None
    append(store, ("a", b"3"))


def read_always(store: Store, ended: Event) -> None:
    """Hold a view at every moment, each for a moment only."""
    reading = store.view()
    while not ended.wait(0.001):
        newer = store.view()
        reading.close()
        reading = newer
    reading.close()


def test_write_ahead_file__stays_small__while_somebody_always_reads(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 128 * 1024
    monkeypatch.setattr(stores, "WAL_BYTES", most)
    store._wal_limit = most
    ended, largest = Event(), 0
    with ThreadPoolExecutor(1) as threads:
        reader = threads.submit(read_always, store, ended)
        try:
            for _ in range(40):
                append(store, ("a", os.urandom(30_000)))
                largest = max(largest, Path(f"{path}-wal").stat().st_size)
        finally:
            ended.set()
        reader.result()
    assert largest < 20 * most / 4  # of 40 blocks of more than a quarter of it each


def test_write_ahead_file__is_left_to_grow__while_somebody_stays_at_a_height(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "WAL_BYTES", 256 * 1024)
    monkeypatch.setattr(stores, "FOLD_MS", 1)
    store._wal_limit = 256 * 1024
    append(store, ("a", b"first"))
    with store.view() as staying:
        for _ in range(20):
            append(store, ("a", os.urandom(30_000)))
        assert staying.get("code", "a") == (b"first", Version(0, 0))
        assert Path(f"{path}-wal").stat().st_size > 256 * 1024
    store._wal_limit = 0
    append(store, ("a", b"last"))
    assert Path(f"{path}-wal").stat().st_size < 256 * 1024


def test_file_of_another_program_or_channel_or_none__is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreDamaged, match="another program's"):
        Store(other, "trade")
    text = tmp_path / "text.sqlite"
    text.write_bytes(b"no database at all, but long enough to be looked at\n" * 40)
    with pytest.raises(StoreDamaged):
        Store(text, "trade")
    path = tmp_path / "trade.sqlite"
    Store(path, "trade").close()
    with pytest.raises(StoreDamaged, match="another channel's"):
        Store(path, "elsewhere")
    with pytest.raises(StoreUnavailable):
        Store(tmp_path / "nowhere" / "trade.sqlite", "trade")


def test_file_that_was_cut_or_overwritten__is_refused_or_read_as_it_was(path: Path) -> None:
    with Store(path, "trade") as store:
        for each in range(40):
            append(store, (f"k{each}", b"v" * 900))
    whole = path.read_bytes()
    for place in range(0, len(whole), 4096):
        damaged = whole[:place] + b"\xff" * 64 + whole[place + 64 :]
        for raw in (damaged, whole[:place]):
            path.write_bytes(raw)
            try:
                with Store(path, "trade") as store, store.view() as view:
                    keys_of(view, "", "")
                    append(store, ("more", b"v"))
            except (StoreDamaged, StoreUnavailable):
                continue


def test_block__is_on_the_disk_when_it_is_kept(store: Store) -> None:
    """No kill shows a disk that was not asked to keep what it was given."""
    asked = [store._writer.execute(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")]
    assert [each.fetchone()[0] for each in asked] == ["wal", 2]


def test_revert__of_nothing__and_of_everything(store: Store) -> None:
    append(store, ("a", b"1"))
    store.revert(9, unsealed)
    assert store.height == 1
    store.revert(0, unsealed)
    assert store.height == 0
    with store.view() as view:
        assert (view.height, view.get("code", "a"), view.newest_block()) == (0, None, None)


def test_namespace_that_is_kept__is_read_as_it_is_at_each_height(path: Path) -> None:
    with Store(path, "trade", keeps="code") as store:
        seen: list[tuple[StateView, bytes | None]] = []

        def read(view: StateView) -> bytes | None:
            found = view.get("code", "a")
            assert found is None or found[1] == view.version("code", "a")
            return None if found is None else found[0]

        for value in (b"1", b"2", None, b"3"):
            append(store, ("a", value))
            view = store.view()
            assert (read(view), read(view)) == (value, value)
            seen.append((view, value))
        assert [read(view) for view, _ in seen] == [value for _, value in seen]
        store.revert(2, unsealed)
        with store.view() as newest:
            assert (read(newest), read(newest)) == (b"2", b"2")
        for view, _ in seen:
            view.close()


def test_height_taken_while_a_kept_namespace_changes__keeps_nothing(path: Path) -> None:
    with Store(path, "trade", keeps="code") as store:
        append(store, ("a", b"1"))
        with store._keeping(True):  # between the commit of a block and its height
            store._let_go()
            with store.view() as view:
                assert view.get("code", "a") == (b"1", Version(0, 0))
        append(store, ("a", b"2"))
        with store.view() as view:
            assert view.get("code", "a") == (b"2", Version(1, 0))


def test_files__are_their_owners_alone(path: Path) -> None:
    path.touch(0o644)  # as one that an older program made
    path.chmod(0o644)
    with Store(path, "trade") as store:
        append(store, ("k", b"v"))
        found = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert len(found) > 1
    assert set(found.values()) == {0o600}, found


def test_write_ahead_file_that_cannot_be_copied__leaves_the_patience_of_commits(
    store: Store,
) -> None:
    class Failing:
        """The writer, whose file cannot be copied: no test can break a disk at that very step."""

        def __init__(self, writer: sqlite3.Connection) -> None:
            self.writer = writer

        def __getattr__(self, name: str) -> object:
            return getattr(self.writer, name)

        def execute(self, text: str, *more: object) -> object:
            if "wal_checkpoint" in text:
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR
                raise error
            return self.writer.execute(text, *more)

    append(store, ("a", b"1"))
    writer, store._wal_limit = store._writer, 0
    patience = writer.execute("PRAGMA busy_timeout").fetchone()
    store._writer = Failing(writer)  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        append(store, ("a", b"2"))
    store._writer = writer
    assert writer.execute("PRAGMA busy_timeout").fetchone() == patience


class PassingFault:
    """A connection whose file cannot be read once; a fake because no disk fails to order."""

    def __init__(self, connection: sqlite3.Connection, question: str) -> None:
        self._connection, self._question, self._is_over = connection, question, False

    def execute(self, question: str, *values: Any) -> sqlite3.Cursor:
        if question.startswith(self._question) and not self._is_over:
            self._is_over = True
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return self._connection.execute(question, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("question", ["SELECT max(number)", "COMMIT"])
def test_fault_that_passes__leaves_nothing_open_on_the_writers_connection(
    store: Store, question: str
) -> None:
    append(store, ("k", b"1"))
    store._writer = cast(sqlite3.Connection, PassingFault(store._writer, question))
    with pytest.raises(StoreUnavailable), store.view_of_writer():
        pass
    with store.view_of_writer() as view:
        assert view.height == 1
    append(store, ("k", b"2"))
    with store.view() as view:
        assert view.height == 2
