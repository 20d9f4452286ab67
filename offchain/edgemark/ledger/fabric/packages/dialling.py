"""TLS to a chaincode's process, as its package says."""

from __future__ import annotations

import grpc

from edgemark.ledger.fabric.packages.connection import Connection


def credentials_of(connection: Connection) -> grpc.ChannelCredentials | None:
    """What a ledger shows to a process and expects of it; None where there is no TLS."""
    if not connection.root_cert:
        return None
    return grpc.ssl_channel_credentials(
        connection.root_cert, connection.client_key or None, connection.client_cert or None
    )
