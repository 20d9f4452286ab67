"""Whose order is worked at next: several buyers share the workers of a seller fairly. Pure.

Law 1: of the channels that wait, the one that was served least goes first; one that comes back
       after it had nothing to do is not owed what it did not ask for.
Law 2: no channel has all workers: with two or more, one is left for whoever else comes. So nobody
       waits for more than one slice or run of each of the others, however much they ordered.
Law 3: within a channel orders are worked at as they came.

Deterministic: what was served is told by whoever served it, and no clock is read.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId


@dataclass
class Turns:
    """Orders that wait, by channel.

    Args:
        workers: that there are, >= 1.
    """

    workers: int
    _waiting: dict[ChannelId, deque[Hash32]] = field(default_factory=dict)
    _running: Counter[ChannelId] = field(default_factory=Counter)
    _served_s: dict[ChannelId, float] = field(default_factory=dict)

    @property
    def share(self) -> int:
        """Workers that one channel may have at one time."""
        return max(1, self.workers - 1)

    def add(self, channel: ChannelId, order: Hash32) -> None:
        """Let an order wait behind those of its channel."""
        if not self._is_busy(channel):
            others = [s for each, s in self._served_s.items() if self._is_busy(each)]
            self._served_s[channel] = max(
                self._served_s.get(channel, 0.0), min(others, default=0.0)
            )
        self._waiting.setdefault(channel, deque()).append(order)

    def take(
        self, may_run: Callable[[Hash32], bool] = lambda _order: True
    ) -> tuple[ChannelId, Hash32] | None:
        """The order that is worked at next, which runs then; None when none may.

        Args:
            may_run: whether there is room for an order at this moment.
        """
        ready = [
            channel
            for channel, orders in self._waiting.items()
            if orders and self._running[channel] < self.share and may_run(orders[0])
        ]
        if not ready:
            return None
        channel = min(ready, key=lambda each: (self._served_s[each], self._running[each]))
        self._running[channel] += 1
        order = self._waiting[channel].popleft()
        # Those of one age take turns.
        self._waiting[channel] = self._waiting.pop(channel)
        return channel, order

    def put_back(self, channel: ChannelId, order: Hash32, served_s: float) -> None:
        """A slice of an order is done; it is the first of its channel again."""
        self._count(channel, served_s)
        self._waiting.setdefault(channel, deque()).appendleft(order)

    def end(self, channel: ChannelId, served_s: float) -> None:
        """An order that ran is done."""
        self._count(channel, served_s)

    def forget(self, channel: ChannelId) -> None:
        """A channel that has nothing here any more."""
        if not self._is_busy(channel):
            self._waiting.pop(channel, None)
            self._served_s.pop(channel, None)

    def _count(self, channel: ChannelId, served_s: float) -> None:
        self._running[channel] -= 1
        self._served_s[channel] += served_s

    def _is_busy(self, channel: ChannelId) -> bool:
        return bool(self._waiting.get(channel)) or self._running[channel] > 0
