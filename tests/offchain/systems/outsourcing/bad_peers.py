"""One party's effects carried out in virtual time, beside peers that hold whoever asks them.

The real pool and the real machine; only threads and clock are made up, so that nothing waits and
every run is the same. With `in_lanes` False no effect has an errand: that is the planted pool, one
queue of threads for everything, first come first served.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from edgemark.loop.errands import Errand, Pace
from edgemark.loop.machine import TryAgain
from edgemark.loop.moves import MovesMachine
from edgemark.loop.threads import EffectPool, Performed
from edgemark.systems.outsourcing.protocol.keys import facts_of

MUTE_S, HONEST_S = 10.0, 0.05  # what a request takes
PACE = Pace(workers=8, most_backoff_s=2.0)  # as a party has it

Peer = Callable[[float], tuple[float, bool]]
"""Whom one can ask: from the time of a request, how long it takes, and whether it is answered."""


def honest(_: float) -> tuple[float, bool]:
    return HONEST_S, True


def mute(_: float) -> tuple[float, bool]:
    return MUTE_S, False


def slow(_: float) -> tuple[float, bool]:
    return 6.0, True


def away_until(back: float) -> Peer:
    """Takes connections and says nothing until it is back."""
    return lambda now: honest(now) if now >= back else mute(now)


def flapping() -> Peer:
    """Answers one and holds the next three, so as never to look bad for long."""
    turns = itertools.cycle([honest, mute, mute, mute])

    def take_turns(now: float) -> tuple[float, bool]:
        return next(turns)(now)

    return take_turns


@dataclass
class Clock:
    now: float = 0.0


class VirtualThreads(Executor):
    """So many at a time; each takes as long as `Play` says."""

    def __init__(self, play: Play, most: int) -> None:
        self._play, self._most = play, most
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._busy = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        self._waiting.append((fn, *args))
        self.start()
        return Future()

    @property
    def pending(self) -> int:
        return len(self._waiting) + self._busy

    def start(self) -> None:
        while self._waiting and self._busy < self._most:
            self._busy += 1
            self._play.begin(self, *self._waiting.popleft())

    def end_one(self) -> None:
        self._busy -= 1


class Play:
    """The loop's part: states, effects, outcomes.

    Args:
        machine: the party's.
        answers: what an effect that is carried out finds out, and the peer that it asks, if any.
        errand: whom effects wait for.
        peers: by name; whoever is not named is honest.

    Attributes:
        done: when each effect was carried out, by job and effect.
    """

    def __init__(
        self,
        machine: MovesMachine[Any],
        answers: Callable[[bytes, Any], tuple[str | None, list[object]]],
        errand: Callable[[Any], Errand | None],
        peers: Mapping[str, Peer],
    ) -> None:
        self.done: dict[tuple[bytes, Any], float] = {}
        self.states: dict[bytes, Any] = {}
        self._machine, self._answers, self._peers = machine, answers, peers
        self._clock = Clock()
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._outcomes: deque[Performed[Any, Any]] = deque()
        self._fate: dict[tuple[bytes, Any], bool] = {}
        self._pool: EffectPool[Any, Any] = EffectPool(
            facts_of,
            self._perform,
            self._outcomes.append,
            lambda key, effect: effect in self.states[key].owed(),
            PACE,
            "play",
            clock=lambda: self._clock.now,
            make_threads=lambda most, *_: VirtualThreads(self, most),
        )
        self._pool.errand = lambda _, effect: errand(effect)

    def hear(self, key: bytes, event: object) -> None:
        before = self.states.get(key) or self._machine.initial(key)
        self.states[key], effects = self._machine.step(before, event)
        self._pool.begin(key, effects)

    def begin(
        self, threads: VirtualThreads, run: Callable[..., None], key: bytes, effect: Any
    ) -> None:
        """A thread takes an effect up: it is known now when it will have ended."""
        began, (peer, _) = self._clock.now, self._answers(key, effect)
        takes, self._fate[key, effect] = self._peers.get(peer or "", honest)(began)
        if peer is None:
            takes = 0.0

        def end() -> None:
            self._clock.now = began
            self._until = began + takes
            run(key, effect)
            threads.end_one()
            self._take_outcome()
            threads.start()

        heapq.heappush(self._ends, (began + takes, next(self._order), end))

    def play(self, until_s: float) -> None:
        """Go on until nothing is owed any more, or the time has come."""
        while self._clock.now <= until_s:
            self._pool.repeat_due()
            wait = self._pool.seconds_to_next()
            if self._ends and self._ends[0][0] <= self._clock.now + wait:
                heapq.heappop(self._ends)[2]()
            elif self._ends or self._pool.count()[0]:
                self._clock.now += max(wait, 1e-6)
            else:
                return

    def _perform(self, key: bytes, effect: Any) -> list[object]:
        self._clock.now = self._until
        if not self._fate.pop((key, effect)):
            late = TryAgain("too slow")
            late.is_mute = True
            raise late
        self.done.setdefault((key, effect), self._clock.now)
        return self._answers(key, effect)[1]

    def _take_outcome(self) -> None:
        item = self._outcomes.popleft()
        self._pool.end(item)
        if item.error is None:
            for event in item.events:
                self.hear(item.key, event)
            self._pool.finish(item.key, item.effect)
        else:
            assert isinstance(item.error, TryAgain), item.error
            self._pool.put_off(item.key, item.effect, item.error.after_s)
