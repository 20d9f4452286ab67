"""The server of a chaincode's process: peers connect to it, and whoever asks for its health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark_chaincode.shim.health import health_service
from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.shim.limits import END_S, MAX_MESSAGE_BYTES, MAX_STREAMS
from edgemark_chaincode.shim.stream import PeerStream

LOG = logging.getLogger("edgemark.chaincode")
STEPS_BEHIND = 5  # that gRPC's own task of a stream takes to end after it
OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # a port in use is refused, and not shared
    # Peers ping an idle stream each minute: gRPC's own bound of five would end it.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_time_ms", 60_000),  # a peer whose machine is gone says nothing
    ("grpc.keepalive_timeout_ms", 20_000),
)


@dataclass(frozen=True)
class ServerTls:
    """Keys of the server.

    Attributes:
        key: PEM.
        certificate: PEM, with what is between it and a root.
        client_roots: PEM; peers have to show a certificate of theirs. None: whoever comes.
    """

    key: bytes = field(repr=False)
    certificate: bytes
    client_roots: bytes | None = None


class ChaincodeServer:
    """Serves one chaincode under one package id.

    Args:
        chaincode: that answers.
        package_id: under which peers know it.
        address: HOST:PORT; port 0 for a free one.
        tls: None: without, as on the loopback of one machine.
    """

    def __init__(
        self, chaincode: Chaincode, package_id: str, address: str, tls: ServerTls | None = None
    ) -> None:
        self._chaincode = chaincode
        self._package_id = package_id
        self._address = address
        self._tls = tls
        self._server: grpc.aio.Server | None = None
        self._streams: set[PeerStream] = set()
        self._is_ending = False

    async def start(self) -> str:
        """Listen; the answer is HOST:PORT with the port that it has.

        Raises:
            RefusedInput: the address is none, or is in use; or the keys are none.
        """
        server = grpc.aio.server(options=OPTIONS)
        service = grpc.method_handlers_generic_handler(
            "protos.Chaincode", {"Connect": grpc.stream_stream_rpc_method_handler(self._connect)}
        )
        health = health_service(lambda: not self._is_ending)
        server.add_generic_rpc_handlers((service, health))
        port = self._listen(server)
        await server.start()
        self._server = server
        host = self._address.rpartition(":")[0]
        return f"{host}:{port}"

    async def stop(self, grace_s: float = END_S) -> None:
        """Take no new call, let those that run end, and close.

        Args:
            grace_s: seconds that they have.
        """
        self._is_ending = True
        await asyncio.gather(*(stream.end(grace_s) for stream in self._streams))
        if self._server is not None:
            await self._server.stop(1.0 if self._streams else 0)
            for _ in range(STEPS_BEHIND):
                await asyncio.sleep(0)

    def _listen(self, server: grpc.aio.Server) -> int:
        try:
            if self._tls is None:
                return server.add_insecure_port(self._address)
            credentials = grpc.ssl_server_credentials(
                [(self._tls.key, self._tls.certificate)],
                root_certificates=self._tls.client_roots,
                require_client_auth=self._tls.client_roots is not None,
            )
            return server.add_secure_port(self._address, credentials)
        except RuntimeError as fault:
            raise RefusedInput(
                "cannot be listened on",
                who=f"address {self._address[:128]}",
                needed="HOST:PORT of this machine that is free; keys that fit each other",
            ) from fault

    async def _connect(
        self, incoming: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        if self._is_ending:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the chaincode's process is ending")
        if len(self._streams) >= MAX_STREAMS:
            words = f"all {MAX_STREAMS} streams are open"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
        stream = PeerStream(self._chaincode, self._package_id)
        self._streams.add(stream)
        try:
            await stream.serve(incoming, context.write)
        except EdgemarkError as fault:
            LOG.warning("a stream from %s is ended: %s", context.peer(), fault)
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(fault))
        finally:
            self._streams.discard(stream)
