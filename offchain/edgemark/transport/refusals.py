"""How a server says no: an HTTP status, and the error as short JSON."""

from __future__ import annotations

from aiohttp import web

from edgemark.errors import (
    EdgemarkError,
    LedgerUnavailable,
    Overloaded,
    PeerFault,
    RefusedInput,
    Unrecoverable,
)
from edgemark.transport.faults import NotFound

REFUSAL = web.ResponseKey("refusal", str)


class TooLarge(RefusedInput):
    """The body is longer than the route takes."""


class NoLength(RefusedInput):
    """The head does not say how long the body is."""


STATUS: tuple[tuple[type[EdgemarkError], int], ...] = (  # the first that fits
    (TooLarge, 413),
    (NoLength, 411),
    (NotFound, 404),
    (Overloaded, 503),
    (RefusedInput, 400),
    (PeerFault, 409),
    (LedgerUnavailable, 503),
    (EdgemarkError, 500),
)


def status_of(error: EdgemarkError) -> int:
    """HTTP status of an error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def refuse(status: int, error: EdgemarkError) -> web.Response:
    """The answer that says no, with as much of the error as a stranger may read."""
    match error:
        case Unrecoverable():
            facts: dict[str, object] = {"error": "InternalError"}
        case LedgerUnavailable():
            # Who and had name our chain's address, which may carry a key to it.
            facts = {"error": type(error).__name__, "what": error.what}
        case _:
            facts = error.as_dict()
    response = web.json_response(facts, status=status)
    if isinstance(error, Overloaded):
        response.headers["Retry-After"] = str(error.retry_after_s)
    response[REFUSAL] = type(error).__name__
    return response
