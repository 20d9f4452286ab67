"""`verify` finds every change of a channel's file, names it, and does not ask the time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    NOW,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    definition_read,
    firm,
    orderer,
    puts,
)

from edgemark.ledger.embedded.channel.admitting import BAD_REQUEST, NotOrdered
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.verifying import ChannelDiffers, verify_file
from edgemark.ledger.embedded.simulation.rights import admit, check_reader
from edgemark.ledger.embedded.state.tables import StoreDamaged
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.identities.signing import parse_certificate
from edgemark.ledger.fabric.wire.blocks import parse_block
from edgemark.ledger.fabric.wire.codes import Code

ORDERER = firm("OrdererMSP").organisation


def play(path: Path) -> None:
    """A channel of seven blocks: puts, a delete, one that is not endorsed, a configuration."""
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
        reads = definition_read(channel)
        channel.commit([Draft([reads, puts({"a": b"1", "b": b"2"})]).envelope()])
        once = Draft([puts({"a": b"3"})]).envelope()
        channel.commit([once, once, Draft([puts({"b": b"9"})], endorsers=[]).envelope()])
        channel.commit([Draft([puts({"b": None, "\x00type\x00x\x00": b"c"})]).envelope()])
        changed = channel.configuration.with_organisation(firm("Org1MSP").organisation)
        channel.reconfigure(changed)
        channel.commit([Draft([puts({"c": b"4"})]).envelope()])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("played") / "trade.sqlite"
    play(path)
    return path


@pytest.fixture
def path(played: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "trade.sqlite"
    shutil.copyfile(played, copy)
    return copy


@pytest.fixture
def rows(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_channel_as_it_was_kept__is_verified(path: Path) -> None:
    found = verify_file(path, CHANNEL, ORDERER)
    assert (found.blocks, found.transactions, found.valid) == (7, 9, 7)
    with closing(sqlite3.connect(path)) as connection:
        assert found.keys == connection.execute("SELECT count(*) FROM state").fetchone()[0]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE history SET value = x'35' WHERE value = x'33'", "history, block and position 3 0"),
        ("UPDATE history SET value = NULL WHERE value = x'33'", "history, block and position 3 0"),
        ("DELETE FROM history WHERE value = x'33'", "history"),
        ("INSERT INTO history VALUES (999, 'code', x'61', 6, 9, x'00')", "history"),
        ("UPDATE state SET row = 1 WHERE key = x'61'", "state, namespace and key code a"),
        ("DELETE FROM state WHERE key = x'61'", "state, namespace and key code"),
        ("UPDATE state SET block = 2 WHERE key = x'61'", "state, namespace and key code a"),
        ("INSERT INTO state VALUES ('code', x'62', 1, 2, 0)", "state"),
        ("UPDATE transactions SET code = 0 WHERE block = 3 AND position = 2", "transactions"),
        ("UPDATE transactions SET id = 'x' WHERE block = 3 AND position = 1", "transactions"),
        ("UPDATE transactions SET timestamp_ns = '1' WHERE block = 2", "transactions"),
        ("DELETE FROM transactions WHERE block = 6", "transactions"),
        ("UPDATE blocks SET hash = x'00' WHERE number = 2", "index of blocks, block 2"),
        ("UPDATE blocks SET first_row = 1 WHERE number = 3", "index of blocks, block 3"),
        ("DELETE FROM blocks WHERE number = 3", "block 3"),
        ("DELETE FROM blocks WHERE number = 6", "transactions"),
        ("DELETE FROM blocks WHERE number = 0", "block 0"),
        ("DELETE FROM blocks", "first block"),
        ("UPDATE blocks SET raw = x'00' WHERE number = 4", "block 4"),
    ],
)
def test_row_that_was_changed__is_named(
    path: Path, rows: sqlite3.Connection, change: str, named: str
) -> None:
    assert rows.execute(change).rowcount
    with pytest.raises(ChannelDiffers) as differs:
        verify_file(path, CHANNEL, ORDERER)
    assert named in str(differs.value)


@pytest.mark.parametrize(
    "index", ["transactions_by_id", "blocks_by_hash", "history_by_key", "state"]
)
def test_flips_in_an_index__are_found(path: Path, rows: sqlite3.Connection, index: str) -> None:
    """By such a page alone a transaction, a block or a key is found, or not."""
    (page,) = rows.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
    (size,) = rows.execute("PRAGMA page_size").fetchone()
    rows.close()
    whole = path.read_bytes()
    begin = (page - 1) * size
    used = [place for place in range(begin + 100, begin + size) if whole[place]]
    for place in used[5 :: max(1, len(used) // 12)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        with pytest.raises((ChannelDiffers, StoreDamaged)):
            verify_file(path, CHANNEL, ORDERER)
    path.write_bytes(whole)
    verify_file(path, CHANNEL, ORDERER)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            "CREATE TRIGGER more AFTER INSERT ON blocks BEGIN DELETE FROM state; END",
            "not its own; had trigger more",
        ),
        ("CREATE TABLE more (x)", "not its own; had table more"),
        ("CREATE VIEW more AS SELECT 1", "not its own; had view more"),
        ("DROP INDEX transactions_by_id", "lacks a part of it; had index transactions_by_id"),
        ("DROP INDEX history_by_key", "lacks a part of it; had index history_by_key"),
        ("PRAGMA user_version = 99", "another program's"),
        ("PRAGMA application_id = 1", "another program's"),
    ],
)
def test_schema_that_was_changed__is_found__also_when_the_file_is_opened(
    path: Path, rows: sqlite3.Connection, change: str, named: str
) -> None:
    rows.execute(change)
    rows.close()
    with pytest.raises(StoreDamaged, match=named):
        verify_file(path, CHANNEL, ORDERER)
    with pytest.raises(StoreDamaged, match=named):
        Channel(path, CHANNEL, orderer())


def test_fact_that_is_added__is_found(path: Path, rows: sqlite3.Connection) -> None:
    rows.execute("INSERT INTO facts VALUES ('more', 'x')")
    with pytest.raises(ChannelDiffers, match="facts, name more"):
        verify_file(path, CHANNEL, ORDERER)


def test_swapped_blocks__are_named(path: Path, rows: sqlite3.Connection) -> None:
    rows.execute("UPDATE blocks SET number = 99 WHERE number = 2")
    rows.execute("UPDATE blocks SET number = 2 WHERE number = 3")
    rows.execute("UPDATE blocks SET number = 3 WHERE number = 99")
    with pytest.raises(ChannelDiffers, match="block 2: has another number"):
        verify_file(path, CHANNEL, ORDERER)


def test_flag_that_was_changed_in_a_block__is_named(path: Path, rows: sqlite3.Connection) -> None:
    (raw,) = rows.execute("SELECT raw FROM blocks WHERE number = 3").fetchone()
    block = parse_block(raw)
    assert block.flags == (0, Code.DUPLICATE_TXID, Code.ENDORSEMENT_POLICY_FAILURE)
    flags = (Code.VALID, Code.DUPLICATE_TXID, Code.VALID)
    changed = replace(block, flags=flags).to_bytes()
    rows.execute("UPDATE blocks SET raw = ? WHERE number = 3", (changed,))
    with pytest.raises(ChannelDiffers, match="block 3, transaction 2: has another flag") as differs:
        verify_file(path, CHANNEL, ORDERER)
    assert (differs.value.had, differs.value.needed) == ("VALID", "ENDORSEMENT_POLICY_FAILURE")


@pytest.mark.parametrize("number", range(7))
def test_each_flipped_byte_of_a_block__is_found(
    path: Path, rows: sqlite3.Connection, number: int
) -> None:
    (raw,) = rows.execute("SELECT raw FROM blocks WHERE number = ?", (number,)).fetchone()
    for place in range(number, len(raw), max(1, len(raw) // 5)):
        flipped = raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :]
        rows.execute("UPDATE blocks SET raw = ? WHERE number = ?", (flipped, number))
        with pytest.raises(ChannelDiffers, match=f"block {number}"):
            verify_file(path, CHANNEL, ORDERER)


def test_chain_of_another_orderer__is_found(tmp_path: Path) -> None:
    path = tmp_path / "trade.sqlite"
    play(path)
    with pytest.raises(ChannelDiffers, match="is ordered by others"):
        verify_file(path, CHANNEL, firm("ForgerMSP").organisation)
    with pytest.raises(StoreDamaged, match="is not there"):
        verify_file(tmp_path / "other.sqlite", CHANNEL, ORDERER)


def test_channel__says_the_same_when_all_its_certificates_have_expired(tmp_path: Path) -> None:
    path = tmp_path / "trade.sqlite"
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
        draft = Draft([puts({"a": b"1"})])
        much_later = NOW + timedelta(days=36500)
        channel.check_order(draft.envelope(), NOW)
        with pytest.raises(NotOrdered, match="has expired") as refused:
            channel.check_order(draft.envelope(), much_later)
        assert refused.value.status == BAD_REQUEST
        # `verify` and `commit` are given no time at all: nothing else can be passed to them.
        assert channel.commit([draft.envelope()]).flags == (Code.VALID,)
    assert verify_file(path, CHANNEL, ORDERER).valid == 3


def test_last_second_of_a_certificate__is_a_peers__and_no_longer_the_orderers(
    tmp_path: Path,
) -> None:
    """As on Fabric, whose orderer asks whether that second has begun, and whose peers whether it
    is over."""
    draft = Draft([puts({"a": b"1"})])
    last = parse_certificate(draft.creator.certificate, "client").not_valid_after_utc
    second = timedelta(seconds=1)
    with Channel.make(tmp_path / "trade.sqlite", configuration_of(*ORGANISATIONS), orderer()) as it:
        organisations, identity = it.organisations, draft.creator.identity
        assert admit(organisations, identity, "peer", last).role is MemberRole.CLIENT
        assert check_reader(it, identity, last).role is MemberRole.CLIENT
        for at in (last + timedelta(microseconds=1), last + second):
            with pytest.raises(IdentityRefused, match="has expired"):
                admit(organisations, identity, "peer", at)
            with pytest.raises(IdentityRefused, match="has expired"):
                check_reader(it, identity, at)
        it.check_order(draft.envelope(), last - second)
        for at in (last, last + second):
            with pytest.raises(NotOrdered, match="has expired"):
                it.check_order(draft.envelope(), at)


def test_certificate_that_begins_later__is_taken_at_the_doors__as_by_fabric(tmp_path: Path) -> None:
    earlier = NOW - timedelta(days=365)
    with Channel.make(tmp_path / "trade.sqlite", configuration_of(*ORGANISATIONS), orderer()) as it:
        draft = Draft([puts({"a": b"1"})])
        it.check_order(draft.envelope(), earlier)
        member = it.organisations["Org1MSP"].admit(draft.creator.identity, at=earlier)
        assert member.role is MemberRole.CLIENT
