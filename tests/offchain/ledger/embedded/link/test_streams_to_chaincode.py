"""Time-outs, late answers, KEEPALIVE, and processes that were restarted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.peer import chaincode_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from tests.offchain.ledger.embedded.endorsing_world import CHANNEL, endorsing
from tests.offchain.ledger.embedded.scripted_process import (
    Message,
    Process,
    for_ever,
    scripted,
    serve_well,
)

from edgemark.ledger.embedded.link import stream
from edgemark.ledger.embedded.link.requests import ANSWERS
from edgemark.ledger.embedded.simulation.faults import (
    ChaincodeEnded,
    ChaincodeSilent,
    NotSimulated,
)

GET = protocol.GetState(key="k").SerializeToString()
SHORT_S = 0.3


def test_no_time_out__waits_for_a_debugger(made_organisations: Path) -> None:
    async def play() -> None:
        release = asyncio.Event()

        async def script(process: Process) -> None:
            await process.shake_hands()
            asked = await process.take()
            await release.wait()
            await process.complete(asked)
            await for_ever()

        async with (
            endorsing(made_organisations, timeout_s=0) as world,
            scripted(world, script),
        ):
            task = asyncio.create_task(world.do("bad", "x"))
            await asyncio.wait([task], timeout=SHORT_S)
            assert not task.done()
            release.set()
            assert await task == b"done"

    asyncio.run(play())


def test_after_a_time_out__the_late_one_is_told__and_others_go_on(
    made_organisations: Path,
) -> None:
    async def play() -> None:
        heard: list[Any] = []

        async def script(process: Process) -> None:
            await process.shake_hands()
            late = await process.take()
            second = await process.take()
            heard.append(await process.ask(Message.GET_STATE, late, GET))
            await process.complete(late, b"late")
            await process.complete(second, b"second")
            await for_ever()

        async with (
            endorsing(made_organisations, timeout_s=SHORT_S) as world,
            scripted(world, script),
        ):
            with pytest.raises(ChaincodeSilent):
                await world.endorse("bad", "x")
            assert await world.do("bad", "y") == b"second"
            assert heard[0].type == Message.ERROR
            assert b"no ledger context" in heard[0].payload

    asyncio.run(play())


def test_the_same_transaction_twice_at_once__is_refused_the_second_time(
    made_organisations: Path,
) -> None:
    async def play() -> None:
        release = asyncio.Event()

        async def script(process: Process) -> None:
            await process.shake_hands()
            asked = await process.take()
            await release.wait()
            await process.complete(asked)
            await for_ever()

        async with endorsing(made_organisations) as world, scripted(world, script):
            asked = world.ask("bad", "x")
            first = asyncio.create_task(world.put_to(asked))
            await asyncio.sleep(SHORT_S / 3)
            with pytest.raises(NotSimulated, match="exists"):
                await world.put_to(asked)
            release.set()
            assert (await first).simulated.response == b"done"

    asyncio.run(play())


def test_keepalive__is_sent_when_asked_for__and_taken_at_any_time(
    made_organisations: Path,
) -> None:
    async def play() -> None:
        heard: list[Any] = []

        async def script(process: Process) -> None:
            await process.send(Message.KEEPALIVE)
            await process.shake_hands()
            asked = await process.take()
            await process.send(Message.KEEPALIVE)
            heard.append(await process.take())
            await process.complete(asked)
            await for_ever()

        async with (
            endorsing(made_organisations, keepalive_s=0.05) as world,
            scripted(world, script),
        ):
            assert await world.do("bad", "x") == b"done"
            assert heard[0].type == Message.KEEPALIVE

    asyncio.run(play())


def test_a_restarted_process__is_dialled_again(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world:
            port = 0
            for _ in range(3):
                async with scripted(world, serve_well, port=port) as port:
                    assert await world.do("bad", "x") == b"done"

    asyncio.run(play())


def test_a_process_that_reads_nothing__ends__and_holds_nothing_up(
    made_organisations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "WRITE_TIMEOUT_S", SHORT_S)

    async def play() -> None:
        async def script(process: Process) -> None:
            await process.shake_hands()
            asked = await process.take()
            while True:
                await process.send(Message.GET_STATE, asked, GET)

        async with endorsing(made_organisations) as world, scripted(world, script):
            world.channels[CHANNEL].put("bad", "k", b"v" * 100_000)
            with pytest.raises(ChaincodeEnded):
                await world.endorse("bad", "x")

    asyncio.run(play())


def test_a_call_that_is_given_up_while_it_is_sent__leaves_the_others_at_work(
    made_organisations: Path,
) -> None:
    async def play() -> None:
        release = asyncio.Event()
        streams: list[Process] = []

        async def script(process: Process) -> None:
            streams.append(process)
            await process.shake_hands()
            await process.complete(await process.take())
            await release.wait()
            while True:
                await process.complete(await process.take())

        async with endorsing(made_organisations) as world, scripted(world, script):
            assert await world.do("bad", "x") == b"done"
            large = [asyncio.create_task(world.endorse("bad", b"x" * 4_000_000)) for _ in "1234"]
            small = asyncio.create_task(world.endorse("bad", "x"))
            await asyncio.wait([*large, small], timeout=SHORT_S)
            for each in large:
                each.cancel()
            await asyncio.wait(large)
            release.set()
            assert (await small).simulated.response == b"done"
            assert len(streams) == 1

    asyncio.run(play())


def test_nobody_there__is_found_out_once_for_all_who_wait(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world:
            async with scripted(world, serve_well) as port:
                pass
            world.know("bad", f"127.0.0.1:{port}", connection={"dial_timeout_s": SHORT_S})
            asked = [world.endorse("bad", "x") for _ in range(20)]
            given_up = asyncio.create_task(world.endorse("bad", "x"))
            await asyncio.sleep(0)
            given_up.cancel()
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(each) for each in found] == [ChaincodeSilent] * 20
            assert len(set(map(id, found))) == 1  # of one attempt

    asyncio.run(play())


def test_a_fault_of_the_ledger_s_own__costs_one_transaction(
    made_organisations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that it cannot answer is answered by ERROR; a broken reader is replaced."""

    async def play() -> None:
        heard: list[Any] = []

        async def script(process: Process) -> None:
            await process.shake_hands()
            asked = await process.take()
            while not heard:
                heard.append(await process.ask(Message.GET_STATE, asked, GET))
            await process.complete(asked)
            await serve_on(process)

        def fail(*_: object) -> Any:
            raise RuntimeError("a closed view was read")

        async with endorsing(made_organisations) as world, scripted(world, script):
            with monkeypatch.context() as broken:
                broken.setitem(ANSWERS, Message.GET_STATE, fail)
                assert await world.do("bad", "x") == b"done"
            assert heard[0].type == Message.ERROR
            assert heard[0].payload.endswith(b": the ledger could not answer")
            with monkeypatch.context() as broken:
                broken.setattr(stream.Stream, "_take", fail)
                with pytest.raises(ChaincodeEnded):
                    await world.endorse("bad", "x")
            assert await world.do("bad", "x") == b"done"

    asyncio.run(play())


