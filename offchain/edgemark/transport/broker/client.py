"""A session at a broker, with plain methods: it logs in again whenever the connection ends.

Each login takes a ticket of its own, since a password counts once; who gives it out is asked again
after a pause that doubles and is never the same for two clients, so that a broker that comes back
is not met by all of them at once. The key that the broker shows is looked at within the handshake,
before anything is sent.

Law 1: `publish` returns when the broker has the message. That it reached its reader is not said.
Law 2: a message may come twice, out of order, or not at all, as whatever a connection had under way
       when it ended: numbers in the messages are for that.
Law 3: what waits is bounded on both sides: a message that comes while too many wait is lost and
       counted, one that is to go is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Self

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError, PeerFault, RefusedInput
from edgemark.logs import get_logger
from edgemark.seam import place_of
from edgemark.transport.broker.link import Link, LinkFull, LinkLost
from edgemark.transport.broker.tickets import Ticket, Topics
from edgemark.transport.faults import PeerUnreachable
from edgemark.transport.limits import ClientLimits
from edgemark.transport.rates import Backoff

CLOSE_LIMIT_S = 15.0


class BrokerAway(PeerUnreachable):
    """Nobody is connected to the broker now. It may work later."""


class BrokerSlow(PeerUnreachable):
    """The broker did not take the message in time. It may have it; it may work later."""


class MessageTooLarge(RefusedInput):
    """The message is longer than any broker of ours takes."""


class TopicRefused(PeerFault):
    """The broker does not let the session listen there."""


class ForeignTopic(RefusedInput):
    """The session may not publish there: the broker would end it."""


@dataclass(frozen=True)
class Message:
    """What came."""

    topic: str
    payload: bytes = field(repr=False)


class BrokerClient(Closing):
    """A session; its methods are for any thread.

    Args:
        log_in: asks whoever admits for a ticket, anew for each login; in a thread of its own. May
            raise any `EdgemarkError`: it is asked again.
        limits: see `ClientLimits`.
    """

    def __init__(self, log_in: Callable[[], Ticket], *, limits: ClientLimits | None = None) -> None:
        self.limits = limits or ClientLimits()
        self._log_in = log_in
        self._log = get_logger("transport.broker.client")
        self._inbox: queue.Queue[Message] = queue.Queue(self.limits.most_waiting)
        self._places = threading.BoundedSemaphore(self.limits.most_publishing)
        self._backoff = Backoff(self.limits.least_pause_s, self.limits.most_pause_s)
        self._more = Topics.many((), ())  # beside those of the tickets
        self._lost = 0
        self._logins = 0
        self._why: EdgemarkError | None = None
        self._link: Link | None = None
        self._is_there = threading.Event()
        self._linked = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._closing = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="session", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()

    def __enter__(self) -> Self:
        self.start()
        return super().__enter__()

    def close(self) -> None:
        """End the session; of several that close it one does, and the others wait for it."""
        with self._closing:
            if self._loop.is_closed():
                return
            if self._thread.is_alive():
                ended = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
                with contextlib.suppress(TimeoutError):
                    ended.result(CLOSE_LIMIT_S)
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(CLOSE_LIMIT_S)
            self._loop.close()

    @property
    def is_there(self) -> bool:
        """Whether it is logged in, as far as it knows."""
        return self._is_there.is_set()

    @property
    def lost(self) -> int:
        """Messages that came while too many waited."""
        return self._lost

    @property
    def logins(self) -> int:
        """How often it has logged in."""
        return self._logins

    def wait(self, timeout_s: float) -> None:
        """Wait until it is logged in.

        Raises:
            BrokerAway: it is not by then; says why.
        """
        if not self._is_there.wait(timeout_s):
            raise self._away(timeout_s)

    def publish(self, topic: str, payload: bytes, *, timeout_s: float = 10.0) -> None:
        """Hand a message to the broker; when the connection ends meanwhile, once more.

        Raises:
            MessageTooLarge, ForeignTopic: it cannot be sent.
            BrokerAway: nobody was connected by then.
            BrokerSlow: the broker has not said by then that it has it, or too many messages wait.
        """
        most = self.limits.most_message_bytes
        if len(payload) > most:
            raise MessageTooLarge(
                "is too long a message", who=topic, had=len(payload), needed=f"<= {most} bytes"
            )
        if not self._places.acquire(blocking=False):
            raise BrokerSlow(
                "has too many messages on their way",
                who=topic,
                had=self.limits.most_publishing,
                needed=f"< {self.limits.most_publishing}",
            )
        try:
            by = time.monotonic() + timeout_s
            self._submit(self._publish(topic, payload, by), by)
        finally:
            self._places.release()

    def receive(self, timeout_s: float) -> Message | None:
        """The next message that came; None when there is none by then."""
        try:
            return self._inbox.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def widen(self, more: Topics, *, timeout_s: float = 10.0) -> None:
        """Use topics that the session was allowed since it logged in.

        Raises:
            BrokerAway, BrokerSlow: as `publish`.
            TopicRefused: it was not allowed one.
        """
        by = time.monotonic() + timeout_s
        self._submit(self._widen(more, by), by)

    def narrow(self, fewer: Topics, *, timeout_s: float = 10.0) -> None:
        """Use topics no more that were taken by `widen`.

        Raises:
            BrokerSlow: as `publish`; the next login does not listen to them.
        """
        by = time.monotonic() + timeout_s
        self._submit(self._narrow(fewer, by), by)

    def _submit(self, work: Coroutine[None, None, None], by: float) -> None:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            future.result(max(0.0, by - time.monotonic()) + 1.0)
        except TimeoutError:
            future.cancel()
            raise self._slow() from None

    async def _publish(self, topic: str, payload: bytes, by: float) -> None:
        while True:
            link = await self._wait_for_link(by)
            if topic not in (self._more | link.ticket.topics).publish:
                raise ForeignTopic("is no topic that it may publish", who=topic)
            try:
                async with asyncio.timeout(by - time.monotonic()):
                    await link.publish(topic, payload)
                    return
            except LinkLost:
                self._part(link)
            except (LinkFull, TimeoutError):
                raise self._slow() from None

    async def _widen(self, more: Topics, by: float) -> None:
        self._more |= more
        link = await self._wait_for_link(by)
        try:
            async with asyncio.timeout(by - time.monotonic()):
                refused = await link.listen(more.subscribe)
        except LinkLost:
            self._part(link)  # the next login listens to all of them
            return
        except TimeoutError:
            raise self._slow() from None
        if refused:
            self._more -= more
            raise _refused(refused)

    async def _narrow(self, fewer: Topics, by: float) -> None:
        self._more -= fewer
        link = self._link
        if link is None:
            return
        try:
            async with asyncio.timeout(by - time.monotonic()):
                await link.forget(fewer.subscribe)
        except LinkLost:
            self._part(link)
        except TimeoutError:
            raise self._slow() from None

    async def _wait_for_link(self, by: float) -> Link:
        left = by - time.monotonic()
        try:
            async with asyncio.timeout(left):
                while self._link is None:
                    await self._linked.wait()
        except TimeoutError:
            raise self._away(left) from None
        return self._link

    async def _begin(self) -> None:
        self._main = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                await self._live()
            except EdgemarkError as error:
                self._note(error)
            except Exception as error:  # noqa: BLE001 - it goes on, whatever that was
                kind, place = type(error).__name__, place_of(error)
                self._note(BrokerAway("session failed", had=f"{kind} at {place}"))
            await asyncio.sleep(self._backoff.next())

    async def _live(self) -> None:
        """One connection, from its ticket to its end."""
        loop = asyncio.get_running_loop()
        ticket = await loop.run_in_executor(None, self._log_in)
        async with Link.open(ticket, self.limits) as link:
            await self._listen(link)
            self._link = link
            self._logins += 1
            self._backoff.reset()
            self._linked.set()
            self._is_there.set()
            self._log.info("logged in at the broker", session=ticket.session, host=ticket.host)
            try:
                await link.carry(self._take)
            finally:
                self._part(link)

    async def _listen(self, link: Link) -> None:
        """To its own topics, and to what it was allowed since, as long as it is."""
        own = link.ticket.topics.subscribe
        if refused := await link.listen(own):
            raise _refused(refused)
        if over := await link.listen(self._more.subscribe - own):
            self._more -= Topics.many((), over)
            self._log.warning("topics are not allowed any more", topics=sorted(over))

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            self._inbox.put_nowait(Message(topic, payload))
        except queue.Full:
            self._lost += 1
            self._log.warning("message lost", topic=topic, waiting=self._inbox.qsize())

    def _part(self, link: Link) -> None:
        link.end()
        if self._link is link:
            self._link = None
            self._linked.clear()
            self._is_there.clear()

    def _note(self, error: EdgemarkError) -> None:
        if self._why is None or self._why.what != error.what:
            log = self._log.warning if self._logins else self._log.info  # not there yet, at first
            log("broker is away", why=error)
        self._why = error

    def _away(self, waited_s: float) -> BrokerAway:
        return BrokerAway(
            "is not connected to its broker",
            who="session",
            had="no connection yet" if self._why is None else str(self._why),
            needed=f"a connection within {waited_s:.1f} s",
            remedy="It goes on trying.",
        )

    def _slow(self) -> BrokerSlow:
        return BrokerSlow(
            "broker did not take it in time",
            who="session",
            remedy="Send it again: its reader has to know that it may come twice.",
        )

    async def _end(self) -> None:
        if self._main is not None:
            self._main.cancel()
            await asyncio.wait((self._main,), timeout=CLOSE_LIMIT_S / 2)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()


def _refused(topics: frozenset[str]) -> TopicRefused:
    return TopicRefused("does not let the session listen", who="broker", had=sorted(topics)[:8])
