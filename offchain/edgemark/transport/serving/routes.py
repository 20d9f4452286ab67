"""What a server serves: paths, plain functions behind them, and what these get and give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Head:
    """What is known of a request before its body is read.

    Attributes:
        params: of the path.
        account: the known party that shows itself; None is a stranger.
        length: of the body, bytes.
        query, accept: as a `Request` has them.
    """

    method: str
    path: str
    params: dict[str, str]
    peer: str
    account: str | None
    length: int
    query: str = ""
    accept: str = ""


@dataclass(frozen=True)
class Request:
    """What a handler gets.

    Attributes:
        query: what stands behind the path's question mark, as it was sent.
        accept: the forms of an answer that are asked for, as its header says.
    """

    method: str
    path: str
    params: dict[str, str]
    body: bytes = field(repr=False)
    peer: str
    account: str | None = None
    query: str = ""
    accept: str = ""


@dataclass(frozen=True)
class Response:
    """What a handler gives."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True)
class Route:
    """One face of a server.

    Args:
        method: GET, HEAD, POST or PUT.
        path: with parameters in braces, as "/v1/functions/{hash}".
        handler: plain function; may raise any `EdgemarkError`.
        most_body_bytes: longest body that is read.
        admit: asked before the body is read: how long it may be here and now, or the answer when
            no body is needed for it; may raise any `EdgemarkError`. None leaves it at
            `most_body_bytes`.
        is_promised: disk for its body is set aside already.
    """

    method: str
    path: str
    handler: Callable[[Request], Response]
    most_body_bytes: int
    admit: Callable[[Head], int | Response] | None = None
    is_promised: bool = False
