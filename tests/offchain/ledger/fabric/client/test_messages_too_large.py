"""A message that is longer than a side takes is refused for good, with both numbers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from tests.offchain.ledger.fabric.client import scripted_gateway
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    Cast,
    Forgery,
    ScriptedGateway,
    proposal_in,
    refuse,
)

from edgemark.ledger.fabric.client import connection
from edgemark.ledger.fabric.client.asking import Transmission
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.faults import LedgerBusy, MessageTooLarge

LIMIT = 64 * 1024
MUCH = Transmission({"much": bytes(LIMIT)})


def test_what_this_side_may_not_send__is_refused_at_once_by_both_faces(
    gateway: ScriptedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_MESSAGE_BYTES", LIMIT)
    desk = gateway.desk(tmp_path)

    async def awaited() -> None:
        async with AsyncGatewayClient([gateway.address], desk) as client:
            with pytest.raises(MessageTooLarge):
                await client.submit("code", "put", sent=MUCH, name="mine", wait_s=5)

    with desk.journal(), GatewayClient([gateway.address], desk) as client:
        with pytest.raises(MessageTooLarge) as told:
            client.submit("code", "put", sent=MUCH, name="mine", wait_s=5)
        assert (told.value.limit, told.value.size > LIMIT) == (LIMIT, True)
        assert told.value.as_dict()["limit"] == LIMIT
        asyncio.run(awaited())
    assert gateway.calls == []


def test_what_the_ledger_does_not_take__is_refused_at_once(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripted_gateway, "MAX_MESSAGE_BYTES", LIMIT)
    with ScriptedGateway(cast) as gateway:
        desk = gateway.desk(tmp_path)
        with (
            desk.journal(),
            GatewayClient([gateway.address], desk) as client,
            pytest.raises(MessageTooLarge) as told,
        ):
            client.evaluate("code", "get", sent=MUCH, wait_s=5)
        assert told.value.limit == LIMIT
        assert gateway.calls == []


def test_an_answer_that_is_longer_than_this_side_takes__is_asked_for_once(
    gateway: ScriptedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_MESSAGE_BYTES", LIMIT)

    def much(request: bytes, _: grpc.ServicerContext) -> bytes:
        return Forgery(gateway.cast, proposal_in(request), response=bytes(LIMIT)).answer()

    gateway.acts[Asking.ENDORSE] = [much] * 9
    desk = gateway.desk(tmp_path)
    with (
        desk.journal(),
        GatewayClient([gateway.address], desk) as client,
        pytest.raises(MessageTooLarge) as told,
    ):
        client.endorse("code", "put", wait_s=5)
    assert (told.value.limit, told.value.size > LIMIT) == (LIMIT, True)
    assert gateway.calls == [Asking.ENDORSE]


def test_a_submit_that_is_too_large__is_not_sent_again__and_stays_open(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    words = "SERVER: Received message larger than max (9000 vs. 4000)"
    gateway.acts[Asking.SUBMIT] = [refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, words)] * 9
    with pytest.raises(MessageTooLarge, match="may still count") as told:
        client.submit("code", "put", name="mine", wait_s=5)
    assert (told.value.size, told.value.limit) == (9000, 4000)
    assert gateway.calls == [Asking.ENDORSE, Asking.SUBMIT]
    assert [each.name for each in client.desk.journal().open_ones()] == ["mine"]


@pytest.mark.parametrize(
    ("words", "size", "limit"),
    [
        ("CLIENT: Sent message larger than max (9 vs. 4)", 9, 4),
        ("grpc: received message larger than max (9 vs. 4)", 9, 4),
        ("grpc: received message after decompression larger than max 4", 0, 4),
        ("gRPC message exceeds maximum size 4: 9", 9, 4),
        ("received trailing metadata size exceeds hard limit", 0, 0),
        ("larger than max (" + "9" * 5000 + " vs. 4)", 0, 0),
    ],
)
def test_words_of_each_library__are_final(words: str, size: int, limit: int) -> None:
    for asking in Asking:
        error = explain(Refusal(asking, "RESOURCE_EXHAUSTED", words, target="localhost:1"))
        assert isinstance(error, MessageTooLarge)
        assert (error.size, error.limit) == (size, limit)


@pytest.mark.parametrize("asking", Asking)
def test_back_pressure__may_pass(asking: Asking) -> None:
    words = "too many requests for /gateway.Gateway, exceeding concurrency limit (500)"
    assert isinstance(explain(Refusal(asking, "RESOURCE_EXHAUSTED", words)), LedgerBusy)
