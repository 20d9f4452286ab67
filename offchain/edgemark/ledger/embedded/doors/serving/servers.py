"""A server of gRPC with TLS on one port of this machine."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from edgemark.ledger.embedded.organisations.folder import TlsFiles
from edgemark.ledger.fabric.wire.limits import MAX_MESSAGE_BYTES
from edgemark.ledger.launching.ports import LOOPBACK, PortInUse, check_port_free

STOP_S = 2.0  # that calls under way have when the ledger ends
LEAST_PING_MS = 10_000  # between two signs of life of a client that sends nothing else
HANDSHAKE_MS = 10_000  # in which who connects has shown that it speaks TLS
MAX_IDLE_MS = 600_000  # without a call: a client that still wants to call connects again

OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # else two ledgers would share a port
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", LEAST_PING_MS),
    ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
    ("grpc.max_connection_idle_ms", MAX_IDLE_MS),
)


class DoorServer:
    """Serves services on a port.

    Args:
        tls: what it shows.
        port: 0 takes a free one.
        handlers: of the services.

    Attributes:
        port: where it listens, once started.
    """

    def __init__(
        self, tls: TlsFiles, port: int, handlers: Sequence[grpc.GenericRpcHandler]
    ) -> None:
        self.port = port
        self._credentials = grpc.ssl_server_credentials([(tls.key, tls.certificate)])
        self._handlers = tuple(handlers)
        self._server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            PortInUse: something else does.
        """
        check_port_free(self.port)
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers(self._handlers)
        try:
            self.port = server.add_secure_port(self.address, self._credentials)
        except RuntimeError as error:
            raise PortInUse("port is in use", who=self.address, needed="a free port") from error
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Answer no more; calls under way have STOP_S."""
        if self._server is not None:
            await self._server.stop(STOP_S)
