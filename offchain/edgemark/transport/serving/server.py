"""HTTP server: routes of plain functions behind limits that a hostile client cannot stretch.

aiohttp speaks the protocol in a thread of its own; handlers are ordinary functions in bounded
pools. Bodies, headers, connections, times and memory have a maximum (`limits`); an error of ours
becomes a short JSON that says who, had and needed, and anything unplanned becomes a 500 without
detail and one line in the log.

Whoever has an open matter with the server shows who it is in one header, and has places that no
stranger can take (`crowd`, `reception`); what such a card is, the server's owner decides.

Every request has a number, which stands in the header `X-Request-Id` of its answer and, with the
client's address, on every line that is logged meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from aiohttp import web, web_protocol

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.logs import about, get_logger
from edgemark.transport.limits import MAX_HEADERS, MAX_PIPELINED, READ_BUFFER_BYTES, ServerLimits
from edgemark.transport.serving.cards import Door
from edgemark.transport.serving.crowd import Crowd
from edgemark.transport.serving.listener import Listener
from edgemark.transport.serving.reception import (
    BYTES_IN,
    BYTES_OUT,
    NUMBER,
    NUMBER_HEADER,
    Reception,
)
from edgemark.transport.serving.refusals import REFUSAL, make_library_logger
from edgemark.transport.serving.routes import Head, Request, Response, Route
from edgemark.transport.tls import TlsKey

__all__ = [
    "Answered",
    "Head",
    "HttpServer",
    "Request",
    "Response",
    "Route",
    "ServerFailed",
    "ServerLimits",
]

START_LIMIT_S = 10.0
web_protocol.MAX_MSG_QUEUE_SIZE = MAX_PIPELINED  # the library has no argument for it


class ServerFailed(RefusedInput):
    """The server cannot listen there."""


@dataclass(frozen=True)
class Answered:
    """One request that was answered, for whoever counts them.

    Attributes:
        method: as sent, if any route has it; else "other".
        route: path of the route as the code has it; "other" when there is none.
        status: of the answer.
        refusal: type of the error that it answers; empty when it was none.
        bytes_in, bytes_out: of the bodies.
        seconds: from its head to its answer.
    """

    method: str
    route: str
    status: int
    refusal: str
    bytes_in: int
    bytes_out: int
    seconds: float


class HttpServer(Closing):
    """An HTTP server on one port, over TLS unless it has no key.

    Args:
        routes: what it serves, beside a GET /healthz that says that it answers, unless it has one.
        tls: its key; None speaks plain HTTP, for this machine or behind what has a key of its own.
        host: address to bind; loopback unless said otherwise.
        port: 0 takes a free one.
        limits: see `ServerLimits`.
        door: knows the known parties by their cards (`CARD_HEADER`); asked in the server's own
            thread. Without it everybody is a stranger.
        spool: folder for longer bodies that wait; None takes the system's.
        on_answer: told of every request that was answered; quick, in the server's own thread.

    Attributes:
        reserved: bytes of the spool's disk that nothing takes which only waits; quick.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        tls: TlsKey | None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: ServerLimits | None = None,
        door: Door | None = None,
        spool: Path | None = None,
        on_answer: Callable[[Answered], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.reserved: Callable[[], int] = int
        self.limits = limits or ServerLimits()
        self._routes = routes
        self._tls = tls
        self._on_answer = on_answer
        self._numbers = itertools.count(1)
        self._log = get_logger("transport.server")
        self._loop = asyncio.new_event_loop()
        crowd = Crowd(self.limits.most_sockets, self.limits.of_peer(self.limits.most_sockets))
        self._crowd = crowd
        self.reception = Reception(
            self.limits,
            crowd,
            lambda: self.url,
            door,
            spool,
            lambda: self.reserved(),  # noqa: PLW0108 - its owner says it later
        )
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)

    @property
    def bytes_in(self) -> int:
        """Bytes of bodies that came."""
        return self.reception.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes of bodies that went."""
        return self.reception.bytes_out

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'http' if self._tls is None else 'https'}://{self.host}:{self.port}"

    def start(self) -> None:
        """Bind and serve.

        Raises:
            ServerFailed: the port is in use or the address is not ours.
        """
        self._thread.start()
        future = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        try:
            future.result(START_LIMIT_S)
        except OSError as error:
            self.close()
            raise ServerFailed(
                "cannot listen there",
                who=f"{self.host}:{self.port}",
                had=error.strerror or str(error),
                needed="a free port of this machine",
                remedy="Set server.listen_port to another one, or stop what uses it.",
            ) from error

    def close(self) -> None:
        """Close the port; requests under way get a moment to end."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():  # else it was never started
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(START_LIMIT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(START_LIMIT_S)
        self._loop.close()
        self.reception.close()

    def __enter__(self) -> Self:
        self.start()
        return super().__enter__()

    async def _open(self) -> None:
        application = web.Application(
            client_max_size=2**31,  # each route has its own maximum
            middlewares=[self._account_for],
        )
        if not any(route.path == "/healthz" for route in self._routes):
            application.router.add_get("/healthz", self._tell_health)
        for route in self._routes:
            application.router.add_route(
                route.method, route.path, partial(self.reception.receive, route)
            )
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=make_library_logger(),
            keepalive_timeout=self.limits.header_s,
            lingering_time=0,
            auto_decompress=False,  # nothing we speak is compressed, and a bomb would be
            max_line_size=self.limits.header_bytes,
            max_field_size=self.limits.header_bytes,
            max_headers=MAX_HEADERS,
            read_bufsize=READ_BUFFER_BYTES,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        served = self._runner.server
        if served is None:
            raise RuntimeError("the runner made no server")
        self._listener = Listener(
            served,
            lambda: served.connections,
            None if self._tls is None else self._tls.server_context(),
            crowd=self._crowd,
            handshake_s=self.limits.header_s,
        )
        self.port = await self._listener.open(self.host, self.port)

    async def _close(self) -> None:
        if self._listener is not None:
            await self._listener.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _tell_health(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response({"healthy": True})

    @web.middleware
    async def _account_for(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        began, number = time.monotonic(), f"{next(self._numbers):x}"
        request[NUMBER] = number
        with about(request=number, peer=request.remote):
            try:
                response = await handler(request)
            except web.HTTPException as no_route:
                self._sign(request, no_route, number, began)
                raise
            self._sign(request, response, number, began)
        return response

    def _sign(
        self, request: web.Request, response: web.StreamResponse, number: str, began: float
    ) -> None:
        if not response.prepared:  # else it is on its way, with its number
            response.headers[NUMBER_HEADER] = number
        resource = request.match_info.route.resource
        answered = Answered(
            method=request.method if resource else "other",
            route=resource.canonical if resource else "other",
            status=response.status,
            refusal=response.get(REFUSAL, ""),
            bytes_in=request.get(BYTES_IN, 0),
            bytes_out=response.get(BYTES_OUT, 0),
            seconds=time.monotonic() - began,
        )
        self._log.debug("request answered", **vars(answered))
        if self._on_answer is not None:
            self._on_answer(answered)
