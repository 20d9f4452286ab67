"""What readers were given and have not acknowledged, by topic: how a publisher learns to wait.

Law 1: who publishes to one topic waits while that is full: its reader decides its pace, and nobody
       else's. Who publishes to many never waits here: of these readers the slow ones are dropped.
Law 2: what is counted is given back by the acknowledgement, or when the reader's connection ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter


class Backlog:
    """Of all connections of one broker; belongs to its event loop.

    Args:
        most_messages, most_bytes: of one topic; with as many it is full.
    """

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._messages: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @property
    def held_bytes(self) -> int:
        """Of all topics."""
        return self._bytes.total()

    def add(self, topic: str, count: int) -> None:
        """A message of so many bytes is on its way to a reader."""
        self._messages[topic] += 1
        self._bytes[topic] += count

    def settle(self, topic: str, count: int) -> None:
        """It is no more."""
        self._messages[topic] -= 1
        self._bytes[topic] -= count
        if not self._messages[topic]:
            del self._messages[topic], self._bytes[topic]
        for waiting in self._waiting.pop(topic, ()):
            waiting.set()

    def is_full(self, topic: str) -> bool:
        """Whether its publisher has to wait."""
        too_many = self._messages[topic] >= self._most_messages
        return too_many or self._bytes[topic] >= self._most_bytes

    def wake(self, topic: str, waiting: asyncio.Event) -> None:
        """Set this event when something of the topic was settled."""
        self._waiting.setdefault(topic, set()).add(waiting)

    def forget(self, waiting: asyncio.Event) -> None:
        """Nobody waits by this event any more."""
        for topic, events in list(self._waiting.items()):
            events.discard(waiting)
            if not events:
                del self._waiting[topic]
