"""PyPI's `fabric-chaincode-python` on the same peer: what it still does wrong.

When one of these tests fails, upstream was mended: see then what is left, and why ours is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from fabric_chaincode_python.fabric_shim import server as their_server
from fabric_chaincode_python.fabric_shim.interfaces import Chaincode as TheirChaincode
from fabric_chaincode_python.fabric_shim.logging import LOGGER
from fabric_chaincode_python.fabric_shim.response import success as their_success
from fabric_chaincode_python.fabric_shim.stub import ChaincodeStub as TheirStub
from fabric_protos.peer import chaincode_pb2
from tests.chaincode.scripted_peer import (
    PACKAGE_ID,
    Message,
    ScriptedPeer,
    connected,
    respond,
    until,
)

from edgemark.transport.ports import hold_ports
from edgemark_chaincode.shim.stub import ChaincodeStub

SILENCE_S = 0.5  # our shim answers in a hundredth of it


class Theirs(TheirChaincode):
    async def init(self, stub: Any) -> Any:
        return their_success(b"")

    async def invoke(self, stub: Any) -> Any:
        name, rest = stub.get_function_and_parameters()
        return await getattr(self, name)(stub, *rest)

    async def event(self, stub: Any) -> Any:
        stub.set_event("made", b"k")
        return their_success(b"done")

    async def fail(self, stub: Any) -> Any:
        raise KeyError("gone")

    async def get(self, stub: Any, key: str) -> Any:
        return their_success(bytes(await stub.get_state(key)))

    async def page(self, stub: Any) -> Any:
        page = await stub.get_state_by_range_with_pagination("", "", 2)
        return their_success(str(hasattr(page, "bookmark")))

    async def call(self, stub: Any) -> Any:
        await stub.invoke_chaincode("other", ["get", "k"])
        return their_success(b"")


@asynccontextmanager
async def their_peer() -> AsyncIterator[ScriptedPeer]:
    LOGGER.setLevel(logging.CRITICAL)
    with hold_ports(1) as held:
        address = f"127.0.0.1:{held.numbers[0]}"
    server = their_server._internal_server(ccid=PACKAGE_ID, address=address, cc=Theirs())
    await server.start()
    try:
        async with connected(address) as peer:
            await peer.shake_hands()
            peer.listen()
            yield peer
    finally:
        await server.stop(0)


def test_it_sends_no_event() -> None:
    async def play() -> None:
        async with their_peer() as peer:
            told = await peer.call("event")
            assert (told.payload, told.event) == (b"done", None)

    asyncio.run(play())


def test_it_never_answers_when_a_call_raises() -> None:
    async def play() -> None:
        async with their_peer() as peer:
            future = await peer.begin(peer.make_call("fail"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(future, SILENCE_S)

    asyncio.run(play())


def test_it_takes_an_error_of_the_peer_for_the_value() -> None:
    async def play() -> None:
        async with their_peer() as peer:
            peer.script = lambda message: [respond(message, b"no such channel", Message.ERROR)]
            told = await peer.call("get", "k")
            assert (told.status, told.payload) == (200, b"no such channel")

    asyncio.run(play())


def test_it_drops_the_bookmark_of_a_page() -> None:
    async def play() -> None:
        async with their_peer() as peer:
            assert (await peer.call("page")).payload == b"False"

    asyncio.run(play())


def test_it_names_no_chaincode_that_is_to_be_called() -> None:
    async def play() -> None:
        async with their_peer() as peer:
            peer.hold()
            await peer.begin(peer.make_call("call"))
            await until(lambda: peer.asked)
            spec = chaincode_pb2.ChaincodeSpec.FromString(peer.asked[0].payload)
            assert spec.chaincode_id.name == ""

    asyncio.run(play())


def test_it_ends_its_stream_on_an_argument_of_5_mib() -> None:
    async def play() -> None:
        async with their_peer() as peer:
            future = await peer.begin(peer.make_call("get", bytes(5 * 1024 * 1024)))
            assert await peer.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert not future.done()

    asyncio.run(play())


def test_every_function_of_their_stub__has_its_name_in_ours() -> None:
    theirs = {name for name in dir(TheirStub) if not name.startswith("_")}
    assert theirs - set(dir(ChaincodeStub)) == set()