class Deaf:
    """A call of gRPC whose other side registers, asks again and again, and never reads."""

    def __init__(self, package_id: str, asks: bytes) -> None:
        self.asks, self.asked = asks, 0
        self._first = protocol.ChaincodeMessage(
            type=Message.REGISTER,
            payload=chaincode_pb2.ChaincodeID(name=package_id).SerializeToString(),
        ).SerializeToString()

    async def read(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        return self._first if self.asked == 1 else self.asks

    async def write(self, _: bytes) -> None:
        if self.asked > 1:
            await asyncio.Event().wait()

    def cancel(self) -> None:
        pass


def test_a_process_that_asks_and_never_reads__is_asked_for_no_more_than_its_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fake call, for a real one hides in its own buffers how much the ledger keeps."""
    large = protocol.ChaincodeMessage(
        type=Message.GET_STATE, txid="t" * 100_000, channel_id=CHANNEL, payload=GET
    )

    async def play() -> None:
        monkeypatch.setattr(stream, "MAX_UNSENT_BYTES", 1_000_000)
        call = Deaf("bad:1", large.SerializeToString())
        opened = stream.Stream(call, "chaincode bad")
        await opened.open("bad:1")
        await asyncio.sleep(SHORT_S)
        assert 9 <= call.asked <= 14, "answers of 100 kB each, then no more is read"
        await asyncio.wait_for(opened.close(), 5)
        assert not opened.is_open

    asyncio.run(play())


async def serve_on(process: Process) -> None:
    while True:
        await process.complete(await process.take())
