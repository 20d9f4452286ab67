"""Whose order is worked at next: several buyers share the workers of a seller fairly. Pure.

Law 1: of the channels that wait, the one that was served least goes first; one that comes back
       after it had nothing to do is not owed what it did not ask for.
Law 2: no channel has all workers: with two or more, one is left for whoever else comes. So nobody
       waits for more than one slice or run of each of the others, however much they ordered.
Law 3: within a channel orders are worked at as they came.
Law 4: nobody keeps the memory for batches to itself: one that had it for some time (`LOADED_S` of
       its work) gives it to whoever waits, and goes on later where it was.

Deterministic: what was served is told by whoever served it, and no clock is read.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.work.messages import Usage

MAX_BEGUN = 8  # batches that lie in memory, each with its function and its values: some 100 MiB
MAX_RESTED_BYTES = 64 * 2**20  # values of batches that were begun and lie there no more


@dataclass(frozen=True)
class Rested:
    """A batch that was begun and does not lie in memory: inputs done, speed, values, usage."""

    done: int
    speed: float
    values: list[bytes]
    used: Usage


class Batch(Protocol):
    """What is worked at in slices: `executing.Evaluation`."""

    @property
    def may_rest(self) -> bool:
        """Whether it was in memory for its time."""

    @property
    def values_bytes(self) -> int:
        """What it computed so far."""

    def used(self) -> Usage:
        """What counts so far."""

    def rest(self) -> Rested:
        """What is left of it."""

    def take_over(self, rested: Rested) -> None:
        """Go on from there."""


B = TypeVar("B", bound=Batch)


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


@dataclass
class Begun(Generic[B]):
    """Batches that were begun: `MAX_BEGUN` in memory; for others that wait they give way in turns.

    So whoever has long batches, in however many channels, keeps nobody from being worked for.
    One thread at a time.
    """

    _loaded: dict[Hash32, B] = field(default_factory=dict)
    _coming: set[Hash32] = field(default_factory=set)
    _rested: dict[Hash32, Rested] = field(default_factory=dict)

    def find(self, order: Hash32) -> B | None:
        """It, where it lies in memory."""
        return self._loaded.get(order)

    def has_room(self, order: Hash32, busy: Container[Hash32]) -> bool:
        """Whether it may be worked at; `busy`: those that are at this moment."""
        return order in self._loaded or self._is_free or self._first_to_rest(busy) is not None

    def make_room(self, order: Hash32, busy: Container[Hash32]) -> None:
        """Let it have a place, where `has_room`."""
        if order in self._loaded:
            return
        first = None if self._is_free else self._first_to_rest(busy)
        if first is not None:
            self._rested[first] = self._loaded.pop(first).rest()
        self._coming.add(order)

    def load(self, order: Hash32, batch: B) -> B:
        """It, in memory, as far as it came."""
        self._loaded[order] = batch
        self._coming.discard(order)
        if order in self._rested:
            batch.take_over(self._rested.pop(order))
        return batch

    def end_turn(self, order: Hash32, *, is_answered: bool) -> None:
        """Its turn is over."""
        self._coming.discard(order)
        if is_answered:
            self._loaded.pop(order, None)
            self._rested.pop(order, None)
        elif order in self._loaded:  # who was worked at last rests last
            self._loaded[order] = self._loaded.pop(order)

    def used(self) -> dict[Hash32, Usage]:
        """By each so far."""
        rested = {order: each.used for order, each in self._rested.items()}
        return rested | {order: each.used() for order, each in self._loaded.items()}

    @property
    def _is_free(self) -> bool:
        return len(self._loaded) + len(self._coming) < MAX_BEGUN

    def _first_to_rest(self, busy: Container[Hash32]) -> Hash32 | None:
        left = MAX_RESTED_BYTES - sum(sum(map(len, e.values)) for e in self._rested.values())
        for order, each in self._loaded.items():
            if order not in busy and each.may_rest and each.values_bytes <= left:
                return order
        return None
