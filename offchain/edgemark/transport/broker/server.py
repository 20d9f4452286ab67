"""An MQTT broker in this process, for parties that were let in by name: `admit` and `dismiss`.

It serves one machine's worth of parties over TLS with our own key. A session has topics of its own:
it publishes to one and listens to the other; who serves many parties has more of both. Nobody is
let in that was not admitted, nothing is kept for who is away: loss, repetition and order are the
business of whoever speaks through it.

A thread of its own runs it; the methods are for any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

from amqtt.contexts import Action

from edgemark.closing import Closing
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.logs import get_logger
from edgemark.seam import place_of
from edgemark.transport.broker.admissions import Admissions
from edgemark.transport.broker.backlog import Backlog
from edgemark.transport.broker.connection import Connection
from edgemark.transport.broker.refusals import Reason
from edgemark.transport.broker.router import LISTENER, Letters, Outlet, Router
from edgemark.transport.broker.tickets import BrokerReading, Ticket, Topics
from edgemark.transport.limits import BrokerLimits
from edgemark.transport.rates import RateLimit
from edgemark.transport.serving.crowd import Crowd
from edgemark.transport.serving.listener import Listener
from edgemark.transport.tls import TlsKey

START_LIMIT_S = 10.0
LOOK_S = 0.25  # between two looks at who should have done something by now
STILL_S = 10.0  # a loop that did not turn for so long stands still
LINES_PER_S, LINES_PER_S_OF_PEER = 20.0, 2.0  # of the log about who was refused; all are counted


class BrokerFailed(RefusedInput):
    """The broker cannot listen there."""


class BrokerStands(Unrecoverable):
    """The broker's thread does not turn any more."""


