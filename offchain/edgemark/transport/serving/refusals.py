"""How a server says no: an HTTP status, and the error as short JSON; and what it logs of it."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from edgemark.errors import (
    EdgemarkError,
    LedgerUnavailable,
    Overloaded,
    PeerFault,
    RefusedInput,
    Unrecoverable,
)
from edgemark.logs import get_logger
from edgemark.seam import place_of
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


class _OneLine(logging.Handler):
    """Says in one line of ours what the library would say in many, with a stranger's words."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log = get_logger("transport.server")
        if error is None or isinstance(error, HttpProcessingError | ConnectionError):
            log.debug("request is no HTTP", kind=type(error).__name__)
        else:
            log.error("request failed", kind=type(error).__name__, place=place_of(error))


def make_library_logger() -> logging.Logger:
    """What aiohttp logs to: nobody else hears of it."""
    logger = logging.Logger("edgemark.aiohttp", logging.WARNING)
    logger.addHandler(_OneLine())
    return logger
