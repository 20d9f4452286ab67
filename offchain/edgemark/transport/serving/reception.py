"""Takes one request from its head to its answer, and refuses it as early as can be.

| step | what                                                | refused with     |
|------|-----------------------------------------------------|------------------|
| 1    | who asks: a known party's card, or a stranger       |                  |
| 2    | how often: a bucket for each party, one for strangers | 503            |
| 3    | how long the body is: the head says it              | 411, 413         |
| 4    | whether this body is wanted here and now: `Route.admit` | as the route says |
| 5    | the body comes, fast enough; longer ones go to disk | 408, 503         |
| 6    | memory for a longer body; then a place, now that nothing is waited for | 503 |
| 7    | the handler, in a thread of strangers or of known parties | as it says |
| 8    | the answer goes, fast enough; a longer one from the disk | 503         |

Until step 6 the connection can give way to another one. A place is given back when the thread has
ended, not when somebody is tired of waiting for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from aiohttp import web, web_protocol

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError, Overloaded
from edgemark.logs import get_logger
from edgemark.seam import place_of
from edgemark.transport.asking.http import CARD_HEADER
from edgemark.transport.limits import KIB, ServerLimits
from edgemark.transport.rates import RateLimit
from edgemark.transport.serving.bodies import Body, Spool, return_freed_memory
from edgemark.transport.serving.cards import Cards, Door
from edgemark.transport.serving.crowd import Crowd, Guest, Places, group_of
from edgemark.transport.serving.loading import Memory
from edgemark.transport.serving.outgoing import Copy, Outgoing
from edgemark.transport.serving.refusals import NoLength, TooLarge, refuse, status_of
from edgemark.transport.serving.routes import Head, Request, Response, Route

BYTES_IN = web.RequestKey("bytes_in", int)
BYTES_OUT = web.ResponseKey("bytes_out", int)
NUMBER = web.RequestKey("number", str)
NUMBER_HEADER = "X-Request-Id"
PIECE_BYTES = 64 * KIB
BROKEN_OFF = (  # the client went away: no event
    EOFError,
    ConnectionError,
    web_protocol.RequestPayloadError,
    web_protocol.PayloadAccessError,
)
T = TypeVar("T")


class Reception(Closing):
    """Belongs to the event loop of a server; its handlers run in threads of their own.

    Args:
        limits: of the server.
        crowd: who is connected.
        who: the server's url, for refusals.
        door: knows the known parties by their cards; None knows nobody.
        spool: folder for longer bodies.
        reserved: bytes of its disk that are promised to others.
    """

    def __init__(
        self,
        limits: ServerLimits,
        crowd: Crowd,
        who: Callable[[], str],
        door: Door | None,
        spool: Path | None,
        reserved: Callable[[], int] = int,
    ) -> None:
        return_freed_memory()
        self.bytes_in = 0
        self.bytes_out = 0
        self.spool = Spool(spool, limits, reserved)
        self.memory = Memory(limits.loaded_bytes, limits.most_of_known)
        self.outgoing = Outgoing(spool, limits.given_bytes, reserved)
        self._limits = limits
        self._crowd = crowd
        self._who = who
        self._cards = Cards(door)
        self._places = Places(limits, who)
        self._rates = RateLimit(limits.per_s, limits.per_s_of_peer)
        self._log = get_logger("transport.server")
        self._strangers = ThreadPoolExecutor(limits.workers, thread_name_prefix="http")
        self._known = ThreadPoolExecutor(limits.known_workers, thread_name_prefix="http-known")
        self._long = ThreadPoolExecutor(limits.long_workers, thread_name_prefix="http-long")

    def close(self) -> None:
        """Begin nothing more; what runs is left alone."""
        for pool in (self._strangers, self._known, self._long):
            pool.shutdown(wait=False, cancel_futures=True)

    async def receive(self, route: Route, request: web.Request) -> web.StreamResponse:
        """One request, whatever it is."""
        peer = group_of(request.remote or "")
        guest = self._crowd.find(request.protocol) or Guest(peer)
        try:
            response = await self._take_in(route, request, guest)
        except TimeoutError:
            response = refuse(408, Overloaded("took too long", who=self._who()))
        except EdgemarkError as error:
            response = refuse(status_of(error), error)
        except BROKEN_OFF as error:
            self._log.debug("request broke off", kind=type(error).__name__)
            response = web.Response(status=400)
        except Exception as error:  # noqa: BLE001 - a stranger learns nothing of it, the log does
            kind, place = type(error).__name__, place_of(error)
            self._log.error("handler failed", path=route.path, kind=kind, place=place)
            response = web.json_response({"error": "InternalError"}, status=500)
        finally:
            guest.account, guest.is_working = None, False
        body = getattr(response, "body", None)
        if isinstance(body, bytes):
            response[BYTES_OUT] = len(body)
        self.bytes_out += response.get(BYTES_OUT, 0)
        return response

    async def _take_in(
        self, route: Route, request: web.Request, guest: Guest
    ) -> web.StreamResponse:
        card = request.headers.get(CARD_HEADER, "")
        self._show(guest, card)
        self._check_rate(guest)
        head = Head(
            request.method,
            request.path,
            dict(request.match_info),
            request.remote or "",
            guest.account,
            _length_of(request),
            query=request.rel_url.raw_query_string,
            accept=request.headers.get("Accept", ""),
        )
        _check_length(head, route.most_body_bytes)
        if route.admit is not None:
            most = await self._run(guest, route.admit, head)
            if isinstance(most, Response):
                return _short(most)
            self._show(guest, card)  # what was looked at may have made it a known party
            head = replace(head, account=guest.account)
            _check_length(head, min(most, route.most_body_bytes))
        with self._open_body(head, is_promised=route.is_promised) as body:
            await body.fill(request.content, self._limits)
            self.bytes_in += head.length
            request[BYTES_IN] = head.length
            given, copy = await self._answer(route, guest, head, body)
        if copy is None:
            return _short(given)
        with copy:
            return await self._give(request, given, copy)

    def _show(self, guest: Guest, card: str) -> None:
        """Let a known party count as one, as long as it has not too much under way."""
        if guest.account is not None:
            return
        account = self._cards.recognise(card, guest.peer, time.monotonic())
        if account is not None and self._crowd.count_of(account) < self._limits.most_of_known:
            guest.account = account

    def _check_rate(self, guest: Guest) -> None:
        is_known, holder = guest.holder
        wait_s = self._rates.take(holder, time.monotonic(), is_known=is_known)
        if wait_s:
            raise Overloaded("too many requests", who=self._who(), retry_after_s=wait_s)

    def _open_body(self, head: Head, *, is_promised: bool) -> Body:
        """Where the body goes; a stranger's is short."""
        if head.length <= self._limits.stranger_bytes:
            return Body(head.length)
        if head.account is None:
            raise TooLarge(
                "body is too long for a stranger",
                who=head.path,
                had=head.length,
                needed=f"<= {self._limits.stranger_bytes} bytes",
                remedy="Whoever has an open matter here may send more, and shows who it is.",
            )
        return self.spool.open(head.account, head.length, head.path, is_promised=is_promised)

    async def _answer(
        self, route: Route, guest: Guest, head: Head, body: Body
    ) -> tuple[Response, Copy | None]:
        """The handler's answer; a longer body gets its memory first, then a thread."""
        reader = guest.holder

        def work() -> tuple[Response, Copy | None]:
            loaded = body.load()
            given = route.handler(_request_of(head, loaded))
            if len(given.body) <= PIECE_BYTES:
                return given, None
            return replace(given, body=b""), self.outgoing.hold(given.body, reader)

        loop = asyncio.get_running_loop()
        try:
            with contextlib.ExitStack() as ends:
                pool = None
                if body.is_spooled:
                    pool, patience_s = self._long, self._limits.handler_s
                    account = head.account or ""
                    free = await self.memory.take(account, head.length, patience_s=patience_s)
                    ends.callback(_tell, loop, free)
                    body.take_on()
                ends.callback(self._places.take(guest.holder))
                guest.is_working = True
                return await self._run(
                    guest, work, pool=pool, on_end=ends.pop_all().close, undo=_close_copy
                )
        finally:
            guest.is_working = False

    async def _run(
        self,
        guest: Guest,
        work: Callable[..., T],
        *arguments: object,
        pool: ThreadPoolExecutor | None = None,
        on_end: Callable[[], None] | None = None,
        undo: Callable[[Future[T]], None] | None = None,
    ) -> T:
        """Run it in a thread; wait for it no longer than a handler may take."""
        pool = pool or (self._strangers if guest.account is None else self._known)
        context = contextvars.copy_context()  # the handler's lines name the request too
        running: Future[T] = pool.submit(context.run, work, *arguments)
        if on_end is not None:
            running.add_done_callback(lambda _: on_end())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(running), self._limits.handler_s)
        except BaseException:
            if undo is not None:
                running.add_done_callback(undo)
            raise

    async def _give(self, request: web.Request, given: Response, copy: Copy) -> web.StreamResponse:
        """A longer answer piece by piece, to whoever takes it fast enough."""
        response = web.StreamResponse(status=given.status)
        response.content_type = given.content_type
        response.content_length = copy.length
        response.headers[NUMBER_HEADER] = request.get(NUMBER, "")
        response[BYTES_OUT] = copy.length
        until = self._limits.body_s + copy.length / self._limits.slowest(copy.length)
        with self._cut_off(request):
            async with asyncio.timeout(until):
                await response.prepare(request)
                for at in range(0, 0 if request.method == "HEAD" else copy.length, PIECE_BYTES):
                    await response.write(copy.read(at, PIECE_BYTES))
                await response.write_eof()
        return response

    @contextlib.contextmanager
    def _cut_off(self, request: web.Request) -> Iterator[None]:
        """A reader that is too slow or gives way loses its connection: half an answer has gone."""
        try:
            yield
        except (TimeoutError, Overloaded):
            if request.transport is not None:
                request.transport.abort()


def _request_of(head: Head, body: bytes) -> Request:
    asked = head.query, head.accept
    return Request(head.method, head.path, head.params, body, head.peer, head.account, *asked)


def _short(given: Response) -> web.Response:
    return web.Response(body=given.body, status=given.status, content_type=given.content_type)


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    """Have the loop do it; one that was closed has nothing to keep account of."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(what)


def _close_copy(ended: Future[tuple[Response, Copy | None]]) -> None:
    """Nobody waited for this answer."""
    if ended.cancelled() or ended.exception() is not None:
        return
    copy = ended.result()[1]
    if copy is not None:
        copy.close()


def _length_of(request: web.Request) -> int:
    if request.headers.get("Transfer-Encoding"):
        raise NoLength("body without a length", who=request.path, needed="Content-Length")
    return request.content_length or 0


def _check_length(head: Head, most: int) -> None:
    if head.length > most:
        raise TooLarge(
            "body is too long", who=head.path, had=head.length, needed=f"<= {most} bytes"
        )
