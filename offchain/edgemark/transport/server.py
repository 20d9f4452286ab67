"""HTTPS server: routes of plain functions behind limits that a hostile client cannot stretch.

aiohttp speaks the protocol in a thread of its own; handlers are ordinary functions in a bounded
pool. Bodies, headers, connections and times have a maximum; an error of ours becomes a short JSON
that says who, had and needed, and anything unplanned becomes a 500 without detail.

Every request has a number, which stands in the header `X-Request-Id` of its answer and, with the
client's address, on every line that is logged meanwhile.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from edgemark.closing import Closing
from edgemark.errors import (
    EdgemarkError,
    Overloaded,
    RefusedInput,
)
from edgemark.logs import about, get_logger
from edgemark.seam import place_of
from edgemark.transport.listener import Listener
from edgemark.transport.rates import RateLimit
from edgemark.transport.refusals import REFUSAL, TooLarge, refuse, status_of
from edgemark.transport.tls import TlsKey

START_LIMIT_S = 10.0
BYTES_IN = web.RequestKey("bytes_in", int)


class ServerFailed(RefusedInput):
    """The server cannot listen there."""


@dataclass(frozen=True)
class ServerLimits:
    """What one client, and all of them, may take.

    Args:
        header_s: seconds for the handshake, then until the request's head is there (also: idle).
        body_s: seconds for the body.
        handler_s: seconds for a handler.
        workers: handlers at a time.
        most_connections: requests under way at a time; one more is refused by name.
        most_sockets: connections at a time, busy or not; one more is closed at once.
        header_bytes: length of a header line.
        peer_part: part of the connections and sockets that one peer (address) may hold, 0 .. 1.
        per_s, per_s_of_peer: requests a second, of all peers and of one.
    """

    header_s: float = 10.0
    body_s: float = 30.0
    handler_s: float = 60.0
    workers: int = 8
    most_connections: int = 64
    most_sockets: int = 256
    header_bytes: int = 8190
    peer_part: float = 0.75
    per_s: float = 400.0
    per_s_of_peer: float = 200.0


@dataclass(frozen=True)
class Request:
    """What a handler gets."""

    method: str
    path: str
    params: dict[str, str]
    body: bytes = field(repr=False)
    peer: str


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
        method: GET, POST or PUT.
        path: with parameters in braces, as "/v1/functions/{hash}".
        handler: plain function; may raise any `EdgemarkError`.
        most_body_bytes: longest body that is read.
    """

    method: str
    path: str
    handler: Callable[[Request], Response]
    most_body_bytes: int


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
    """An HTTPS server on one port.

    Args:
        routes: what it serves, beside GET /healthz.
        tls: its key.
        host: address to bind; loopback unless said otherwise.
        port: 0 takes a free one.
        limits: see `ServerLimits`.
        on_answer: told of every request that was answered; quick, in the server's own thread.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        tls: TlsKey,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: ServerLimits | None = None,
        on_answer: Callable[[Answered], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.bytes_in = 0
        self.bytes_out = 0
        self._routes = routes
        self._tls = tls
        self._limits = limits or ServerLimits()
        self._on_answer = on_answer
        self._numbers = itertools.count(1)
        self._under_way: Counter[str] = Counter()
        self._rates = RateLimit(self._limits.per_s, self._limits.per_s_of_peer)
        self._log = get_logger("transport.server")
        self._pool = ThreadPoolExecutor(self._limits.workers, thread_name_prefix="http")
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://{self.host}:{self.port}"

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
                remedy="Set listen_port to another one, or stop what uses it.",
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
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        self.start()
        return super().__enter__()

    async def _open(self) -> None:
        application = web.Application(
            client_max_size=2**31,  # each route has its own maximum
            middlewares=[self._account_for],
        )
        application.router.add_get("/healthz", self._tell_health)
        for route in self._routes:
            application.router.add_route(route.method, route.path, self._serve(route))
        self._runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=self._limits.header_s,
            lingering_time=0,
            auto_decompress=False,  # nothing we speak is compressed, and a bomb would be
            max_line_size=self._limits.header_bytes,
            max_field_size=self._limits.header_bytes,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        served = self._runner.server
        if served is None:
            raise RuntimeError("the runner made no server")
        self._listener = Listener(
            served,
            lambda: served.connections,
            self._tls.server_context(),
            most=self._limits.most_sockets,
            most_of_peer=max(1, int(self._limits.peer_part * self._limits.most_sockets)),
            handshake_s=self._limits.header_s,
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
        response.headers["X-Request-Id"] = number
        resource = request.match_info.route.resource
        body = getattr(response, "body", None)
        answered = Answered(
            method=request.method if resource else "other",
            route=resource.canonical if resource else "other",
            status=response.status,
            refusal=response.get(REFUSAL, ""),
            bytes_in=request.get(BYTES_IN, 0),
            bytes_out=len(body) if isinstance(body, bytes) else 0,
            seconds=time.monotonic() - began,
        )
        self._log.debug("request answered", **vars(answered))
        if self._on_answer is not None:
            self._on_answer(answered)

    def _serve(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            peer = request.remote or ""
            try:
                self._check_room(peer)
            except Overloaded as busy:
                return refuse(status_of(busy), busy)
            self._under_way[peer] += 1
            try:
                response = await self._answer(route, request)
            finally:
                self._under_way[peer] -= 1
                self._under_way += Counter()  # forgets peers that ask nothing now
            self.bytes_out += len(response.body) if isinstance(response.body, bytes) else 0
            return response

        return serve

    def _check_room(self, peer: str) -> None:
        """Refuse before the body is read; nothing of the request has cost anything yet."""
        most = self._limits.most_connections
        wait_s = self._rates.take(peer, time.monotonic())
        if wait_s:
            raise Overloaded("too many requests", who=self.url, retry_after_s=wait_s)
        if self._under_way.total() >= most:
            had = self._under_way.total()
            raise Overloaded("server is busy", who=self.url, had=had, needed=f"< {most}")
        own, most_own = self._under_way[peer], max(1, int(self._limits.peer_part * most))
        if own >= most_own:
            raise Overloaded(
                "server is busy with this peer", who=self.url, had=own, needed=f"< {most_own}"
            )

    async def _answer(self, route: Route, request: web.Request) -> web.Response:
        try:
            body = await asyncio.wait_for(_read(request, route), self._limits.body_s)
            self.bytes_in += len(body)
            request[BYTES_IN] = len(body)
            asked = Request(
                request.method, request.path, dict(request.match_info), body, request.remote or ""
            )
            context = contextvars.copy_context()  # the handler's lines name the request too
            work = self._loop.run_in_executor(self._pool, context.run, route.handler, asked)
            given = await asyncio.wait_for(work, self._limits.handler_s)
        except TimeoutError:
            return refuse(408, Overloaded("took too long", who=self.url))
        except EdgemarkError as error:
            return refuse(status_of(error), error)
        except Exception as error:  # noqa: BLE001 - a stranger learns nothing of it, the log does
            self._log.error(
                "handler failed", path=route.path, kind=type(error).__name__, place=place_of(error)
            )
            return web.json_response({"error": "InternalError"}, status=500)
        return web.Response(body=given.body, status=given.status, content_type=given.content_type)


async def _read(request: web.Request, route: Route) -> bytes:
    """The body, never more of it than the route takes."""
    most = route.most_body_bytes
    too_large = TooLarge("body is too long", who=route.path, needed=f"<= {most} bytes")
    if request.content_length is not None and request.content_length > most:
        raise too_large
    parts: list[bytes] = []
    length = 0
    async for part in request.content.iter_chunked(64 * 1024):
        length += len(part)
        if length > most:
            raise too_large
        parts.append(part)
    return b"".join(parts)
