"""Whatever a peer answers, to whatever call: a typed error, or what it says; never a second try
that could count, and never "nothing happened" of what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    CHANNEL,
    Cast,
    Forgery,
    ScriptedGateway,
    events_of,
    refuse,
    status_of,
)

from edgemark.errors import EdgemarkError, PeerFault
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.blocks import BlockCursor
from edgemark.ledger.fabric.client.calls import (
    Call,
    ask,
    read_evaluation,
    read_processed,
    read_status,
    sign_endorsed,
)
from edgemark.ledger.fabric.client.events import Checkpoint, Cursor
from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.faults import EndorserWords, MessageMalformed, SubmitRefused
from edgemark.ledger.fabric.wire.blocks import make_block
from edgemark.ledger.fabric.wire.envelopes import make_envelope

CALL = Call(CHANNEL, "code", (b"put", b"k", b"1"))
CODES = [each for each in grpc.StatusCode if each is not grpc.StatusCode.OK]
FEW = [
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.PERMISSION_DENIED,
]
WORDS = ["", "chaincode response 500, no", "access denied", "larger than max", "took blocks back"]
HOSTILE = [b"\xff" * 40, b"\x0a\xff\xff\xff\xff\x07", b"\x0a\x02\xff\xfe", bytes(8)]


@st.composite
def changes(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Bytes of an honest answer, with some changed, left out, doubled or put in."""
    kind = draw(st.sampled_from(["flip", "cut", "drop", "double", "put", "random"]))
    at, length = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 40))
    new = draw(st.binary(min_size=1, max_size=40))

    def change(raw: bytes) -> bytes:
        place = int(at * len(raw))
        part = raw[place : place + length]
        made = {
            "flip": bytes(each ^ other for each, other in zip(part, new, strict=False)),
            "drop": b"",
            "double": part * 2,
            "put": new + part,
        }
        if kind == "random":
            return new
        return raw[:place] + (b"" if kind == "cut" else made[kind] + raw[place + length :])

    return change


def _blocks(raw: bytes) -> object:
    return BlockCursor(1, 3, "localhost:1").take(raw)


def _honest_block() -> bytes:
    block = common_pb2.Block.FromString(
        make_block(1, bytes(32), [make_envelope(b"payload", b"signature")]).to_bytes()
    )
    raw: bytes = events_pb2.DeliverResponse(block=block).SerializeToString()
    return raw


@given(change=changes())
def test_changed_answers__are_read_or_refused_typed(cast: Cast, change: Any) -> None:
    signer = cast.client
    asked = ask(CALL, signer, nonce=b"n" * 24, timestamp_ns=10**18)
    honest = Forgery(cast, asked.proposal).answer()
    envelope = sign_endorsed(asked, honest, signer).envelope
    readers: list[tuple[bytes, Callable[[bytes], object]]] = [
        (honest, lambda raw: sign_endorsed(asked, raw, signer)),
        (b"\x0a" + bytes([4]) + b"\x08\xc8\x01\x00", read_evaluation),
        (b"\x0a" + envelope, lambda raw: read_processed(raw, asked.transaction_id, signer)),
        (status_of(0), read_status),
        (
            events_of(3, ("code", "a"), ("code", "b")),
            lambda raw: list(Cursor("code", Checkpoint(2)).take(raw)),
        ),
        (_honest_block(), _blocks),
        (ab_pb2.DeliverResponse(status=503).SerializeToString(), _blocks),
    ]
    for raw, read in readers:
        with suppress(EdgemarkError):
            read(change(raw))


@settings(max_examples=40)
@given(
    asking=st.sampled_from(Asking),
    code=st.sampled_from([each.name for each in CODES]) | st.text(max_size=12),
    details=st.sampled_from(WORDS) | st.text(max_size=400),
    words=st.lists(st.builds(EndorserWords, st.text(), st.text(), st.text()), max_size=3),
)
def test_any_refusal__is_a_typed_error_that_can_be_read(
    asking: Asking, code: str, details: str, words: list[EndorserWords]
) -> None:
    error = explain(Refusal(asking, code, details, tuple(words), "localhost:1"))
    assert isinstance(error, EdgemarkError)
    assert len(str(error)) < 20_000
    assert error.as_dict()["error"]


