"""The letters of one session at a broker: out in their turn, and in to whoever takes them.

Law 1: `send` keeps nobody waiting; a letter that does not get out is forgotten, and sent again by
       whoever owes it. While no broker is there nothing waits to be sent.
Law 2: who takes letters may take long over one: it holds up other letters of the same topic only,
       unless as many take long as there are threads.
Law 3: whatever a letter does to who takes it, the next one is taken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError
from edgemark.logs import get_logger
from edgemark.loop.machine import UnderWay
from edgemark.seam import place_of
from edgemark.systems.trading.station.post.pigeonholes import Pigeonholes
from edgemark.transport.broker.client import BrokerAway, BrokerClient
from edgemark.transport.rates import RateLimit

SENDERS = 2  # letters on their way at a time; fewer than a session may have
TAKERS = 4  # of one session: several wait for one write to the disk together
PUBLISH_S = 5.0  # a letter that the broker has not taken by then is sent again by who owes it
PAUSE_S = 0.2  # between two looks whether it is over
END_S = 10.0
LINES_PER_S, LINES_PER_S_OF_TOPIC = 5.0, 0.2  # of the log about letters that were refused or failed
LINES_BURST_S = 10.0  # so a topic has two at once: less than one would be none, ever


@dataclass(frozen=True)
class Carried:
    """Letters of a session up to now.

    Attributes:
        sent: that the broker has.
        came: that somebody took or refused.
        dropped: that gave way to others, on both ways, or did not get out.
        faults: at which something failed that no error of ours foresees; the log has the first.
    """

    sent: int
    came: int
    dropped: int
    faults: int = 0

    def __add__(self, more: Carried) -> Carried:
        counts = self.sent + more.sent, self.came + more.came
        return Carried(*counts, self.dropped + more.dropped, self.faults + more.faults)


class Mail(Closing):
    """Its methods are for any thread.

    Args:
        client: the session; started and closed by this.
        take: topic and letter of what came; in threads of its own, one letter of a topic at a time.
        name: of these threads.
        takers: how many of them.
    """

    def __init__(
        self,
        client: BrokerClient,
        take: Callable[[str, bytes], None],
        name: str,
        *,
        takers: int = TAKERS,
    ) -> None:
        self._client, self._take = client, take
        self._log = get_logger("trading.post")
        self._going, self._coming = Pigeonholes(), Pigeonholes()
        self._is_over = threading.Event()
        self._guard = threading.Lock()
        self._lines = RateLimit(LINES_PER_S, LINES_PER_S_OF_TOPIC, LINES_BURST_S)
        self._sent = self._came = self._failed = self._faults = 0
        work = [self._sort, *[self._send] * SENDERS, *[self._hand_over] * takers]
        self._threads = [
            threading.Thread(target=each, name=f"{name}-mail", daemon=True) for each in work
        ]

    def start(self) -> None:
        """Log in, and carry letters from then on."""
        self._client.start()
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        self.start()
        return super().__enter__()

    def close(self) -> None:
        """End the session; what waits is forgotten."""
        self._is_over.set()
        self._going.close()
        self._coming.close()
        self._client.close()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(END_S)

    @property
    def carried(self) -> Carried:
        """Up to now."""
        holes = self._going.dropped + self._coming.dropped
        with self._guard:
            dropped = self._failed + self._client.lost + holes
            return Carried(self._sent, self._came, dropped, self._faults)

    def send(self, topic: str, raw: bytes) -> None:
        """Send a letter soon.

        Raises:
            BrokerAway: the session is not in.
        """
        if not self._client.is_there:
            self._client.wait(0.0)
        self._going.put(topic, raw)

    def _send(self) -> None:
        while not self._is_over.is_set():
            letter = self._going.take(PAUSE_S)
            if letter is None:
                continue
            try:
                self._client.publish(*letter, timeout_s=PUBLISH_S)
                self._count(sent=1)
            except EdgemarkError as error:
                self._give_up(letter[0], error)
            except Exception as error:  # noqa: BLE001 - of a session that ends meanwhile
                self._count(failed=1)
                self._note_fault("letter not sent", letter[0], error)
            finally:
                self._going.finish(letter[0])

    def _give_up(self, topic: str, error: EdgemarkError) -> None:
        self._count(failed=1)
        self._log.debug("letter not sent", topic=topic, why=error)
        if isinstance(error, BrokerAway):
            self._going.clear()  # what waits is old by the time that one is there

    def _sort(self) -> None:
        """Empty the session's own box fast, which is common to all topics."""
        while not self._is_over.is_set():
            came = self._client.receive(PAUSE_S)
            if came is not None:
                self._coming.put(came.topic, came.payload)

    def _hand_over(self) -> None:
        while not self._is_over.is_set():
            letter = self._coming.take(PAUSE_S)
            if letter is None:
                continue
            try:
                self._take(*letter)
            except EdgemarkError as error:
                self._note_refused(letter[0], error)
            except Exception as error:  # noqa: BLE001 - a stranger's letter ends nothing
                self._note_fault("letter failed", letter[0], error)
            finally:
                self._count(came=1)
                self._coming.finish(letter[0])

    def _note_refused(self, topic: str, error: EdgemarkError) -> None:
        """In a line, unless there are too many of them; what is looked at already is no refusal."""
        if isinstance(error, UnderWay):
            self._log.debug("letter is under way", topic=topic, why=error)
        elif self._has_line(topic):
            self._log.info("letter refused", topic=topic, why=error)

    def _note_fault(self, what: str, topic: str, error: Exception) -> None:
        """Counted, and in a line as one that was refused."""
        if self._is_over.is_set():
            return
        with self._guard:
            self._faults += 1
        if self._has_line(topic):
            self._log.error(what, kind=type(error).__name__, place=place_of(error), topic=topic)

    def _has_line(self, topic: str) -> bool:
        with self._guard:
            return self._lines.take(topic, time.monotonic()) == 0

    def _count(self, *, sent: int = 0, came: int = 0, failed: int = 0) -> None:
        with self._guard:
            self._sent += sent
            self._came += came
            self._failed += failed
