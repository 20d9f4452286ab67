"""Threat A71: envelopes have no lengths in a block's hash; nobody cuts or joins them unseen.

Whoever can write the file writes it whole anew, with our own code and no key: flags, index, history
and state are what the changed blocks say.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    NOW,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    firm,
    orderer,
    puts,
)

from edgemark.ledger.embedded.channel.admitting import BAD_REQUEST, FORBIDDEN, NotOrdered
from edgemark.ledger.embedded.channel.channel import Channel, entries_of, writes_of
from edgemark.ledger.embedded.channel.sealing import check_seal, read_era_of, seal
from edgemark.ledger.embedded.channel.verifying import ChannelDiffers, verify_file
from edgemark.ledger.embedded.state.store import Store
from edgemark.ledger.embedded.state.tables import connect
from edgemark.ledger.embedded.state.views import Snapshot, StateView
from edgemark.ledger.embedded.validation.blocks import Validator
from edgemark.ledger.embedded.validation.ground import Ground, Members
from edgemark.ledger.fabric.client.blocks import BlockCursor
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.blocks import Block, make_block, parse_block
from edgemark.ledger.fabric.wire.canonical import begins_with_its_payload, is_envelope
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import make_envelope

ORDERER = firm("OrdererMSP").organisation
CONFIGURATION = configuration_of(*ORGANISATIONS)
MORE = b"\x7a\x04EVIL"  # a field 15 that no reader knows


def cut(block: Block) -> Block:
    held = common_pb2.Envelope.FromString(block.envelopes[0])
    first = common_pb2.Envelope(payload=held.payload).SerializeToString()
    last = common_pb2.Envelope(signature=held.signature).SerializeToString()
    return replace(block, envelopes=(first, last, *block.envelopes[1:]))


def join(block: Block) -> Block:
    return replace(block, envelopes=(b"".join(block.envelopes),))


def lengthen(block: Block) -> Block:
    return replace(block, signatures=block.signatures + MORE)


def lengthen_last(block: Block) -> Block:
    return replace(block, last_config=block.last_config + MORE)


def move_era(block: Block) -> Block:
    """What was signed, cut at another place: the era becomes a part of the signature header."""
    metadata = common_pb2.Metadata.FromString(block.signatures)
    said = common_pb2.OrdererBlockMetadata.FromString(metadata.value)
    moved = common_pb2.OrdererBlockMetadata(consenter_metadata=said.consenter_metadata)
    said.ClearField("consenter_metadata")
    assert said.SerializeToString() + moved.SerializeToString() == metadata.value
    metadata.value = said.SerializeToString()
    (signature,) = metadata.signatures
    signature.signature_header = moved.SerializeToString() + signature.signature_header
    return replace(block, signatures=metadata.SerializeToString())


def write_anew(path: Path, target: Path, change: Callable[[Block], Block]) -> None:
    members = Members(CONFIGURATION)
    with (
        closing(connect(path, writes=False)) as held,
        Store(target, CHANNEL) as store,
    ):
        view = StateView(Snapshot(path, held), lambda: None)
        for number in range(view.height):
            block = parse_block(view.block(number) or b"")
            if number == view.height - 1:
                block = change(block)
            with store.view() as below:
                ground = Ground(CHANNEL, CONFIGURATION, members, below)
                outcome = (
                    Validator().validate(number, block.envelopes, ground)
                    if number
                    else Validator().accept_first(block.envelopes, CONFIGURATION)
                )
            block = replace(block, flags=outcome.flags)
            store.append(block, entries_of(outcome), writes_of(outcome))


def test_era_that_was_taken_out_of_what_is_signed__is_found() -> None:
    block = seal(make_block(7, bytes(32), []), 0, orderer(), b"n" * 24, 3)
    members = Members(CONFIGURATION)
    check_seal(block, 0, CONFIGURATION, members)
    moved = move_era(block)
    assert (read_era_of(block), read_era_of(moved)) == (3, 0)
    with pytest.raises(MessageMalformed, match="over other metadata too"):
        check_seal(moved, 0, CONFIGURATION, members)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (cut, "block 2, transaction 0: is not one envelope"),
        (join, "block 2, transaction 0: is not one envelope"),
        (lengthen, "block 2: is not signed by who orders"),
        (lengthen_last, "block 2: is not signed by who orders"),
    ],
)
def test_file_written_anew_without_a_key__is_found(
    tmp_path: Path, change: Callable[[Block], Block], found: str
) -> None:
    path, target = tmp_path / "trade.sqlite", tmp_path / "anew.sqlite"
    with Channel.make(path, CONFIGURATION, orderer()) as channel:
        define(channel)
        block = channel.commit([Draft([puts({key: b"v"})]).envelope() for key in "ab"])
        assert block.flags == (Code.VALID, Code.VALID)
    write_anew(path, target, lambda held: held)
    assert verify_file(target, CHANNEL, ORDERER).valid == 4
    target.unlink()
    write_anew(path, target, change)
    with pytest.raises(ChannelDiffers, match=found):
        verify_file(target, CHANNEL, ORDERER)


def test_bytes_beside_payload_and_signature__are_not_ordered(tmp_path: Path) -> None:
    envelope = Draft([puts({"k": b"v"})]).envelope()
    payload = common_pb2.Envelope.FromString(envelope).payload
    with Channel.make(tmp_path / "trade.sqlite", CONFIGURATION, orderer()) as channel:
        channel.check_order(envelope, NOW)
        for raw, status in (
            (envelope + MORE, BAD_REQUEST),
            (envelope + envelope, BAD_REQUEST),
            (make_envelope(payload, b""), FORBIDDEN),
        ):
            with pytest.raises(NotOrdered) as refused:
                channel.check_order(raw, NOW)
            assert refused.value.status == status


def test_client__takes_no_block_whose_envelopes_were_cut_or_joined() -> None:
    one, two = (make_envelope(each, b"signature") for each in (b"pay one", b"pay two"))
    told = make_block(0, b"", [one, two])

    def take(block: Block) -> Block | None:
        raw = replace(block, flags=(Code.VALID,) * len(block.envelopes)).to_bytes()
        answer = events_pb2.DeliverResponse(block=common_pb2.Block.FromString(raw))
        return BlockCursor(0, 0, "localhost:1").take(answer.SerializeToString())

    assert take(told) is not None
    for change in (cut, join):
        changed = change(told)
        assert changed.is_whole
        with pytest.raises(MessageMalformed, match="pieces of envelopes"):
            take(changed)


def test_envelopes_of_fabric__without_a_signature_or_with_more__are_taken_by_the_client() -> None:
    good = make_envelope(b"payload", b"signature")
    assert is_envelope(good)
    for strange in (make_envelope(b"payload", b""), good + MORE):
        assert begins_with_its_payload(strange)
        assert not is_envelope(strange)
    for none in (b"", MORE, make_envelope(b"", b"s"), MORE + good, good + good, b"\xff", good[:-1]):
        assert not begins_with_its_payload(none)
        assert not is_envelope(none)