@pytest.mark.parametrize(
    "code",
    [each if each in FEW else pytest.param(each, marks=pytest.mark.soak) for each in CODES],
    ids=str,
)
@pytest.mark.parametrize("asking", [Asking.SUBMIT, Asking.STATUS], ids=str)
def test_whatever_is_said_of_what_was_sent__it_stays_open_and_is_the_same_again(
    gateway: ScriptedGateway, client: GatewayClient, asking: Asking, code: grpc.StatusCode
) -> None:
    gateway.acts[asking] = [refuse(code, "whatever")] * 99
    with pytest.raises(EdgemarkError, match="may still count"):
        client.submit("code", "put", "k", "1", name="mine", wait_s=0.15)
    assert [each.name for each in client.desk.journal().open_ones()] == ["mine"]
    gateway.acts.clear()
    outcome = client.submit("code", "put", "k", "1", name="mine", wait_s=10)
    assert gateway.calls.count(Asking.ENDORSE) == 1
    assert len(set(gateway.taken)) == 1
    assert outcome.name == "mine"


@pytest.mark.parametrize("raw", HOSTILE, ids=bytes.hex)
def test_hostile_bytes__over_the_wire__are_typed_in_both_faces(
    gateway: ScriptedGateway, tmp_path: Path, raw: bytes
) -> None:
    def lie(*_: object) -> bytes:
        return raw

    def script() -> None:
        gateway.acts = {each: [lie] for each in (Asking.EVALUATE, Asking.ENDORSE, Asking.STATUS)}
        gateway.events = [[raw]]

    desk = gateway.desk(tmp_path)

    async def awaited() -> None:
        async with AsyncGatewayClient([gateway.address], desk) as other:
            for asked in (
                other.evaluate("code", "get"),
                other.endorse("code", "put"),
                other.commit_status("ab" * 32),
                anext(other.chaincode_events("code", Checkpoint(1), wait_s=5)),
            ):
                with pytest.raises(PeerFault):
                    await asked

    with desk.journal(), GatewayClient([gateway.address], desk) as client:
        script()
        for asked in (
            lambda: client.evaluate("code", "get"),
            lambda: client.endorse("code", "put"),
            lambda: client.commit_status("ab" * 32),
            lambda: next(client.chaincode_events("code", Checkpoint(1), wait_s=5)),
        ):
            with pytest.raises(PeerFault):
                asked()
        script()
        asyncio.run(awaited())


def test_an_answer_to_submit__says_nothing_whatever_is_in_it(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    honest = gateway._submit
    for number, raw in enumerate(HOSTILE):

        def lie(request: bytes, context: grpc.ServicerContext, raw: bytes = raw) -> bytes:
            honest(request, context)
            return raw

        gateway.acts[Asking.SUBMIT] = [lie]
        assert client.submit("code", "put", "k", f"{number}").response == b"answer"


def test_a_hostile_status__leaves_it_open(gateway: ScriptedGateway, client: GatewayClient) -> None:
    for raw in (*HOSTILE[:3], b"", status_of(0, 0), status_of(254), status_of(999)):
        gateway.acts[Asking.STATUS] = [lambda *_, raw=raw: raw]  # type: ignore[misc]
        with pytest.raises(MessageMalformed, match="may still count"):
            client.submit("code", "put", "k", "1", name="mine")
    assert gateway.calls.count(Asking.ENDORSE) == 1
    assert client.submit("code", "put", "k", "1", name="mine").name == "mine"


def test_details_that_are_none__leave_the_refusal(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    for raw in HOSTILE:

        def act(_: bytes, context: grpc.ServicerContext, raw: bytes = raw) -> bytes:
            context.set_trailing_metadata((("grpc-status-details-bin", raw),))
            context.abort(grpc.StatusCode.ABORTED, "no orderer took it")
            raise AssertionError

        gateway.acts[Asking.SUBMIT] = [act]
        with pytest.raises(SubmitRefused, match="no orderer took it"):
            client.submit("code", "put", "k", raw)
