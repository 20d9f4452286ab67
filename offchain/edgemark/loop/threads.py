"""Carries out effects in bounded pools, each once at a time, again when it has to.

An effect is under way from the moment it is begun until the loop has taken its outcome; an equal
effect of the same matter is not begun meanwhile. One that failed for want of a chain or a peer
waits and is repeated for as long as it is owed.

What computes for long has threads of its own, so that nothing else waits behind it, and its turn
by its deadline, the earliest first; what runs is not interrupted. What waits for a peer or for the
chain goes in lanes (`edgemark.loop.errands`); the rest, as signing, waits for nobody, and has as
few threads as get on with it (`EffectThreads`).
"""

from __future__ import annotations

import heapq
import itertools
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from edgemark.errors import EdgemarkError, LedgerUnavailable
from edgemark.logs import about, get_logger
from edgemark.loop.errands import Desk, Errand, Pace
from edgemark.loop.machine import Facts, TryAgain, UnderWay
from edgemark.transport.asking.line import take_waited_s
from edgemark.transport.faults import PeerUnreachable

FAILS_TILL_TOLD = 3
FEW = 2  # threads: of Python one runs at a time, another is in C meanwhile; more wake each other up
STUCK_S = 0.01  # nothing was taken up for so long: one thread more
MANY_SHORT = 4  # under way, which will have their outcomes soon
GATHER_S = 0.002  # about what the disk takes for a record
RETRIED = (LedgerUnavailable, PeerUnreachable, TryAgain)

E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


def is_notable(tries: int) -> bool:
    """Whether an effect that was put off so often is worth a line for an operator.

    Two attempts are normal: somebody else was faster, or the chain has not shown it yet. Of one
    that goes on to fail there is a line whenever the number has doubled.
    """
    thirds, rest = divmod(tries, FAILS_TILL_TOLD)
    return thirds > 0 and rest == 0 and thirds & (thirds - 1) == 0


@dataclass(frozen=True)
class Performed(Generic[E, F]):
    """The outcome of an effect: what it found out, or why it failed, and how long it took."""

    key: bytes
    effect: F
    events: tuple[E, ...]
    error: BaseException | None
    took_s: float = 0.0

    @property
    def is_mute(self) -> bool:
        """Whether the peer that it asked could not be reached, or not in time."""
        error = self.error
        return isinstance(error, PeerUnreachable) or (isinstance(error, TryAgain) and error.is_mute)


class Threads(Protocol):
    """Where effects run."""

    @property
    def pending(self) -> int:
        """What waits or runs."""

    def submit(self, fn: Callable[..., None], /, *args: object) -> object:
        """Have a thread do this, which raises nothing."""

    def shutdown(self, wait: bool, *, cancel_futures: bool) -> None:
        """Begin nothing more."""


class EffectThreads:
    """A few threads that take one effect after the other.

    Where these do not get on, as what they do waits for somebody after all, others join in, until
    there is nothing left to do.

    Args:
        most: at a time.
        name: of the threads.
        few: at a time, as long as they get on.
    """

    def __init__(self, most: int, name: str, few: int) -> None:
        self._most, self._few = most, min(few, most)
        self._threads = ThreadPoolExecutor(most + 1, name)  # one stands by
        self._guard = threading.Lock()
        self._waiting: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._busy, self._taken_at = 0, 0.0
        self._has_standby = False

    @property
    def pending(self) -> int:
        """What waits or runs; for any thread."""
        return len(self._waiting) + self._busy

    def submit(self, fn: Callable[..., None], /, *args: object) -> None:
        """Have a thread do this, which raises nothing."""
        with self._guard:
            self._waiting.append((fn, args))
            is_one_more = self._busy < self._few
            self._busy += is_one_more
        if is_one_more:
            self._threads.submit(self._work)
        else:
            self._call_standby()

    def shutdown(self, wait: bool, *, cancel_futures: bool) -> None:
        """Begin nothing more."""
        if cancel_futures:
            self._waiting.clear()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._busy -= 1
                    return
                (fn, args), self._taken_at = self._waiting.popleft(), time.monotonic()
            fn(*args)

    def _call_standby(self) -> None:
        with self._guard:
            if self._has_standby or self._busy >= self._most or not self._waiting:
                return
            self._has_standby = True
        with suppress(RuntimeError):  # shut down meanwhile
            self._threads.submit(self._stand_by)

    def _stand_by(self) -> None:
        """Join in when nothing gets on; end when nothing waits."""
        while True:
            time.sleep(STUCK_S)
            with self._guard:
                is_stuck = time.monotonic() - self._taken_at >= STUCK_S
                if self._waiting and not is_stuck:
                    continue
                self._has_standby, is_stuck = False, bool(self._waiting)
                self._busy += is_stuck
            break
        if is_stuck:
            self._call_standby()
            self._work()


