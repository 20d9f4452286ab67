"""A channel: its first block, what is committed, what stands there after it was opened again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
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
from edgemark.ledger.fabric.wire.blocks import parse_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.read_write_sets import Version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trade.sqlite"


@pytest.fixture
def channel(path: Path) -> Iterator[Channel]:
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as made:
        yield made


def test_new_channel__has_one_block__with_its_organisations(channel: Channel) -> None:
    assert (channel.height, channel.name) == (1, CHANNEL)
    assert set(channel.organisations) == set(ORGANISATIONS)
    first = parse_block(channel.config_block())
    assert (first.number, first.previous_hash, first.flags) == (0, b"", (Code.VALID,))
    assert first.is_whole
    assert channel.block_by_hash(first.hash) == channel.block(0) == channel.config_block()


def test_transaction_that_counts__is_found_by_all_that_it_left(channel: Channel) -> None:
    define(channel)
    assert channel.definition("code").sequence == 1
    assert channel.definition("other") is None
    draft = Draft([definition_read(channel), puts({"k": b"v"})])
    block = channel.commit([draft.envelope()])
    assert block.flags == (Code.VALID,)
    assert channel.status(draft.transaction_id) == (Code.VALID, 2)
    assert channel.transaction(draft.transaction_id) == (block.envelopes[0], Code.VALID)
    assert channel.block_of(draft.transaction_id) == block.to_bytes()
    with channel.view() as view:
        assert view.height == 3
        assert view.get("code", "k") == (b"v", Version(2, 0))
        (row,) = view.history("code", "k")
        assert row == (draft.transaction_id, draft.timestamp_ns, False, b"v")


def test_transaction_that_does_not_count__stands_in_its_block_and_does_nothing(
    channel: Channel,
) -> None:
    define(channel)
    draft = Draft([puts({"k": b"v"})], endorsers=[firm("Org1MSP").peer])
    assert channel.commit([draft.envelope()]).flags == (Code.ENDORSEMENT_POLICY_FAILURE,)
    assert channel.status(draft.transaction_id) == (Code.ENDORSEMENT_POLICY_FAILURE, 2)
    with channel.view() as view:
        assert view.get("code", "k") is None
        assert list(view.history("code", "k")) == []


def test_view__keeps_its_height_while_blocks_are_committed(channel: Channel) -> None:
    define(channel)
    with channel.view() as before:
        channel.commit([Draft([puts({"k": b"v"})]).envelope()])
        assert before.height == 2
        assert before.get("code", "k") is None
        with channel.view() as after:
            assert after.height == 3
            assert after.get("code", "k") == (b"v", Version(2, 0))


def test_channel__opened_again__goes_on_where_it_was(path: Path) -> None:
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
        block = channel.commit([Draft([puts({"k": b"v"})]).envelope()])
    with Channel(path, CHANNEL, orderer()) as channel:
        assert channel.height == 3
        assert set(channel.organisations) == set(ORGANISATIONS)
        after = channel.commit([Draft([puts({"k": b"w"})]).envelope()])
        assert (after.previous_hash, after.flags) == (block.hash, (Code.VALID,))


def test_revert__takes_everything_back_that_came_later(channel: Channel) -> None:
    define(channel)
    channel.commit([Draft([puts({"k": b"v", "gone": b"x"})]).envelope()])
    later = Draft([puts({"k": b"w", "gone": None, "new": b"n"})])
    channel.commit([later.envelope()])
    define(channel, sequence=2, version="2")
    assert channel.definition("code").version == "2"
    channel.revert(3)
    assert channel.height == 3
    assert channel.definition("code").version == "1"
    assert channel.status(later.transaction_id) is None
    with channel.view() as view:
        assert view.get("code", "k") == (b"v", Version(2, 0))
        assert view.get("code", "gone") == (b"x", Version(2, 0))
        assert view.get("code", "new") is None
        assert len(list(view.history("code", "k"))) == 1
    assert channel.commit([later.envelope()]).flags == (Code.VALID,)


def test_names_that_are_no_chaincode__are_not_kept(channel: Channel) -> None:
    define(channel)
    assert channel.definition("code") is not None
    for number in range(100):
        assert channel.definition(f"unknown{number}") is None
    assert set(channel._definitions) == {"code"}
