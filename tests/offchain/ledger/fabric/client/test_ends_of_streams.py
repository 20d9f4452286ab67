"""A stream that ends early is never read as "there is no more", whoever ended it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from fabric_protos.peer import events_pb2
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    WAITS,
    Deliver,
    ScriptedGateway,
    events_of,
)

from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.events import Checkpoint
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.faults import LedgerSilent
from edgemark.ledger.fabric.wire.blocks import make_block
from edgemark.ledger.fabric.wire.codes import OK

BLOCKS = 6
STREAM_S = 0.5  # of one stream, where a test ends it
End = Callable[[grpc.ServicerContext], Iterator[bytes]]


def _chain() -> list[bytes]:
    above, chain = b"", []
    for number in range(BLOCKS):
        block = make_block(number, above, [])
        above = block.hash
        chain.append(events_pb2.DeliverResponse(block=_sent(block.to_bytes())).SerializeToString())
    return chain


def _sent(raw: bytes) -> object:
    return type(events_pb2.DeliverResponse().block).FromString(raw)


def _hang(context: grpc.ServicerContext) -> Iterator[bytes]:
    while context.is_active():
        time.sleep(0.01)
    yield from ()


def _out_of_time(context: grpc.ServicerContext) -> Iterator[bytes]:
    """What the development ledger says to who does not read in time."""
    context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "an answer was not taken within 30 s")
    yield from ()


def _all_said(_: grpc.ServicerContext) -> Iterator[bytes]:
    yield events_pb2.DeliverResponse(status=OK).SerializeToString()


def _nothing_said(_: grpc.ServicerContext) -> Iterator[bytes]:
    yield from ()


def _deliver(count: int, end: End = _all_said) -> Deliver:
    """So many blocks from the first one that is wanted; then an end."""

    def deliver(first: int, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield from _chain()[first : first + count]
        yield from end(context)

    return deliver


@pytest.fixture(params=["for threads", "for a loop"])
def look(
    request: pytest.FixtureRequest, gateway: ScriptedGateway, tmp_path: Path
) -> Callable[..., list[int]]:
    """The numbers of the blocks that a face gives."""
    desk = replace(gateway.desk(tmp_path / "submissions"), waits=replace(WAITS, stream_s=STREAM_S))
    seen: list[int] = []

    async def awaited(last: int | None, wait_s: float | None) -> None:
        async with AsyncGatewayClient([gateway.address], desk) as client:
            async for block in client.blocks(0, last, wait_s=wait_s):
                seen.append(block.number)

    def look(last: int | None, wait_s: float | None = None) -> list[int]:
        seen.clear()
        with desk.journal():
            if request.param == "for a loop":
                asyncio.run(awaited(last, wait_s))
                return seen
            with GatewayClient([gateway.address], desk) as client:
                for block in client.blocks(0, last, wait_s=wait_s):
                    seen.append(block.number)
        return seen

    return look


@pytest.mark.parametrize("end", [_hang, _out_of_time, _all_said, _nothing_said])
def test_blocks_to_an_end_that_does_not_come__are_an_error(
    gateway: ScriptedGateway, look: Callable[..., list[int]], end: End
) -> None:
    gateway.blocks = [_deliver(2, end)]
    with pytest.raises(LedgerSilent):
        look(BLOCKS - 1, wait_s=STREAM_S / 2)
    assert gateway.calls == [Asking.BLOCKS]


def test_blocks_of_which_none_came_in_time__are_an_error(
    gateway: ScriptedGateway, look: Callable[..., list[int]]
) -> None:
    gateway.blocks = [_deliver(BLOCKS)] * 2
    with pytest.raises(LedgerSilent, match="in time"):
        look(BLOCKS - 1, wait_s=0.0)


def test_blocks_of_a_stream_whose_own_time_is_over__are_asked_for_anew(
    gateway: ScriptedGateway, look: Callable[..., list[int]]
) -> None:
    gateway.blocks = [_deliver(2, _hang), _deliver(1, _hang), _deliver(BLOCKS)]
    assert look(BLOCKS - 1) == list(range(BLOCKS))


def test_blocks_without_an_end__end_with_the_time_of_the_caller_and_not_of_a_stream(
    gateway: ScriptedGateway, look: Callable[..., list[int]]
) -> None:
    gateway.blocks = [_deliver(2, _hang), _deliver(BLOCKS, _hang), _deliver(0, _hang)]
    assert look(None, wait_s=2.5 * STREAM_S) == list(range(BLOCKS))
    gateway.blocks = [_deliver(2, _all_said)]
    with pytest.raises(LedgerSilent, match="ended before"):
        look(None, wait_s=10)


def test_events__are_an_error_where_nobody_was_there_when_the_time_was_over(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.events = [[events_of(3, ("code", "a"))]]
    seen = client.chaincode_events("code", Checkpoint(3), wait_s=1)
    assert next(seen).block == 3
    gateway.proxy.cut()
    with pytest.raises(LedgerSilent):
        list(seen)


def test_awaited_events__are_an_error_where_nobody_was_there_when_the_time_was_over(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    gateway.proxy.cut()

    async def does() -> None:
        desk = gateway.desk(tmp_path / "submissions")
        async with AsyncGatewayClient([gateway.address], desk) as client:
            async for _ in client.chaincode_events("code", wait_s=0.5):
                raise AssertionError

    with pytest.raises(LedgerSilent):
        asyncio.run(does())
