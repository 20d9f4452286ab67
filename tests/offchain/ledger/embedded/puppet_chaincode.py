"""A chaincode that asks its peer what the client tells it to, byte by byte, and tells the answers.

So the same requests go to either ledger, also those that no shim would send.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from tests.offchain.ledger.embedded.served import LoopThread

Message = protocol.ChaincodeMessage


@dataclass(frozen=True)
class Told:
    """What a peer answered to a request."""

    kind: int
    payload: bytes

    @property
    def words(self) -> str:
        return self.payload.decode(errors="replace")


def script_of(requests: Sequence[tuple[int, bytes]]) -> str:
    """The argument that has a puppet send these."""
    return json.dumps([[kind, payload.hex()] for kind, payload in requests])


def answers_in(payload: bytes) -> list[Told]:
    """What the peer answered to each."""
    return [Told(kind, bytes.fromhex(held)) for kind, held in json.loads(payload)]


class Puppet:
    """The servers of puppets, in a loop of their own."""

    def __init__(self) -> None:
        self._loop = LoopThread()
        self._servers: list[grpc.aio.Server] = []

    def serve(self, package_id: str, address: str) -> None:
        """Start one: what `LedgerWorld.deploy` takes for a chaincode."""
        self._loop.run(self._start(package_id, address))

    def close(self) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    async def _start(self, package_id: str, address: str) -> None:
        async def connect(requests: AsyncIterator[bytes], context: Any) -> None:
            name = chaincode_pb2.ChaincodeID(name=package_id).SerializeToString()
            await context.write(Message(type=Message.REGISTER, payload=name).SerializeToString())
            async for raw in requests:
                asked = Message.FromString(raw)
                if asked.type == Message.TRANSACTION:
                    await _perform(asked, requests, context)

        server = grpc.aio.server()
        handler = grpc.stream_stream_rpc_method_handler(connect)
        service = grpc.method_handlers_generic_handler("protos.Chaincode", {"Connect": handler})
        server.add_generic_rpc_handlers((service,))
        server.add_insecure_port(address)
        await server.start()
        self._servers.append(server)

    async def _stop(self) -> None:
        for server in self._servers:
            await server.stop(0)


async def _perform(asked: Any, requests: AsyncIterator[bytes], context: Any) -> None:
    about = {"txid": asked.txid, "channel_id": asked.channel_id}
    arguments = chaincode_pb2.ChaincodeInput.FromString(asked.payload).args
    told = []
    for kind, payload in json.loads(arguments[0]) if arguments[0][:1] == b"[" else []:
        request = Message(type=kind, payload=bytes.fromhex(payload), **about)
        await context.write(request.SerializeToString())
        answer = Message.FromString(await anext(requests))
        told.append([answer.type, answer.payload.hex()])
    response = proposal_response_pb2.Response(status=200, payload=json.dumps(told).encode())
    done = Message(type=Message.COMPLETED, payload=response.SerializeToString(), **about)
    await context.write(done.SerializeToString())
