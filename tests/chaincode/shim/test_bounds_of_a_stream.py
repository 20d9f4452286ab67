"""How much a stream takes, and how it ends."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from tests.chaincode.reader import Reader, still_serves
from tests.chaincode.scripted_peer import (
    Message,
    ScriptedPeer,
    connected,
    peer_of,
    serving,
    until,
)

from edgemark_chaincode.shim import stream as stream_module
from edgemark_chaincode.shim.limits import MAX_ODD_MESSAGES, MAX_STREAMS
from edgemark_chaincode.shim.server import OPTIONS


def test_more_streams_than_it_takes__are_refused_and_the_first_live_on() -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address):
            channel = grpc.aio.insecure_channel(address, options=OPTIONS)
            peers = [
                ScriptedPeer(channel.stream_stream("/protos.Chaincode/Connect")())
                for _ in range(MAX_STREAMS)
            ]
            for peer in peers:
                await peer.shake_hands()
            late = ScriptedPeer(channel.stream_stream("/protos.Chaincode/Connect")())
            assert await late.wait_for_end() == grpc.StatusCode.RESOURCE_EXHAUSTED
            peers[0].listen()
            assert (await peers[0].call("both")).status == 200
            for peer in peers:
                await peer.close()
            await channel.close()

    asyncio.run(play())


def test_more_open_iterators_than_a_call_may_have__are_refused_and_closed() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.state = {key: b"v" for key in "abcde"}
            told = await peer.call("open")
            assert "are too many" in told.message and peer.open_cursors == 0

    asyncio.run(play())


def test_messages_that_fit_nothing__end_the_stream_when_they_are_many() -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address), connected(address) as peer:
            await peer.shake_hands()
            for number in range(MAX_ODD_MESSAGES):
                await peer.send(Message(type=Message.RESPONSE, txid=str(number)))
            assert await peer.wait_for_end() == grpc.StatusCode.FAILED_PRECONDITION
            await still_serves(address)

    asyncio.run(play())


def test_a_keepalive__is_taken_at_any_time() -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address), connected(address) as peer:
            await peer.receive()
            for kind in (Message.KEEPALIVE, Message.REGISTERED, Message.KEEPALIVE, Message.READY):
                await peer.send(Message(type=kind))
            await peer.send(Message(type=Message.KEEPALIVE))
            peer.listen()
            assert (await peer.call("both")).status == 200

    asyncio.run(play())


def test_more_calls_than_it_takes__are_answered_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_TRANSACTIONS", 2)

    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.script = lambda _: []
            held = [await peer.begin(peer.make_call("both")) for _ in range(2)]
            told = await peer.call("both")
            assert told.status == 500 and "as many calls as it takes" in told.message
            assert not any(each.done() for each in held)

    asyncio.run(play())


def test_more_bytes_than_it_takes__are_answered_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_BYTES_IN_HAND", 10_000)

    async def play() -> None:
        async with peer_of(Reader()) as peer:
            assert "as many calls as it takes" in (await peer.call("both", bytes(20_000))).message
            for _ in range(30):  # what is answered is no more in hand
                assert (await peer.call("both", bytes(5_000))).status == 200

    asyncio.run(play())


def test_the_end_of_the_server__lets_calls_end_and_takes_no_new_one() -> None:
    async def play() -> None:
        async with serving(Reader()) as (server, address), connected(address) as peer:
            await peer.shake_hands()
            peer.listen()
            held = peer.hold()
            running = await peer.begin(peer.make_call("both"))
            await until(lambda: held)
            ending = asyncio.create_task(server.stop(30.0))
            await asyncio.sleep(0.05)
            late = await peer.call("both")
            assert late.status == 500 and "is ending" in late.message
            peer.go_on()
            await peer.send(peer.answer(held[0]))
            assert (await peer.end_of(running)).payload == b"+"
            await ending

    asyncio.run(play())


def test_the_end_of_the_server__does_not_wait_for_ever() -> None:
    async def play() -> None:
        async with serving(Reader()) as (server, address), connected(address) as peer:
            await peer.shake_hands()
            peer.listen()
            peer.script = lambda _: []
            await peer.begin(peer.make_call("both"))
            await until(lambda: peer.asked)
            await server.stop(0.05)

    asyncio.run(play())
