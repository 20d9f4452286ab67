"""Letters that wait, by topic, each topic in its turn; for any thread.

Law 1: of one topic a letter is out at a time, the earliest first; whoever took it says when it is
       done, and then it is the next topic's turn. So one topic with many letters, or whose letters
       take long, holds up no other.
Law 2: what waits is bounded, of one topic and of all. For one letter more the oldest of the same
       topic goes, and where all is full the oldest of the topic that has most: who sends it says it
       again as long as it matters, and what is new says more than what is old.
Law 3: a letter that waits already does not wait twice.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

from edgemark.transport.limits import KIB, MIB

MOST_LETTERS, MOST_BYTES = 16, 512 * KIB  # of one topic
MOST_BYTES_IN_ALL = 16 * MIB


class Pigeonholes:
    """Args: bounds, see above; bytes of letters."""

    def __init__(
        self,
        most_letters: int = MOST_LETTERS,
        most_bytes: int = MOST_BYTES,
        most_in_all: int = MOST_BYTES_IN_ALL,
    ) -> None:
        self._most_letters, self._most_bytes = most_letters, most_bytes
        self._most_in_all = most_in_all
        self._news = threading.Condition()
        self._holes: OrderedDict[str, deque[bytes]] = OrderedDict()
        self._bytes: dict[str, int] = {}
        self._out: set[str] = set()
        self._held = 0
        self._dropped = 0
        self._is_closed = False

    @property
    def dropped(self) -> int:
        """Letters that gave way."""
        return self._dropped

    @property
    def held_bytes(self) -> int:
        """Of the letters that wait."""
        return self._held

    def __len__(self) -> int:
        with self._news:
            return sum(map(len, self._holes.values()))

    def put(self, topic: str, raw: bytes) -> None:
        """Let a letter wait."""
        with self._news:
            if self._is_closed or raw in self._holes.get(topic, ()):
                return
            hole = self._holes.setdefault(topic, deque())
            hole.append(raw)
            self._count(topic, len(raw))
            while len(hole) > self._most_letters or self._bytes.get(topic, 0) > self._most_bytes:
                self._drop(topic)
            while self._held > self._most_in_all:
                self._drop(max(self._bytes, key=lambda each: self._bytes[each]))
            self._news.notify()

    def take(self, timeout_s: float) -> tuple[str, bytes] | None:
        """The next letter, whose topic is out from now on; None when there is none by then."""
        with self._news:
            if not self._news.wait_for(lambda: self._is_closed or self._next(), timeout_s):
                return None
            topic = self._next()
            if self._is_closed or topic is None:
                return None
            raw = self._holes[topic].popleft()
            self._count(topic, -len(raw))
            if topic in self._holes:
                self._holes.move_to_end(topic)
            self._out.add(topic)
            return topic, raw

    def finish(self, topic: str) -> None:
        """The letter of this topic that was taken is done with."""
        with self._news:
            self._out.discard(topic)
            self._news.notify()

    def clear(self) -> None:
        """Nothing waits any more."""
        with self._news:
            self._dropped += sum(map(len, self._holes.values()))
            self._holes.clear()
            self._bytes.clear()
            self._held = 0

    def close(self) -> None:
        """Nobody waits for a letter any more."""
        self.clear()
        with self._news:
            self._is_closed = True
            self._news.notify_all()

    def _next(self) -> str | None:
        return next((topic for topic in self._holes if topic not in self._out), None)

    def _drop(self, topic: str) -> None:
        self._count(topic, -len(self._holes[topic].popleft()))
        self._dropped += 1

    def _count(self, topic: str, more: int) -> None:
        self._held += more
        left = self._bytes.get(topic, 0) + more
        self._bytes[topic] = left
        if not self._holes[topic]:
            del self._holes[topic], self._bytes[topic]
