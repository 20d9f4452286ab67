"""A chaincode's process that a test holds by the hand, over real gRPC.

Why a fake: the shim keeps to the protocol, and what the ledger does with a process that does not
can be seen with no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from tests.offchain.ledger.embedded.endorsing_world import (
    CHANNEL,
    ORG1,
    World,
    endorsing,
    package_id_of,
)

from edgemark.errors import EdgemarkError

Message = protocol.ChaincodeMessage


class Process:
    """One stream of a process, at work."""

    def __init__(self, requests: AsyncIterator[bytes], context: Any) -> None:
        self._requests = requests
        self.context = context

    async def take(self) -> Any:
        """The next message of the ledger."""
        return Message.FromString(await anext(self._requests))

    async def send(self, kind: int, about: Any = None, payload: bytes = b"", **more: Any) -> None:
        """A message, about a transaction."""
        if about is not None:
            more = {"txid": about.txid, "channel_id": about.channel_id, **more}
        await self.send_raw(Message(type=kind, payload=payload, **more).SerializeToString())

    async def send_raw(self, raw: bytes) -> None:
        """Any bytes."""
        await self.context.write(raw)

    async def ask(self, kind: int, about: Any, payload: bytes) -> Any:
        """What the ledger answers a request."""
        await self.send(kind, about, payload)
        return await self.take()

    async def shake_hands(self, name: str = "bad") -> None:
        """As a process should."""
        registered = chaincode_pb2.ChaincodeID(name=package_id_of(name)).SerializeToString()
        await self.send(Message.REGISTER, payload=registered)
        assert (await self.take()).type == Message.REGISTERED
        assert (await self.take()).type == Message.READY

    async def complete(self, about: Any, payload: bytes = b"done", **more: Any) -> None:
        """Answer a transaction well."""
        response = proposal_response_pb2.Response(status=200, payload=payload)
        await self.send(Message.COMPLETED, about, response.SerializeToString(), **more)


Script = Callable[[Process], Awaitable[None]]


@asynccontextmanager
async def scripted(
    world: World, script: Script, name: str = "bad", port: int = 0
) -> AsyncIterator[int]:
    """Serve a script as a chaincode that is agreed on; its port."""

    async def connect(requests: AsyncIterator[bytes], context: Any) -> None:
        await script(Process(requests, context))

    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    handler = grpc.stream_stream_rpc_method_handler(connect)
    service = grpc.method_handlers_generic_handler("protos.Chaincode", {"Connect": handler})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    world.know(name, f"127.0.0.1:{port}")
    if not world.channels[CHANNEL].values:
        world.channels[CHANNEL].define(name, {ORG1: package_id_of(name)})
    try:
        yield port
    finally:
        await world.links.close()
        await server.stop(0)


async def for_ever() -> None:
    """Say nothing more."""
    await asyncio.Event().wait()


def meet(
    made: Path, script: Script, fault: type[EdgemarkError], words: str, timeout_s: float = 20.0
) -> None:
    """One transaction fails so; then an honest process takes the address and serves."""

    async def play() -> None:
        async with endorsing(made, timeout_s=timeout_s) as world:
            async with scripted(world, script) as port:
                with pytest.raises(fault, match=words):
                    await world.endorse("bad", "x")
            async with scripted(world, serve_well, port=port):
                assert await world.do("bad", "x") == b"done"

    asyncio.run(play())


async def serve_well(process: Process) -> None:
    await process.shake_hands()
    while True:
        await process.complete(await process.take())