class EffectPool(Generic[E, F]):
    """Effects of all matters of one process; all methods but the pool's own belong to the loop.

    Args:
        facts: what the lines that an effect writes to the log say of its key.
        perform: carries out one effect; returns what it found out.
        report: takes each outcome, from a thread of the pool.
        is_owed: does this effect still have to be carried out?
        pace: sizes and pauses.
        name: of the threads.
        clock: monotonic seconds.
        make_threads: so many, of a name, and how many of them at once as long as these get on.

    Attributes:
        due: when an effect that computes for long has to be done, on one clock; None for others.
        errand: whom an effect waits for; None for one that waits for nobody.
    """

    def __init__(
        self,
        facts: Callable[[bytes], Facts],
        perform: Callable[[bytes, F], Iterable[E]],
        report: Callable[[Performed[E, F]], None],
        is_owed: Callable[[bytes, F], bool],
        pace: Pace,
        name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        make_threads: Callable[[int, str, int], Threads] = EffectThreads,
    ) -> None:
        self._facts, self._log = facts, get_logger(name)
        self._perform = perform
        self._report = report
        self._is_owed = is_owed
        self._pace = pace
        self._clock = clock
        self._make_threads = make_threads
        self._threads = make_threads(pace.workers, f"{name}-effect", FEW)
        self._tries: dict[tuple[bytes, F], int] = {}
        self._later: list[tuple[float, int, bytes, F, bool]] = []
        self._order = itertools.count()
        self.due: Callable[[bytes, F], float | None] = lambda key, effect: None  # noqa: ARG005
        self.errand: Callable[[bytes, F], Errand | None] = lambda key, effect: None  # noqa: ARG005
        self._desk: Desk[tuple[bytes, F]] = Desk(pace)
        self._given: dict[tuple[bytes, F], Errand] = {}
        self._lanes: dict[str, Threads] = {}
        self._computing: queue.PriorityQueue[tuple[float, int, bytes, F | None]] = (
            queue.PriorityQueue()
        )
        self._computers: list[threading.Thread] = []
        self._name = name

    def begin(self, key: bytes, effects: Sequence[F]) -> None:
        """Start every effect of the matter `key` that is not under way."""
        for effect in effects:
            if (key, effect) not in self._tries:
                self._tries[key, effect] = 0
                self._start(key, effect)
        self._give_out()

    def end(self, done: Performed[E, F]) -> None:
        """An outcome is there: what it held is free, whatever becomes of the effect."""
        errand = self._given.pop((done.key, done.effect), None)
        if errand is None:
            return
        failed = done.error is not None and not isinstance(done.error, LedgerUnavailable)
        self._desk.end(errand, self._clock(), took_s=done.took_s, failed=failed, mute=done.is_mute)

    def finish(self, key: bytes, effect: F) -> None:
        """The outcome was taken: an equal effect may begin again."""
        self._tries.pop((key, effect), None)

    def put_off(self, key: bytes, effect: F, least_s: float = 0.0, *, failed: bool = True) -> int:
        """Repeat an effect later, not before `least_s` seconds: it failed, or takes its time.

        Returns:
            How often it was put off by now; 0 (and it is finished) when it is not owed any more.
        """
        if not self._is_owed(key, effect):
            self.finish(key, effect)
            return 0
        tries = self._tries.get((key, effect), 0)
        self._tries[key, effect] = tries + 1
        pause = max(least_s, min(self._pace.most_backoff_s, self._pace.doubled(tries)))
        when = self._clock() + pause
        heapq.heappush(self._later, (when, next(self._order), key, effect, failed))
        return tries + 1

    def retry(self, done: Performed[E, F], error: EdgemarkError) -> None:
        """Put off what could not be done yet; the log says so when it goes on to fail."""
        after_s = error.after_s if isinstance(error, TryAgain) else 0.0
        failed = not isinstance(error, UnderWay)
        tries = self.put_off(done.key, done.effect, after_s, failed=failed)
        if tries:
            log = self._log.warning if failed and is_notable(tries) else self._log.debug
            name, facts = type(done.effect).__name__, self._facts(done.key)
            log("effect put off", **facts, effect=name, tries=tries, error=error)

    def seconds_to_next(self) -> float:
        """Seconds until the next repetition is due, at most 1."""
        now = self._clock()
        later = self._later[0][0] - now if self._later else 1.0
        return max(0.0, min(1.0, later, self._desk.seconds_to_next(now)))

    def gather(self) -> None:
        """When many outcomes are to be expected soon: wait a little, so that they come together."""
        if self._threads.pending >= MANY_SHORT:
            time.sleep(GATHER_S)

    def repeat_due(self) -> None:
        """Start the repetitions whose time has come, and what waited for its turn."""
        while self._later and self._later[0][0] <= self._clock():
            _, _, key, effect, _ = heapq.heappop(self._later)
            if self._is_owed(key, effect):
                self._start(key, effect)
            else:
                self.finish(key, effect)
        self._give_out()

    def count(self) -> tuple[int, int]:
        """Effects under way, and those that failed and wait to be repeated; for any thread."""
        return len(self._tries), sum(failed for *_, failed in self._later[:])

    def close(self) -> None:
        """Begin nothing more; what runs is left alone."""
        for threads in (self._threads, *self._lanes.values()):
            threads.shutdown(wait=False, cancel_futures=True)
        for _ in self._computers:
            self._computing.put((-math.inf, next(self._order), b"", None))

    def _start(self, key: bytes, effect: F) -> None:
        due = self.due(key, effect)
        if due is None:
            errand = self.errand(key, effect)
            if errand is None:
                self._threads.submit(self._run, key, effect)
            else:
                self._desk.put(errand, (key, effect))
            return
        self._computing.put((due, next(self._order), key, effect))
        if len(self._computers) < self._pace.computers:
            computer = threading.Thread(
                target=self._compute, name=f"{self._name}-computing", daemon=True
            )
            self._computers.append(computer)
            computer.start()

    def _give_out(self) -> None:
        """Begin what has its turn now; there is a thread for each."""
        for errand, owed in self._desk.take(self._clock()):
            if not self._is_owed(*owed):  # any more
                self._desk.give_back(errand)
                self.finish(*owed)
                continue
            if errand.lane not in self._lanes:
                name = f"{self._name}-{errand.lane}"
                most = self._pace.of_lane  # each waits for somebody
                self._lanes[errand.lane] = self._make_threads(most, name, most)
            self._given[owed] = errand
            self._lanes[errand.lane].submit(self._run, *owed)

    def _compute(self) -> None:
        """One after the other, as long as there are any."""
        while True:
            _, _, key, effect = self._computing.get()
            if effect is None:
                return
            self._run(key, effect)

    def _run(self, key: bytes, effect: F) -> None:
        began, events, failed = self._clock(), tuple[E, ...](), None
        take_waited_s()
        try:
            with about(**self._facts(key)):
                events = tuple(self._perform(key, effect))
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which decides
            failed = error
        took_s = self._clock() - began - take_waited_s()
        self._report(Performed(key, effect, events, failed, took_s))
