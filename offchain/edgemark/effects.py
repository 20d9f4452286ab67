"""Carries out effects in a bounded pool, each once at a time, again when it has to.

An effect is under way from the moment it is begun until the loop has taken its outcome; an equal
effect of the same job is not begun meanwhile. One that failed for want of a chain or a peer waits
and is repeated for as long as it is owed.

What computes for long has a thread of its own, so that nothing else waits behind it, and its turn
by its deadline, the earliest first; what runs is not interrupted.
"""

from __future__ import annotations

import heapq
import itertools
import math
import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgemark.errors import LedgerUnavailable
from edgemark.logs import about
from edgemark.machine import TryAgain, facts_of
from edgemark.transport.faults import PeerUnreachable

RETRIED = (LedgerUnavailable, PeerUnreachable, TryAgain)
MAX_DOUBLINGS = 30  # keeps the power below from growing without end; the pause has its own cap

E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


@dataclass(frozen=True)
class Pace:
    """How often and how much at a time.

    Args:
        poll_s: seconds between ticks, > 0.
        workers: effects at a time, >= 1.
        max_jobs: open jobs at most.
        archive_after: finished jobs at least before they leave memory.
        backoff_s: seconds before the first repetition of a failed effect; doubles each time.
        most_backoff_s: seconds between repetitions at most.
    """

    poll_s: float = 1.0
    workers: int = 8
    max_jobs: int = 10_000
    archive_after: int = 32
    backoff_s: float = 0.2
    most_backoff_s: float = 10.0


@dataclass(frozen=True)
class Performed(Generic[E, F]):
    """The outcome of an effect: what it found out, or why it failed."""

    key: bytes
    effect: F
    events: tuple[E, ...]
    error: BaseException | None


class EffectPool(Generic[E, F]):
    """Effects of all jobs of one process; all methods but the pool's own belong to the loop.

    Args:
        perform: carries out one effect; returns what it found out.
        report: takes each outcome, from a thread of the pool.
        is_owed: does this effect still have to be carried out?
        pace: sizes and pauses.
        name: of the threads.

    Attributes:
        due: when an effect that computes for long has to be done, on one clock; None for others.
    """

    def __init__(
        self,
        perform: Callable[[bytes, F], Iterable[E]],
        report: Callable[[Performed[E, F]], None],
        is_owed: Callable[[bytes, F], bool],
        pace: Pace,
        name: str,
    ) -> None:
        self._perform = perform
        self._report = report
        self._is_owed = is_owed
        self._pace = pace
        self._threads = ThreadPoolExecutor(pace.workers, thread_name_prefix=f"{name}-effect")
        self._tries: dict[tuple[bytes, F], int] = {}
        self._later: list[tuple[float, int, bytes, F]] = []
        self._order = itertools.count()
        self.due: Callable[[bytes, F], float | None] = lambda key, effect: None  # noqa: ARG005
        self._computing: queue.PriorityQueue[tuple[float, int, bytes, F | None]] = (
            queue.PriorityQueue()
        )
        self._computer: threading.Thread | None = None
        self._name = name

    def begin(self, key: bytes, effects: Sequence[F]) -> None:
        """Start every effect of the job `key` that is not under way."""
        for effect in effects:
            if (key, effect) not in self._tries:
                self._tries[key, effect] = 0
                self._start(key, effect)

    def finish(self, key: bytes, effect: F) -> None:
        """The outcome was taken: an equal effect may begin again."""
        self._tries.pop((key, effect), None)

    def put_off(self, key: bytes, effect: F, least_s: float = 0.0) -> bool:
        """Repeat a failed effect later, not before `least_s` seconds.

        Returns:
            False (and it is finished) when it is not owed any more.
        """
        if not self._is_owed(key, effect):
            self.finish(key, effect)
            return False
        tries = self._tries.get((key, effect), 0)
        self._tries[key, effect] = tries + 1
        doubled = self._pace.backoff_s * 2 ** min(tries, MAX_DOUBLINGS)
        pause = max(least_s, min(self._pace.most_backoff_s, doubled))
        heapq.heappush(self._later, (time.monotonic() + pause, next(self._order), key, effect))
        return True

    def seconds_to_next(self) -> float:
        """Seconds until the next repetition is due, at most 1."""
        if not self._later:
            return 1.0
        return min(1.0, max(0.0, self._later[0][0] - time.monotonic()))

    def repeat_due(self) -> None:
        """Start the repetitions whose time has come."""
        while self._later and self._later[0][0] <= time.monotonic():
            _, _, key, effect = heapq.heappop(self._later)
            if self._is_owed(key, effect):
                self._start(key, effect)
            else:
                self.finish(key, effect)

    def count(self) -> tuple[int, int]:
        """Effects under way, repetitions included, and repetitions that wait; for any thread."""
        return len(self._tries), len(self._later)

    def close(self) -> None:
        """Begin nothing more; what runs is left alone."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._computing.put((-math.inf, next(self._order), b"", None))

    def _start(self, key: bytes, effect: F) -> None:
        due = self.due(key, effect)
        if due is None:
            self._threads.submit(self._run, key, effect)
            return
        self._computing.put((due, next(self._order), key, effect))
        if self._computer is None:
            self._computer = threading.Thread(
                target=self._compute, name=f"{self._name}-computing", daemon=True
            )
            self._computer.start()

    def _compute(self) -> None:
        """One at a time: what a node promises is reckoned so, and holds on any processor."""
        while True:
            _, _, key, effect = self._computing.get()
            if effect is None:
                return
            self._run(key, effect)

    def _run(self, key: bytes, effect: F) -> None:
        try:
            with about(**facts_of(key)):
                outcome = Performed(key, effect, tuple(self._perform(key, effect)), None)
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which decides
            outcome = Performed(key, effect, (), error)
        self._report(outcome)
