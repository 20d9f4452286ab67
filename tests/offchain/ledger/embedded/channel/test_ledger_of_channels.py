"""Several channels in one folder: made whole, opened once, snapshots of all, verified together."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from tests.offchain.ledger.embedded.consortium import (
    ORGANISATIONS,
    Draft,
    define,
    firm,
    orderer,
    puts,
)

from edgemark.errors import RefusedInput
from edgemark.files import FileInUse
from edgemark.ledger.embedded.channel import ledger as ledgers
from edgemark.ledger.embedded.channel.ledger import ChannelGone, Ledger, verify_folder
from edgemark.ledger.embedded.channel.reverting import Intent, RevertUnfinished, write_intent
from edgemark.ledger.embedded.channel.verifying import ChannelDiffers
from edgemark.ledger.embedded.state import tables
from edgemark.ledger.embedded.state.store import Store
from edgemark.ledger.embedded.state.tables import StoreDamaged, StoreUnavailable
from edgemark.ledger.fabric.wire.codes import Code

ALL = {each: firm(each).organisation for each in ORGANISATIONS}
ORDERER = firm("OrdererMSP").organisation


def open_ledger(folder: Path) -> Ledger:
    return Ledger.open(folder, orderer(), ORDERER)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def put(ledger: Ledger, channel: str, value: bytes) -> None:
    draft = Draft([puts({"k": value})], channel=channel)
    assert ledger.channels[channel].commit([draft.envelope()]).flags == (Code.VALID,)


def value_of(ledger: Ledger, channel: str) -> bytes | None:
    with ledger.channels[channel].view() as view:
        found = view.get("code", "k")
    return None if found is None else found[0]


def test_channels__have_their_own_organisations_chaincodes_and_state(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        define(ledger.create_channel("trade", ALL))
        alone = ledger.create_channel("alone", {"Org1MSP": ALL["Org1MSP"]})
        put(ledger, "trade", b"v")
        assert alone.definition("code") is None
        draft = Draft([puts({"k": b"v"})], channel="alone", creator=firm("Org2MSP").client)
        assert alone.commit([draft.envelope()]).flags == (Code.BAD_CREATOR_SIGNATURE,)
    with open_ledger(tmp_path) as ledger:
        assert set(ledger.channels) == {"alone", "trade"}
        assert value_of(ledger, "trade") == b"v"
        assert [each.channel for each in ledger.verify()] == ["alone", "trade"]


@pytest.mark.parametrize("name", ["Trade", "../trade", "", ".part", "a/b"])
def test_channel_of_no_name__is_refused__and_leaves_nothing(ledger: Ledger, name: str) -> None:
    with pytest.raises(RefusedInput):
        ledger.create_channel(name, ALL)
    assert ledger.channels == {}
    assert not [each for each in ledger.folder.rglob("*") if each.suffix == ".sqlite"]


def test_channel_that_is_there__is_not_made_again__and_their_number_is_bounded(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.create_channel("trade", ALL)
    with pytest.raises(RefusedInput, match="trade"):
        ledger.create_channel("trade", ALL)
    monkeypatch.setattr(ledgers, "MAX_CHANNELS", 1)
    with pytest.raises(RefusedInput):
        ledger.create_channel("more", ALL)


def test_folder__is_opened_by_one_at_a_time(tmp_path: Path) -> None:
    with open_ledger(tmp_path), pytest.raises(FileInUse):
        open_ledger(tmp_path)
    open_ledger(tmp_path).close()


def test_channel_that_was_being_made_when_its_process_died__is_not_there(tmp_path: Path) -> None:
    (tmp_path / "channels").mkdir(mode=0o700)
    (tmp_path / "channels" / ".part.sqlite").write_bytes(b"half a channel")
    (tmp_path / "channels" / ".part.sqlite-wal").write_bytes(b"half a channel")
    with open_ledger(tmp_path) as ledger:
        assert ledger.channels == {}
        ledger.create_channel("trade", ALL)


@pytest.mark.parametrize("name", ["x.partner", "trade.part", "x.part.sqlite-wal"])
def test_channel_that_is_named_like_a_half_made_file__stays(tmp_path: Path, name: str) -> None:
    with open_ledger(tmp_path) as ledger:
        ledger.create_channel(name, ALL)
    with open_ledger(tmp_path) as ledger:
        assert set(ledger.channels) == {name}


def test_revert__takes_all_channels_back__and_the_snapshot_stays(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        define(ledger.create_channel("trade", ALL))
        define(ledger.create_channel("other", ALL))
        put(ledger, "trade", b"1")
        with pytest.raises(RefusedInput, match="Take one first: `edgemark ledger snapshot`"):
            ledger.revert(1)
        first = ledger.snapshot()
        put(ledger, "trade", b"2")
        put(ledger, "other", b"2")
        second = ledger.snapshot()
        put(ledger, "trade", b"3")
        late = ledger.create_channel("late", ALL)
        define(late)
        ledger.revert(second)
        assert (value_of(ledger, "trade"), value_of(ledger, "other")) == (b"2", b"2")
        assert late.height == 1
        ledger.revert(first)
        assert (value_of(ledger, "trade"), value_of(ledger, "other")) == (b"1", None)
        put(ledger, "trade", b"4")
    with open_ledger(tmp_path) as ledger:
        ledger.revert(first)
        assert value_of(ledger, "trade") == b"1"
        with pytest.raises(RefusedInput, match="no snapshot"):
            ledger.revert(second)
        assert ledger.snapshot() == second
        assert len(ledger.verify()) == 3


def test_revert_that_fails_half_way__is_told__and_finished_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("disk is full")

    with open_ledger(tmp_path) as ledger:
        for name in ("first", "second"):
            define(ledger.create_channel(name, ALL))
        number = ledger.snapshot()
        for name in ("first", "second"):
            put(ledger, name, b"later")
        later = ledger.snapshot()
        with monkeypatch.context() as broken:
            broken.setattr(ledger.channels["first"], "revert", fail)
            with pytest.raises(StoreUnavailable):
                ledger.revert(number)
        assert (value_of(ledger, "first"), value_of(ledger, "second")) == (b"later", b"later")
        assert not (tmp_path / "reverting.json").exists()
        with monkeypatch.context() as broken:
            broken.setattr(ledger.channels["second"], "revert", fail)
            with pytest.raises(RevertUnfinished):
                ledger.revert(number)
    with open_ledger(tmp_path) as ledger:
        assert (value_of(ledger, "first"), value_of(ledger, "second")) == (None, None)
        with pytest.raises(RefusedInput, match="no snapshot"):
            ledger.revert(later)
    open_ledger(tmp_path).close()


def test_revert_whose_last_write_fails__is_ended_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_ledger(tmp_path) as ledger:
        define(ledger.create_channel("trade", ALL))
        numbers = []
        for value in (b"1", b"2", b"3"):
            put(ledger, "trade", value)
            numbers.append(ledger.snapshot())
        put(ledger, "trade", b"4")
        with monkeypatch.context() as broken:
            broken.setattr(ledger, "_keep_snapshots", fail)
            with pytest.raises(RevertUnfinished, match=r"No space left.*again"):
                ledger.revert(numbers[1])
            with pytest.raises(RevertUnfinished):
                ledger.revert(numbers[1])
        with pytest.raises(RefusedInput, match=r"had 3; needed 1 \.\. 2"):
            ledger.revert(numbers[2])  # it is to be forgotten
        with pytest.raises(RevertUnfinished):
            ledger.snapshot()
        ledger.revert(numbers[0])
        assert value_of(ledger, "trade") == b"1"
        assert sorted(ledger.snapshots) == numbers[:1]
        put(ledger, "trade", b"5")
        assert ledger.snapshot() == numbers[1]
    with open_ledger(tmp_path) as ledger:
        assert value_of(ledger, "trade") == b"5"


class Refusing:
    """A connection of which so many commits fail where they wait for the disk."""

    def __init__(self, connection: sqlite3.Connection, fails: int) -> None:
        self._connection, self._fails = connection, fails

    def execute(self, sql: str, *told: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self._fails:
            self._fails -= 1
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error
        return self._connection.execute(sql, *told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize(("fails", "is_open"), [(1, False), (2, True)])
def test_revert_whose_commit_fails__is_taken_for_half_done_unless_something_is_over_it(
    tmp_path: Path, fails: int, is_open: bool
) -> None:
    """The pages of such a commit stand whole in a file that is read again after a kill."""
    with open_ledger(tmp_path) as ledger:
        for name in ("one", "two"):
            define(ledger.create_channel(name, ALL))
        number = ledger.snapshot()
        for name in ("one", "two"):
            put(ledger, name, b"later")
        store = ledger.channels["one"]._store
        writer, store._writer = store._writer, cast(Any, Refusing(store._writer, fails))
        with pytest.raises(RevertUnfinished if is_open else StoreUnavailable) as told:
            ledger.revert(number)
        assert isinstance(told.value, RevertUnfinished) is is_open
        store._writer = writer
        assert value_of(ledger, "one") == b"later"
        assert (tmp_path / "reverting.json").exists() is is_open
    with open_ledger(tmp_path) as ledger:
        left = None if is_open else b"later"
        assert [value_of(ledger, name) for name in ("one", "two")] == [left] * 2
        assert len(ledger.verify()) == 2


@pytest.mark.parametrize("name", ["snapshots.json", "channels.json", "reverting.json"])
def test_file_that_the_disk_does_not_read__is_not_told_as_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = Path.read_bytes

    def read(path: Path) -> bytes:
        if path.name == name:
            raise OSError(errno.EIO, "Input/output error")
        return real(path)

    (tmp_path / name).write_bytes(b"{}")
    monkeypatch.setattr(Path, "read_bytes", read)
    with pytest.raises(StoreUnavailable, match=f"{name}.*Input/output error"):
        open_ledger(tmp_path)


@pytest.mark.parametrize("step", ["write_intent", "remove_intent"])
def test_intent_that_cannot_be_removed__lets_nothing_be_committed_that_would_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def write_and_fail(folder: Path, intent: Intent) -> None:
        write_intent(folder, intent)
        fail()

    with open_ledger(tmp_path) as ledger:
        define(ledger.create_channel("trade", ALL))
        number = ledger.snapshot()
        put(ledger, "trade", b"later")
        with monkeypatch.context() as broken:
            broken.setattr(ledger.channels["trade"], "revert", fail)
            if step == "remove_intent":
                broken.setattr(ledgers, "remove_intent", fail)
                for refused in (lambda: ledger.revert(number), ledger.snapshot):
                    with pytest.raises(RevertUnfinished):
                        refused()
                return
            broken.setattr(ledgers, "write_intent", write_and_fail)
            with pytest.raises(OSError, match="Input/output"):
                ledger.revert(number)
        put(ledger, "trade", b"latest")
    with open_ledger(tmp_path) as ledger:
        assert value_of(ledger, "trade") == b"latest"


def test_channel_whose_file_somebody_reads__is_not_there__and_can_be_made_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BUSY_S", 0.1)
    readers: list[sqlite3.Connection] = []
    append = Store.append

    def append_and_read(store: Store, *what: Any) -> None:
        append(store, *what)
        reader = sqlite3.connect(store.path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM blocks").fetchone()
        readers.append(reader)

    with open_ledger(tmp_path) as ledger:
        with monkeypatch.context() as watched:
            watched.setattr(Store, "append", append_and_read)
            with pytest.raises(StoreUnavailable, match="read by others"):
                ledger.create_channel("trade", ALL)
        assert ledger.channels == {}
        for each in readers:
            each.close()
        ledger.create_channel("trade", ALL)
    assert [each.name for each in (tmp_path / "channels").glob("*.sqlite*")] == ["trade.sqlite"]
    with open_ledger(tmp_path) as ledger:
        assert ledger.channels["trade"].height == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"1": {"at": 1, "heights": {"trade": "x"}}}',
        b'{"1": {"trade": 1}}',
        b'{"x": {}}',
        b"{",
        b"\xff",
    ],
)
def test_snapshots_that_cannot_be_read__are_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "snapshots.json").write_bytes(raw)
    with pytest.raises(StoreDamaged, match=r"snapshots\.json"):
        open_ledger(tmp_path)
    (tmp_path / "snapshots.json").unlink()
    open_ledger(tmp_path).close()


def test_damaged_channel__is_named__also_where_it_cannot_be_opened(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        define(ledger.create_channel("trade", ALL))
        ledger.create_channel("other", ALL)
    path = tmp_path / "channels" / "trade.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as rows:
        rows.execute("UPDATE blocks SET raw = x'0a'")
    with pytest.raises(StoreDamaged, match="trade"):
        open_ledger(tmp_path)
    with pytest.raises(ChannelDiffers, match="trade, block 0"):
        verify_folder(tmp_path, ORDERER)


def test_channel_whose_file_is_gone__is_told_and_not_made_anew(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        ledger.create_channel("trade", ALL)
        ledger.create_channel("other", ALL)
    (tmp_path / "channels" / "trade.sqlite").unlink()
    for does in (lambda: open_ledger(tmp_path), lambda: verify_folder(tmp_path, ORDERER)):
        with pytest.raises(ChannelGone, match=r"channel trade.*Put it back.*channels\.json"):
            does()
    (tmp_path / "channels.json").write_text('["other"]')
    with open_ledger(tmp_path) as ledger:
        assert set(ledger.channels) == {"other"}
        ledger.create_channel("trade", ALL)
    assert [each.channel for each in verify_folder(tmp_path, ORDERER)] == ["other", "trade"]


@pytest.mark.parametrize("name", ["snapshots.json", "reverting.json"])
def test_file_that_no_ledger_opens_with__is_found_by_verify_too(tmp_path: Path, name: str) -> None:
    with open_ledger(tmp_path) as ledger:
        ledger.create_channel("trade", ALL)
    (tmp_path / name).write_bytes(b"no JSON")
    for does in (lambda: open_ledger(tmp_path), lambda: verify_folder(tmp_path, ORDERER)):
        with pytest.raises(StoreDamaged, match=name):
            does()


def test_channel_that_is_served__has_to_be_there(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    with pytest.raises(ChannelGone, match="channel trade"):
        verify_folder(tmp_path, ORDERER, ["trade"])


@pytest.mark.parametrize("raw", [b"", b"{}", b'["../up"]', b"[3]", b"3", b"\xff"])
def test_names_of_channels_that_cannot_be_read__are_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "channels.json").write_bytes(raw)
    with pytest.raises(StoreDamaged, match=r"channels\.json"):
        open_ledger(tmp_path)
