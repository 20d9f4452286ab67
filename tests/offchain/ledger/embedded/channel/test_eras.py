"""No version is given twice, however often blocks are taken back; and verify says of which era."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    definition_read,
    firm,
    orderer,
    puts,
)

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.sealing import read_era_of, seal_era
from edgemark.ledger.embedded.channel.verifying import ChannelDiffers, verify_file
from edgemark.ledger.embedded.eras import MAX_ERA, make_position, read_era, write_era
from edgemark.ledger.embedded.state.store import Store
from edgemark.ledger.embedded.state.tables import StoreDamaged
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.blocks import parse_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.read_write_sets import RangeRead, Read, Version

ORDERER = firm("OrdererMSP").organisation


def make_channel(path: Path) -> Channel:
    channel = Channel.make(path, configuration_of(*ORGANISATIONS), orderer())
    define(channel)
    return channel


def put(channel: Channel, **values: str) -> Code:
    draft = Draft([definition_read(channel), puts({key: v.encode() for key, v in values.items()})])
    return channel.commit([draft.envelope()]).flags[0]


def read(channel: Channel, key: str) -> Read:
    with channel.view() as view:
        return Read(key, view.version("code", key))


def held(channel: Channel, *reads: Read, ranges: tuple[RangeRead, ...] = ()) -> bytes:
    seen = puts({"paid": b"yes"}, reads=reads, ranges=ranges)
    return Draft([definition_read(channel), seen]).envelope()


def test_endorsement_of_before_a_revert__does_not_count_on_another_value_in_the_same_place(
    tmp_path: Path,
) -> None:
    with make_channel(tmp_path / "trade.sqlite") as channel:
        put(channel, price="1")
        seen = read(channel, "price")
        assert seen.version == Version(2, 0)
        span = RangeRead("a", "z", True, (seen,))
        by_key, by_range = held(channel, seen), held(channel, ranges=(span,))
        channel.revert(2)
        put(channel, price="1000")
        assert read(channel, "price").version == Version(2, make_position(1, 0))
        flags = channel.commit([by_key, by_range]).flags
        assert flags == (Code.MVCC_READ_CONFLICT, Code.PHANTOM_READ_CONFLICT)
        channel.revert(2)  # and not on what is read of a second history, either
        put(channel, price="1000000")
        assert channel.commit([by_key]).flags == (Code.MVCC_READ_CONFLICT,)


def test_endorsement_of_before_a_revert__counts_where_all_that_it_read_is_there(
    tmp_path: Path,
) -> None:
    with make_channel(tmp_path / "trade.sqlite") as channel:
        put(channel, price="1")
        put(channel, other="x")
        envelope = held(channel, read(channel, "price"))
        channel.revert(3)
        put(channel, other="y")
        assert channel.commit([envelope]).flags == (Code.VALID,)


def test_endorsement_of_a_chaincode_that_was_taken_back__does_not_count_on_the_next_of_its_name(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trade.sqlite"
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
        envelope = held(channel)
        channel.revert(1)
        define(channel)
        assert channel.commit([envelope]).flags == (Code.MVCC_READ_CONFLICT,)


def test_era__is_kept_with_what_is_taken_back__and_found_by_verify(tmp_path: Path) -> None:
    path = tmp_path / "trade.sqlite"
    with make_channel(path) as channel:
        put(channel, a="1")
        first = Draft([definition_read(channel), puts({"a": b"2"})])
        channel.revert(2)
        channel.revert(2)  # takes nothing back, so nothing ends
    with Channel(path, CHANNEL, orderer()) as channel:  # no block of the new era is there yet
        block = channel.commit([first.envelope()])
        assert read_era_of(block) == 1
        assert channel.transaction(first.transaction_id) == (block.envelopes[0], Code.VALID)
        with channel.view() as view:
            (row,) = view.history("code", "a")
            assert row.transaction_id == first.transaction_id
    assert verify_file(path, CHANNEL, ORDERER).valid == 3


@pytest.mark.parametrize("era", ["0", "-1", "x", "", str(MAX_ERA) + "0"])
def test_era_that_was_changed__is_found(tmp_path: Path, era: str) -> None:
    path = tmp_path / "trade.sqlite"
    with make_channel(path) as channel:
        put(channel, a="1")
        channel.revert(2)
        put(channel, a="2")
    with closing(sqlite3.connect(path, isolation_level=None)) as rows:
        rows.execute("UPDATE facts SET value = ? WHERE name = 'era'", (era,))
    for does in (lambda: verify_file(path, CHANNEL, ORDERER), lambda: open_anew(path)):
        with pytest.raises((ChannelDiffers, StoreDamaged), match="era"):
            does()


def open_anew(path: Path) -> None:
    Channel(path, CHANNEL, orderer()).close()


SWAPS = {
    "an earlier era": "UPDATE facts SET value = '1' WHERE name = 'era'",
    "a later era": "UPDATE facts SET value = '3' WHERE name = 'era'",
    "no era": "DELETE FROM facts WHERE name = 'era'",
    "no seal": "DELETE FROM facts WHERE name = 'seal of era'",
    "neither": "DELETE FROM facts WHERE name <> 'channel'",
    "no text of bytes": "UPDATE facts SET value = 'x' WHERE name = 'seal of era'",
    "another form": "UPDATE facts SET value = upper(value) WHERE name = 'seal of era'",
    "more bytes": "UPDATE facts SET value = value || '7800' WHERE name = 'seal of era'",
}


@pytest.mark.parametrize("change", SWAPS.values(), ids=SWAPS)
@pytest.mark.parametrize("grows", [True, False])
def test_era_that_nobody_signed__is_found_by_verify__and_not_opened(
    tmp_path: Path, change: str, grows: bool
) -> None:
    path = tmp_path / "trade.sqlite"
    with make_channel(path) as channel:
        for _ in range(2):  # a block of the first of the two eras stays
            put(channel, a="1")
            put(channel, a="2")
            channel.revert(channel.height - 1)
        if grows:
            put(channel, a="3")
    verify_file(path, CHANNEL, ORDERER)
    open_anew(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as rows:
        assert rows.execute(change).rowcount
    for does in (lambda: verify_file(path, CHANNEL, ORDERER), lambda: open_anew(path)):
        with pytest.raises((ChannelDiffers, StoreDamaged), match="era"):
            does()


def test_era_of_another_channel__or_by_another__is_found(tmp_path: Path) -> None:
    path, other = tmp_path / "trade.sqlite", tmp_path / "other.sqlite"
    for each in (path, other):
        with make_channel(each) as channel:
            put(channel, a="1")
            channel.revert(2)
            below = parse_block(channel.block(1) or b"").hash
    question = "SELECT value FROM facts WHERE name = 'seal of era'"
    with closing(sqlite3.connect(path)) as rows:
        (foreign,) = rows.execute(question).fetchone()
    peer = firm(ORGANISATIONS[0]).peer
    for sealed in (seal_era(CHANNEL, 1, 2, below, peer, b"n" * 24), foreign):
        with closing(sqlite3.connect(other, isolation_level=None)) as rows:
            rows.execute("UPDATE facts SET value = ? WHERE name = 'seal of era'", (sealed,))
        for does in (lambda: verify_file(other, CHANNEL, ORDERER), lambda: open_anew(other)):
            with pytest.raises((ChannelDiffers, StoreDamaged), match="era"):
                does()


def test_blocks_of_an_era_that_is_over__are_found(tmp_path: Path) -> None:
    path = tmp_path / "trade.sqlite"
    with make_channel(path) as channel:
        put(channel, a="1")
        channel.revert(2)
        put(channel, a="2")
        channel._store.era = 0  # as a ledger that forgets it would go on
        put(channel, a="3")
    with pytest.raises(ChannelDiffers, match="is of an earlier era"):
        verify_file(path, CHANNEL, ORDERER)


def test_eras__have_an_end(tmp_path: Path) -> None:
    with make_channel(tmp_path / "trade.sqlite") as channel:
        channel._store.era = MAX_ERA
        put(channel, a="1")
        assert read(channel, "a").version == Version(2, make_position(MAX_ERA, 0))
        with pytest.raises(StoreDamaged, match="too often"):
            channel.revert(2)
        assert channel.height == 3
        assert put(channel, a="2") is Code.VALID


@pytest.mark.parametrize("raw", [b"\0\0\0\0", b"\x01", b"\x80\0\0\0", b"\0" * 5 + b"\x01"])
def test_era_in_a_block__that_is_none__is_refused(raw: bytes) -> None:
    with pytest.raises(MessageMalformed, match="is no era"):
        read_era(raw, "block")
    assert read_era(write_era(7), "block") == 7


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 2**32))
def test_version__has_one_value__in_all_histories(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    dice = random.Random(seed)
    path = tmp_path_factory.mktemp("eras") / "trade.sqlite"
    known: dict[tuple[str, Version], bytes] = {}
    with make_channel(path) as channel:
        for step in range(12):
            if dice.random() < 0.3:
                channel.revert(dice.randrange(2, channel.height + 1))
            else:
                values = {dice.choice("abc"): str(step) for _ in range(2)}
                assert put(channel, **values) is Code.VALID
            with channel.view() as view:
                for key, value, version in view.range("code", "", ""):
                    assert known.setdefault((key, version), value) == value
    verify_file(path, CHANNEL, ORDERER)
    with Store(path, CHANNEL) as store, store.view() as view:
        eras = [read_era_of(parse_block(view.block(at) or b"")) for at in range(view.height)]
        assert eras == sorted(eras)
