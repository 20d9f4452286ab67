"""The client for threads and the one for a loop: the same calls, the same answers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.offchain.ledger.fabric.client.interrupted_listener import InterruptedListener
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    ScriptedGateway,
    events_of,
    height_is,
)

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.ledger.fabric.client.asking import Desk
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint
from edgemark.ledger.fabric.client.flows import Keep
from edgemark.ledger.fabric.client.keeping.records import Kept
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.faults import LedgerSilent, MessageMalformed
from edgemark.ledger.fabric.wire.codes import Code


def _methods(kind: type) -> dict[str, list[str]]:
    found = inspect.getmembers(kind, inspect.isfunction)
    return {
        name: list(inspect.signature(each).parameters)
        for name, each in found
        if not name.startswith("_")
    }


def test_both__have_the_same_calls_with_the_same_arguments() -> None:
    assert _methods(GatewayClient) == _methods(AsyncGatewayClient)


def _play(
    gateway: ScriptedGateway, folder: Path, does: Callable[[AsyncGatewayClient], object]
) -> None:
    async def play() -> None:
        desk = gateway.desk(folder)
        with desk.journal():
            async with AsyncGatewayClient([gateway.address], desk) as client:
                await does(client)  # type: ignore[misc]

    asyncio.run(play())


def test_awaited__evaluates_endorses_orders_and_asks(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    async def does(client: AsyncGatewayClient) -> None:
        assert await client.evaluate("code", "get", "k") == b"answer"
        endorsed = await client.endorse("code", "put", "k", b"\x00\xff")
        assert endorsed.response == b"answer"
        assert gateway.taken == []
        outcome = await client.order(endorsed, name="held")
        assert outcome.transaction_id == endorsed.asked.transaction_id
        assert await client.commit_status(outcome.transaction_id) == (Code.VALID, 3)
        assert [each async for each in client.finish_open()] == []

    _play(gateway, tmp_path / "submissions", does)


def test_awaited__many_at_once_count_once_each(gateway: ScriptedGateway, tmp_path: Path) -> None:
    async def does(client: AsyncGatewayClient) -> None:
        calls = (client.submit("code", "put", f"k{number}") for number in range(20))
        outcomes = await asyncio.gather(*calls)
        assert len({each.transaction_id for each in outcomes}) == 20

    _play(gateway, tmp_path / "submissions", does)
    assert len(gateway.taken) == len(set(gateway.taken)) == 20


def test_awaited__records_of_many_at_once_are_each_on_the_disk(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    async def does(client: AsyncGatewayClient) -> None:
        async def keep(number: int) -> None:
            await asyncio.sleep(number % 7 / 1000)
            await client._perform(Keep(Kept(f"n{number}", "c", bytes(32), "", b"envelope")))
            assert client.desk.journal().find(f"n{number}") is not None

        await asyncio.wait_for(asyncio.gather(*map(keep, range(300))), 20)

    _play(gateway, tmp_path / "submissions", does)
    with gateway.desk(tmp_path / "submissions").journal() as opened:
        assert len(opened.open_ones()) == 300


def test_awaited__events_over_cut_streams_come_once_each(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    listener = InterruptedListener(gateway, tmp_path)

    async def handle(event: ChaincodeEvent) -> None:
        listener.handle(event)

    async def does(client: AsyncGatewayClient) -> None:
        with pytest.raises(LedgerSilent):
            await client.listen("code", handle, listener.checkpoints, wait_s=5)
        await client.listen("code", handle, listener.checkpoints, wait_s=1)

    _play(gateway, tmp_path / "submissions", does)
    assert listener.seen == ["a", "b", "b", "c", "d"]
    assert listener.checkpoints.read() == Checkpoint(7, "d" * 64)


def test_awaited__events_from_now_on_are_those_from_the_height_at_the_start(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    gateway.acts[Asking.EVALUATE] = [height_is(5), height_is(9)]
    gateway.events = [[], [events_of(5, ("code", "a"))]]

    async def does(client: AsyncGatewayClient) -> None:
        async for each in client.chaincode_events("code", wait_s=10):
            assert each.checkpoint == Checkpoint(5, "a" * 64)
            break

    _play(gateway, tmp_path / "submissions", does)
    assert gateway.starts == [5, 5]


def test_awaited__a_forged_answer_is_a_typed_error(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    gateway.acts[Asking.ENDORSE] = [lambda *_: b"\xff"]

    async def does(client: AsyncGatewayClient) -> None:
        with pytest.raises(MessageMalformed):
            await client.submit("code", "put", "k")

    _play(gateway, tmp_path / "submissions", does)
    assert gateway.taken == []


def test_closed__asks_nobody_any_more(gateway: ScriptedGateway, tmp_path: Path) -> None:
    async def does(client: AsyncGatewayClient) -> None:
        await client.close()
        with pytest.raises(RefusedInput, match="is closed"):
            await client.evaluate("code", "get")

    _play(gateway, tmp_path / "submissions", does)
    blocking = GatewayClient([gateway.address], Desk("mychannel", gateway.cast.client))
    blocking.close()
    with pytest.raises(RefusedInput, match="is closed"):
        blocking.evaluate("code", "get")


def test_a_client_without_a_journal__submits_nothing(gateway: ScriptedGateway) -> None:
    desk = Desk("mychannel", gateway.cast.client)
    with GatewayClient([gateway.address], desk) as client:
        assert client.evaluate("code", "get") == b"answer"
        with pytest.raises(RefusedInput, match="submits nothing"):
            client.submit("code", "put")
    assert gateway.calls == [Asking.EVALUATE]


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"block": -1, "transaction_id": ""}', b"[1]"])
def test_a_checkpoint_that_is_none__is_told(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(raw)
    with pytest.raises(Unrecoverable, match="is no checkpoint"):
        CheckpointFile(path).read()