class EmbeddedBroker(Closing):
    """A broker on one port.

    Args:
        tls: its key.
        host: address to bind; loopback unless said otherwise.
        port: 0 takes a free one.
        advertise: name or address under which others reach it; the bound one if empty.
        limits: see `BrokerLimits`.
        clock: Unix seconds, for how long a session may be in.
    """

    def __init__(
        self,
        tls: TlsKey,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        advertise: str = "",
        limits: BrokerLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.host, self.port = host, port
        self.limits = limits or BrokerLimits()
        self.clock = time.monotonic
        self.admissions = Admissions(self.limits.most_sessions, clock)
        self.backlog = Backlog(self.limits.most_in_flight, self.limits.most_in_flight_bytes)
        self._tls, self._advertise = tls, advertise or host
        self._log = get_logger("transport.broker")
        self._lines = RateLimit(LINES_PER_S, LINES_PER_S_OF_PEER)
        self._bytes_in = self._bytes_out = 0
        self._refused: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._connections: set[Connection] = set()
        self._sessions: dict[str, Connection] = {}
        self._served: dict[str, Connection] = {}  # by number
        self._serving: set[asyncio.Task[None]] = set()
        limit = self.limits.most_sockets
        self._crowd = Crowd(limit, max(1, int(self.limits.peer_part * limit)))
        self._turned = time.monotonic()
        self._router: Router | None = None
        self._listener: Listener | None = None
        self._looking: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)

    # For any thread.

    def start(self) -> None:
        """Bind and serve.

        Raises:
            BrokerFailed: the port is in use or the address is not ours.
        """
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(START_LIMIT_S)
        except OSError as error:
            self.close()
            raise BrokerFailed(
                "cannot listen there",
                who=f"{self.host}:{self.port}",
                had=error.strerror or str(error),
                needed="a free port of this machine",
                remedy="Set broker.listen_port to another one, or stop what uses it.",
            ) from error
        self._log.info("broker started", host=self.host, port=self.port)

    def close(self) -> None:
        """Close the port and all connections."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(START_LIMIT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(START_LIMIT_S)
            self._log.info("broker stopped", refused=sum(self._refused.values()))
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return super().__enter__()

    def admit(self, session: str, topics: Topics, until: float) -> Ticket:
        """Let a session log in once, until then; see `tickets.Broker`."""
        password = self.admissions.admit(session, topics, until)
        return Ticket(self._advertise, self.port, self._tls.pin, session, password, topics)

    def allow(self, session: str, more: Topics) -> None:
        """Let it use more topics; see `tickets.Broker`."""
        self.admissions.change(session, lambda topics: topics | more)

    def forbid(self, session: str, fewer: Topics) -> None:
        """Let it use these no more; see `tickets.Broker`."""
        self.admissions.change(session, lambda topics: topics - fewer)
        if self._router is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._router.forget, session, fewer.subscribe)

    def dismiss(self, session: str) -> None:
        """End a session and its connection; see `tickets.Broker`."""
        self.admissions.dismiss(session)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end_session, session)

    def read(self) -> BrokerReading:
        """One look."""
        return BrokerReading(
            connections=len(self._connections),
            sessions=len(self._sessions),
            admitted=len(self.admissions),
            held_bytes=self.backlog.held_bytes,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            refused=dict(self._refused),
        )

    def check(self) -> None:
        """Check that it serves.

        Raises:
            BrokerStands: its thread ended, or did not turn for too long.
        """
        still_s = time.monotonic() - self._turned
        if not self._thread.is_alive() or still_s > STILL_S:
            raise BrokerStands(
                "does not serve",
                who="broker",
                had=f"still for {still_s:.0f} s",
                needed=f"<= {STILL_S:g} s",
                remedy="Start it again.",
            )

    # For its connections and the library, in its own thread.

    def join(self, connection: Connection) -> None:
        """It has shaken hands."""
        self._connections.add(connection)

    def leave(self, connection: Connection) -> None:
        """It is no more."""
        self._connections.discard(connection)
        self._served.pop(connection.client_id, None)
        if connection.session and self._sessions.get(connection.session) is connection:
            del self._sessions[connection.session]

    def let_in(self, connection: Connection) -> None:
        """It has logged in."""
        session = connection.session or ""
        self._end_session(session, Reason.REPLACED)
        self._sessions[session] = connection
        self._served[connection.client_id] = connection
        if (guest := self._crowd.find(connection)) is not None:
            guest.account, guest.is_working = session, True  # gives way to nobody
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._log.debug("session logged in", session=session, peer=connection.peer)

    def note_passed(self, client_id: str) -> None:
        """A message of this connection was passed on."""
        if (connection := self._served.get(client_id)) is not None:
            connection.note_passed()

    def note(self, *, bytes_in: int = 0, bytes_out: int = 0) -> None:
        """Count."""
        self._bytes_in += bytes_in
        self._bytes_out += bytes_out

    def refuse(self, connection: Connection, reason: Reason, had: object, needed: object) -> None:
        """Count it, and say it in a line, unless there are too many of them."""
        self._refused[reason.name.lower()] += 1
        if not self._lines.take(connection.peer, time.monotonic()):
            self._log.warning(
                "connection refused",
                why=str(reason),
                peer=connection.peer,
                session=connection.session or "",
                had=had or "",
                needed=needed or "",
            )

    def is_in(self, session: str, client_id: str) -> bool:
        """Whether this connection is the session's."""
        connection = self._sessions.get(session)
        return connection is not None and connection.client_id == client_id

    def may(self, session: str, topic: str, action: Action) -> bool:
        """Whether it may do this with a topic."""
        topics = self.admissions.topics_of(session)
        connection = self._sessions.get(session)
        if topics is None or connection is None:
            return False
        if topic in (topics.publish if action is Action.PUBLISH else topics.subscribe):
            return True
        if action is Action.SUBSCRIBE:
            self.refuse(connection, Reason.FOREIGN, topic, "a topic of its own")
        return False

    async def _open(self) -> None:
        self._router = Router(self)
        await self._router.start()
        self._listener = Listener(
            lambda: Connection(self, next(self._numbers)),
            lambda: self._connections,
            self._tls.server_context(),
            crowd=self._crowd,
            handshake_s=self.limits.handshake_s,
        )
        self.port = await self._listener.open(self.host, self.port)
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _close(self) -> None:
        if self._listener is not None:
            await self._listener.close()
        if self._looking is not None:
            self._looking.cancel()
        for connection in list(self._connections):
            connection.close()
        if self._router is not None:
            with contextlib.suppress(Exception):  # of the library, at its end: all is closed
                await asyncio.wait_for(self._router.shutdown(), START_LIMIT_S / 2)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, connection: Connection) -> None:
        if self._router is None:
            return
        try:
            letters, outlet = Letters(connection), Outlet(connection)
            await self._router.external_connected(letters, outlet, LISTENER)
        except Exception as error:  # noqa: BLE001 - one session's: the others go on
            kind, place = type(error).__name__, place_of(error)
            self._log.error("session failed", session=connection.session, kind=kind, place=place)
        finally:
            connection.close()

    async def _look(self) -> None:
        while True:
            self._turned = now = time.monotonic()
            for connection in list(self._connections):
                connection.look(now)
            if self._router is not None:
                self._router.tidy()
            await asyncio.sleep(LOOK_S)

    def _end_session(self, session: str, reason: Reason = Reason.OVER) -> None:
        connection = self._sessions.pop(session, None)
        if connection is not None:
            connection.end(reason)
