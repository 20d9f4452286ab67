"""The library `amqtt` behind our listener: it carries messages between sessions, and no more.

What it would do by itself and must not: it listens nowhere (`external`), knows no anonymous user,
publishes nothing about itself, and asks `Gatekeeper` about each login, topic and delivery.

Some things of it are done otherwise here, and it has no argument for any:

- Messages on their way to the sessions wait in a queue without a bound: here in a short one, so
  that who publishes waits.
- Each of them is compared with all topics that anybody listens to, and is lost when somebody begins
  to listen meanwhile. Topics are plain here, so it is looked up.
- Deliveries that are over stand behind the first that is not, with their messages, and topics that
  nobody listens to stay: they are let go.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from edgemark.transport.broker.connection import Connection

LISTENER = "default"  # the library wants one of this name
MOST_ON_THE_WAY = 64  # messages of all sessions
TIDY_AT = 64  # deliveries

for _name in ("amqtt", "transitions"):  # what they tell says nothing that is not told by us
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Keeper(Protocol):
    """Knows what a session may do now."""

    def is_in(self, session: str, client_id: str) -> bool:
        """Whether the session is connected, and by the connection of this number."""

    def may(self, session: str, topic: str, action: Action) -> bool:
        """Whether it may do this with a topic."""

    def note_passed(self, client_id: str) -> None:
        """A message of this connection was passed on, or thrown away."""


class Gatekeeper(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]  # it has no types
    """The plug-in that answers the library's questions."""

    @dataclass
    class Config:
        """What it is made with.

        Attributes:
            keeper: who knows the answers.
        """

        keeper: Any

    async def authenticate(self, *, session: Session) -> bool:
        """Whether this connection has logged in: its password was looked at before."""
        keeper: Keeper = self.context.config.keeper
        return keeper.is_in(session.username or "", session.client_id or "")

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Whether a session may publish to a topic, listen to it, or be given what is there."""
        keeper: Keeper = self.context.config.keeper
        if session is None or topic is None or action is None:
            return False
        if keeper.may(session.username or "", topic, action):
            return True
        if action is Action.PUBLISH:
            keeper.note_passed(session.client_id or "")
        return False


class Letters(ReaderAdapter):  # type: ignore[misc]  # it has no types
    """What the library reads of a connection.

    Args:
        connection: whose packets.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._left = memoryview(b"")

    async def read(self, n: int = -1) -> bytes:
        """The next bytes of a packet; none when all is over."""
        if not self._left:
            self._left = memoryview(await self._connection.next_letter())
        count = len(self._left) if n < 0 else n
        part, self._left = self._left[:count], self._left[count:]
        return bytes(part)

    def feed_eof(self) -> None:
        """The connection knows its end by itself."""


class Outlet(WriterAdapter):  # type: ignore[misc]  # it has no types
    """What the library writes to a connection; it waits for nobody."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        """Send a whole packet."""
        self._connection.send(bytes(data))

    async def drain(self) -> None:
        """What is not taken is bounded by the connection."""

    def get_peer_info(self) -> tuple[str, int]:
        """Who it is, for the library's own log."""
        return self._connection.peer, 0

    def get_ssl_info(self) -> ssl.SSLObject | None:
        """Nothing: no client shows a certificate."""
        return None

    async def close(self) -> None:
        """End the connection."""
        self._connection.close()


class Router(Broker):  # type: ignore[misc]  # it has no types
    """Carries messages; made and used in its event loop.

    Args:
        keeper: see `Keeper`.
    """

    def __init__(self, keeper: Keeper) -> None:
        plug_in = f"{Gatekeeper.__module__}.{Gatekeeper.__name__}"
        super().__init__(
            BrokerConfig(
                listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
                plugins={plug_in: {"keeper": keeper}},
            )
        )
        self._keeper = keeper
        self._tidy_at = TIDY_AT
        self._broadcast_queue: asyncio.Queue[Any] = asyncio.Queue(MOST_ON_THE_WAY)

    def forget(self, name: str, topics: Iterable[str]) -> None:
        """A session of this name listens to these topics no more."""
        for topic in topics:
            there = self.subscriptions.get(topic, [])
            there[:] = [each for each in there if each[0].username != name]
            self._drop_if_empty(topic)

    def tidy(self) -> None:
        """Let go of topics to which nobody listens: the library keeps their names."""
        for topic in list(self.subscriptions):
            self._drop_if_empty(topic)

    def _drop_if_empty(self, topic: str) -> None:
        if not self.subscriptions.get(topic, [True]):
            del self.subscriptions[topic]

    async def _run_broadcast(self, running_tasks: deque[asyncio.Task[Any]]) -> None:
        """Begin to give the next message to whoever listens to its topic."""
        message = await self._broadcast_queue.get()
        topic, data = message["topic"], message["data"]
        self._keeper.note_passed(message["session"].client_id)
        for session, quality in list(self.subscriptions.get(topic, ())):
            _, handler = self.sessions.get(session.client_id, (None, None))
            if handler is None or session.transitions.state != "connected":
                continue
            if self._keeper.may(session.username or "", topic, Action.RECEIVE):
                giving = handler.mqtt_publish(topic, data, quality, retain=False)
                running_tasks.append(asyncio.ensure_future(giving))
        if len(running_tasks) >= self._tidy_at:
            _let_go(running_tasks)
            self._tidy_at = max(TIDY_AT, 2 * len(running_tasks))


def _let_go(deliveries: deque[asyncio.Task[Any]]) -> None:
    """Take out those that are over."""
    for _ in range(len(deliveries)):
        task = deliveries.popleft()
        if not task.done():
            deliveries.append(task)
        elif not task.cancelled():
            task.exception()  # its connection ended: that is told there
