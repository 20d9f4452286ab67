"""`grpc.health.v1.Health/Check`, as probes of containers and balancers ask it.

Two messages of one field each: a name of a service, and a status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
SERVICES = (b"", b"protos.Chaincode")
_TEXT_FIELD = 0x0A  # number 1, of a length
MAX_REQUEST_BYTES = 128


def health_service(is_serving: Callable[[], bool]) -> grpc.GenericRpcHandler:
    """The service.

    Args:
        is_serving: whether new calls are taken.
    """

    async def check(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        if _service_of(request) not in SERVICES:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service here")
        return SERVING if is_serving() else NOT_SERVING

    return grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}
    )


def _service_of(request: bytes) -> bytes | None:
    if not request:
        return b""
    if len(request) > MAX_REQUEST_BYTES or len(request) < 2:
        return None
    is_name = request[0] == _TEXT_FIELD and request[1] == len(request) - 2
    return request[2:] if is_name else None
