"""What a hostile Gateway prepares is never signed; whatever it answers is a typed error."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    CHANNEL,
    ORG2,
    Cast,
    Forgery,
    ScriptedGateway,
    events_of,
    prepared,
    proposal_in,
    status_of,
)

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.client.asking import Transmission
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.calls import Call, ask, sign_endorsed
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import Checkpoint, Cursor
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.faults import EventsUnclear, MessageMalformed
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.envelopes import Event, make_event, parse_transaction
from edgemark.ledger.fabric.wire.proposals import make_proposal, parse_proposal


def _other(raw: bytes, creator: Signer, **changes: object) -> bytes:
    """The same proposal, but for these parts."""
    had = parse_proposal(raw)
    parts: dict[str, object] = {
        "channel": had.channel,
        "chaincode": had.chaincode,
        "arguments": had.arguments,
        "creator": creator.identity,
        "nonce": had.nonce,
        "timestamp_ns": had.timestamp_ns,
    }
    return make_proposal(**{**parts, **changes})  # type: ignore[arg-type]


def _with_two_actions(payload: common_pb2.Payload) -> None:
    held = transaction_pb2.Transaction.FromString(payload.data)
    held.actions.append(held.actions[0])
    payload.data = held.SerializeToString()


def _with_another_type(payload: common_pb2.Payload) -> None:
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    header.type = common_pb2.CONFIG_UPDATE
    payload.header.channel_header = header.SerializeToString()


def _with_another_action_header(payload: common_pb2.Payload) -> None:
    held = transaction_pb2.Transaction.FromString(payload.data)
    held.actions[0].header = b""
    payload.data = held.SerializeToString()


def _with_other_arguments(payload: common_pb2.Payload) -> None:
    """The endorsed response stands, what was asked does not."""
    held = transaction_pb2.Transaction.FromString(payload.data)
    action = transaction_pb2.ChaincodeActionPayload.FromString(held.actions[0].payload)
    action.chaincode_proposal_payload = b""
    held.actions[0].payload = action.SerializeToString()
    payload.data = held.SerializeToString()


Forge = Callable[[Forgery], Forgery]
FORGERIES: dict[str, Forge] = {
    "another channel": lambda f: replace(
        f, proposal=_other(f.proposal, f.cast.client, channel="other")
    ),
    "other arguments": lambda f: replace(
        f, proposal=_other(f.proposal, f.cast.client, arguments=[b"put", b"k", b"2"])
    ),
    "another chaincode": lambda f: replace(
        f, proposal=_other(f.proposal, f.cast.client, chaincode="other"), chaincode="other"
    ),
    "another nonce": lambda f: replace(
        f, proposal=_other(f.proposal, f.cast.client, nonce=os.urandom(24))
    ),
    "another creator": lambda f: replace(f, proposal=_other(f.proposal, f.cast.user(ORG2))),
    "another time": lambda f: replace(
        f, proposal=_other(f.proposal, f.cast.client, timestamp_ns=1)
    ),
    "endorsed another proposal": lambda f: replace(
        f, endorsed=_other(f.proposal, f.cast.client, arguments=[b"drain"])
    ),
    "ran another chaincode": lambda f: replace(f, chaincode="other"),
    "a response that failed": lambda f: replace(f, status=500),
    "an event of another transaction": lambda f: replace(
        f, event=make_event(Event("code", "00" * 32, "done", b""))
    ),
    "an event of another chaincode": lambda f: replace(
        f,
        event=make_event(Event("other", parse_proposal(f.proposal).transaction_id, "done", b"")),
    ),
    "no endorsement": lambda f: replace(f, signers=[]),
    "one endorser twice": lambda f: replace(f, signers=[f.cast.peers[0]] * 2),
    "too many endorsements": lambda f: replace(f, signers=[f.cast.peers[0]] * 33),
    "endorsements of another response": lambda f: replace(f, signed=b"another response"),
    "two actions": lambda f: replace(f, change=_with_two_actions),
    "a config update": lambda f: replace(f, change=_with_another_type),
    "other arguments beside the response": lambda f: replace(f, change=_with_other_arguments),
    "another header of the action": lambda f: replace(f, change=_with_another_action_header),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_transaction__is_neither_signed_nor_sent(
    gateway: ScriptedGateway, client: GatewayClient, forge: Forge
) -> None:
    def act(request: bytes, _: grpc.ServicerContext) -> bytes:
        return forge(Forgery(gateway.cast, proposal_in(request))).answer()

    gateway.acts[Asking.ENDORSE] = [act]
    with pytest.raises(MessageMalformed):
        client.submit("code", "put", "k", "1")
    assert gateway.calls == [Asking.ENDORSE]
    assert client.desk.journal().open_ones() == []


def test_without_a_named_organisation__is_not_signed(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    def act(request: bytes, _: grpc.ServicerContext) -> bytes:
        forgery = Forgery(gateway.cast, proposal_in(request))
        return replace(forgery, signers=gateway.cast.peers[:1]).answer()

    gateway.acts[Asking.ENDORSE] = [act]
    with pytest.raises(MessageMalformed, match="endorsements"):
        client.endorse("code", "put", sent=Transmission(organisations=[ORG2]))


@pytest.mark.parametrize("raw", [b"", b"\xff\xff", prepared(b""), prepared(b"\x0a\x02\x0a\x00")])
def test_what_is_no_transaction__is_refused(
    gateway: ScriptedGateway, client: GatewayClient, raw: bytes
) -> None:
    gateway.acts[Asking.ENDORSE] = [lambda *_: raw]
    with pytest.raises(MessageMalformed):
        client.endorse("code", "put", "k", "1")


@pytest.mark.parametrize("raw", [b"\xff", status_of(254), status_of(200), status_of(-1)])
def test_a_code_that_is_none__leaves_the_submission_open(
    gateway: ScriptedGateway, client: GatewayClient, raw: bytes
) -> None:
    gateway.acts[Asking.STATUS] = [lambda *_: raw]
    with pytest.raises(MessageMalformed, match="may still count"):
        client.submit("code", "put", "k", "1", name="mine")
    assert [each.name for each in client.desk.journal().open_ones()] == ["mine"]
    outcome = client.submit("code", "put", "k", "1", name="mine")
    assert len(set(gateway.taken)) == 1
    assert outcome.response == b"answer"


@pytest.mark.parametrize("raw", [b"\xff", b""])
def test_an_evaluation_that_is_none__is_refused(
    gateway: ScriptedGateway, client: GatewayClient, raw: bytes
) -> None:
    gateway.acts[Asking.EVALUATE] = [lambda *_: raw]
    with pytest.raises(MessageMalformed):
        client.evaluate("code", "get", "k")


def _asked(cast: Cast) -> tuple[Call, Signer]:
    return Call(CHANNEL, "code", (b"put", b"k", b"1")), cast.client


@given(data=st.data())
def test_any_changed_bytes__are_refused_or_sign_the_same(cast: Cast, data: st.DataObject) -> None:
    call, signer = _asked(cast)
    asked = ask(call, signer, nonce=bytes(24), timestamp_ns=time.time_ns())
    honest = Forgery(cast, asked.proposal).answer()
    raw = bytearray(honest)
    at = data.draw(st.integers(0, 10**6)) % len(raw)  # signatures differ in length
    raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 20))
    changed = bytes(raw[: len(raw) - cut]) if cut < 5 else bytes(raw)
    try:
        found = sign_endorsed(asked, changed, signer)
    except MessageMalformed:
        return
    signed = parse_transaction(found.envelope)
    wanted = parse_transaction(sign_endorsed(asked, honest, signer).envelope)
    assert (signed.payload, signed.hash) == (wanted.payload, wanted.hash)


STREAMS = {
    "a block again": [events_of(5, ("code", "a")), events_of(5, ("code", "b"))],
    "a block before": [events_of(5, ("code", "a")), events_of(4, ("code", "b"))],
    "before the checkpoint": [events_of(1, ("code", "a"))],
    "another chaincode": [events_of(5, ("other", "a"))],
    "one transaction twice": [events_of(5, ("code", "a"), ("code", "a"))],
    "no transaction": [events_of(5, ("code", ""))],
    "an id that is none": [events_of(5, ("code", "g"))],
    "an id of 6,400 characters": [events_of(5, ("code", "a" * 100))],
    "junk": [b"\xff\xff"],
}


@pytest.mark.parametrize("answers", STREAMS.values(), ids=STREAMS)
def test_events_out_of_order__are_refused(
    gateway: ScriptedGateway, client: GatewayClient, answers: list[bytes]
) -> None:
    gateway.events = [answers]
    with pytest.raises(MessageMalformed):
        list(client.chaincode_events("code", Checkpoint(3), wait_s=5))


def test_block_whose_events_are_not_told_apart__is_named__and_a_listener_begins_behind_it(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """On Fabric one endorsement may count twice, so two of its events name one transaction."""
    twice = events_of(5, ("code", "a"), ("code", "a"))
    gateway.events = [[events_of(4, ("code", "b")), twice], [events_of(6, ("code", "c"))]]
    told = client.chaincode_events("code", Checkpoint(3), wait_s=5)
    assert next(told).block == 4
    with pytest.raises(EventsUnclear, match=r"block 5.*begin behind it") as caught:
        next(told)
    assert caught.value.block == 5
    behind = Checkpoint(caught.value.block + 1)
    assert next(client.chaincode_events("code", behind, wait_s=5)).block == 6


@given(st.binary(max_size=100))
def test_any_bytes__are_events_or_refused(raw: bytes) -> None:
    try:
        list(Cursor("code", None).take(raw))
    except MessageMalformed as refused:
        assert isinstance(refused, EdgemarkError)


@pytest.mark.parametrize("named", ["a", "g" * 64, "a" * 5000])
def test_checkpoint_that_could_not_be_read_again__is_not_written(
    tmp_path: Path, named: str
) -> None:
    kept = CheckpointFile(tmp_path / "checkpoint")
    kept.write(Checkpoint(3, "a" * 64))
    with pytest.raises(RefusedInput, match="no transaction's id"):
        kept.write(Checkpoint(4, named))
    assert kept.read() == Checkpoint(3, "a" * 64)
