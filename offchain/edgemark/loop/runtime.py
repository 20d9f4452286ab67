"""The one loop of every process: event -> step -> journal -> effects.

Law 1: `Machine.step` alone decides; it is pure, so the journal replayed gives the same states.
Law 2: nothing that follows from an event begins before it is on the disk: no effect, no answer to
who asked, no state that others see. What waits in the queue is decided one by one, written down as
one record and synced once (`edgemark.loop.batch`); then all of it follows, in order. An event that
changes nothing is not written.
Law 3: effects are idempotent. After a start, `Machine.resume` names all that are still owed and
they are carried out again; what an effect finds out comes back as events through the same queue.
Law 4: an effect that failed for want of a chain or a peer, or was not owed when a thread looked, is
tried again, later and later, while `resume` names it: deadlines belong to the machine (`Tick`).
Law 5: nothing dies in silence. An exception that nobody planned stops the loop, `Unrecoverable`.

Many matters run side by side, one state each, in one journal; finished ones leave it for the
archive (`edgemark.loop.memory`).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput, Unrecoverable
from edgemark.journal.journal import Journal
from edgemark.logs import get_logger
from edgemark.loop.archive import Archive
from edgemark.loop.batch import MAX_EVENTS
from edgemark.loop.errands import Errand, Pace
from edgemark.loop.machine import (
    IllegalMove,
    LoopBusy,
    LoopStopped,
    Machine,
    Tick,
    TryAgain,
    lines_of,
    say,
)
from edgemark.loop.memory import MatterMemory, TooManyOpen
from edgemark.loop.threads import RETRIED, EffectPool, Performed
from edgemark.seam import Seam, place_of, seam_from

__all__ = ["LoopBusy", "LoopStopped", "Pace", "Runtime", "TooManyOpen", "TryAgain", "seam_from"]

MAX_WAITING = 10_000  # posted events that the loop has not taken yet

S = TypeVar("S")
E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


@dataclass(frozen=True)
class _Posted(Generic[S, E]):
    key: bytes
    events: Sequence[E]
    reply: Future[S] | None  # where the outcome is left for whoever waits for it


@dataclass(frozen=True)
class _Broken:
    """A thread of the loop ended by an exception that nobody planned."""

    where: str
    error: BaseException


_Item = _Posted[S, E] | Performed[E, F] | Tick | _Broken | None  # None wakes the loop up


class Runtime(Generic[S, E, F]):
    """Runs a machine for all matters of one process.

    Args:
        machine: the pure part.
        journal: open, and used by nobody else.
        perform: carries out one effect of the matter `key` in a thread of the pool; returns what
            it found out. It may raise `LedgerUnavailable`, `PeerUnreachable` or `TryAgain`
            (`NotOwed`) to be tried again, and any other `PeerFault` to be logged and dropped; it
            turns every refusal that can be foreseen into an event.
        clock: gives chain time in Unix seconds; None for a process that needs none.
        pace: sizes and pauses.
        archive: takes finished matters; None keeps them in memory.
        seam: stops the process at a named place of the journal; for tests.
        name: part of the program, in logs and errors.
    """

    def __init__(
        self,
        machine: Machine[S, E, F],
        journal: Journal,
        perform: Callable[[bytes, F], Iterable[E]],
        *,
        clock: Callable[[], int] | None = None,
        pace: Pace | None = None,
        archive: Archive | None = None,
        seam: Seam | None = None,
        name: str = "runtime",
    ) -> None:
        self.failure: Unrecoverable | None = None
        self.turned_at: float | None = None  # monotonic; the loop turns at least once a second
        self._machine = machine
        self._clock = clock
        self._pace = pace or Pace()
        self._name = name
        self._log = get_logger(name)
        self._memory: MatterMemory[S, E, F] = MatterMemory(
            machine,
            journal,
            archive,
            seam=seam,
            max_open=self._pace.max_open,
            archive_after=self._pace.archive_after,
            name=name,
        )
        self._queue: queue.SimpleQueue[_Item[S, E, F]] = queue.SimpleQueue()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._loaded, self._stopping, self._stopped = (threading.Event() for _ in range(3))
        self._thread: threading.Thread | None = None
        self._effects: EffectPool[E, F] = EffectPool(
            machine.facts, perform, self._queue.put, self._is_owed, self._pace, name
        )

    def compute_in_turn(self, due: Callable[[bytes, F], float | None]) -> None:
        """Before the start: when effects that compute for long have to be done; None for others."""
        self._effects.due = due

    def talk_in_turn(self, errand: Callable[[bytes, F], Errand | None]) -> None:
        """Before the start: whom effects wait for; None for those that wait for nobody."""
        self._effects.errand = errand

    # --- for other threads ---------------------------------------------------------------------

    def post(self, key: bytes, event: E) -> None:
        """Queue an event and return.

        Raises:
            LoopBusy: the queue is full.
            LoopStopped: the loop ended.
        """
        self._put(_Posted(key, (event,), None))

    def ask(self, key: bytes, event: E, timeout_s: float = 30.0, *, behind: Sequence[E] = ()) -> S:
        """Queue an event, behind others seen with it; wait until what it changed is on the disk.

        Returns:
            The state after it; what was owed between two of them alone has not begun.

        Raises:
            RefusedInput, PeerFault: the machine refused it; nothing changed.
            LoopBusy: not taken within `timeout_s`; it may still be.
            LoopStopped: the loop ended.
        """
        reply: Future[S] = Future()
        self._put(_Posted(key, (*behind, event), reply))
        deadline = time.monotonic() + timeout_s
        while True:
            with suppress(TimeoutError):
                return reply.result(0.2)
            if self._stopped.is_set() and not reply.done():
                raise self._gone()
            if time.monotonic() > deadline:
                raise LoopBusy("event not taken yet", who=self._name, needed=f"{timeout_s} s")

    def state(self, key: bytes) -> S | None:
        """The present state of a matter, open or over; None when nobody heard of it."""
        return self._memory.find(key)

    def state_at_hand(self, key: bytes) -> S | None:
        """The same, when nothing has to be read for it; None for others, see `is_archived`."""
        return self._memory.find_at_hand(key)

    def is_archived(self, key: bytes) -> bool:
        """Whether the state of a matter would be read from its records, which may be long."""
        return self._memory.is_archived(key)

    def states(self) -> dict[bytes, S]:
        """The present states of all open matters, and of those that ended lately."""
        return self._memory.at_hand()

    def all_keys(self) -> list[bytes]:
        """Keys of all matters that this process ever heard of, open or over."""
        return self._memory.all_keys()

    def count_effects(self) -> tuple[int, int]:
        """Effects under way, and of these the ones that failed and wait to be repeated."""
        return self._effects.count()

    def wait_until(self, predicate: Callable[[dict[bytes, S]], bool], timeout_s: float) -> bool:
        """Wait until `predicate(states)` holds; False when it does not within `timeout_s`.

        Raises:
            LoopStopped: the loop ended before.
        """
        deadline = time.monotonic() + timeout_s
        there = self._memory.wait_until(
            predicate, self._stopped.is_set, lambda: deadline - time.monotonic()
        )
        if not there and self._stopped.is_set():
            raise self._gone()
        return there

    def start(self) -> None:
        """Run the loop in a thread of its own; returns when the journal is replayed. See `join`."""
        self._thread = threading.Thread(target=self._run_quietly, name=self._name, daemon=True)
        self._thread.start()
        self._loaded.wait()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for the end of a started loop.

        Raises:
            Unrecoverable: what stopped it, when it was not `stop`.
        """
        if self._thread is not None:
            self._thread.join(timeout_s)
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """End the loop after the event in hand; effects under way are left to the next start."""
        self._stopping.set()
        self._queue.put(None)

    # --- the loop ------------------------------------------------------------------------------

    def run(self) -> None:
        """Replay the journal, take up what is owed, then serve events until `stop`.

        Raises:
            Unrecoverable: the journal cannot be replayed, the disk refuses, or a part of the
                program failed in a way that nobody planned.
        """
        try:
            self._memory.load()
            self._loaded.set()
            for key, state in self.states().items():
                self._effects.begin(key, self._machine.resume(state))
            if self._clock is not None:
                threading.Thread(target=self._tick_on, args=(self._clock,), daemon=True).start()
            while not self._stopping.is_set():
                self.turned_at = time.monotonic()
                self._serve_waiting()
                self._effects.repeat_due()
                self._memory.tidy()
        except Unrecoverable as error:
            self.failure = error
            self._log.error("loop stopped", error=error)
            raise
        except Exception as error:
            self.failure = self._unplanned(b"", "the loop", error)
            raise self.failure from error
        finally:
            for flag in (self._stopping, self._stopped, self._loaded):
                flag.set()
            self._effects.close()
            self._memory.notify()

    def _run_quietly(self) -> None:
        with suppress(Unrecoverable):  # kept in `failure`, raised by `join`
            self.run()

    def _serve_waiting(self) -> None:
        """Decide what waits in the queue, write it down together, let happen what follows."""
        try:
            for item in self._take_waiting():
                self._serve(item)
        finally:  # whatever stops the loop, what was decided before is written down
            self._memory.commit()

    def _take_waiting(self) -> Iterator[_Item[S, E, F]]:
        """What is in the queue, so much at most; waits for the first."""
        with suppress(queue.Empty):
            yield self._queue.get(timeout=self._effects.seconds_to_next())
            self._effects.gather()
            for _ in range(MAX_EVENTS - 1):
                if self._stopping.is_set():
                    return
                yield self._queue.get_nowait()

    def _serve(self, item: _Item[S, E, F]) -> None:
        match item:
            case _Posted(key, events, reply):
                self._places.release()
                for event in events[:-1]:
                    self._take(key, event, None)
                self._take(key, events[-1], reply)
            case Performed():
                self._take_outcome(item)
            case Tick():
                for key in self._memory.open_keys():
                    self._take(key, item, None)
            case _Broken(where, error):
                raise self._unplanned(b"", where, error) from error
            case None:
                return

    def _take(self, key: bytes, event: E | Tick, reply: Future[S] | None) -> bool:
        """Let an event happen; False when the machine refused it."""
        state, name = self._memory.state_before(key), type(event).__name__
        try:
            after, effects = self._machine.step(state, event)
            record = None if after == state else self._memory.admit(key, event)
        except (RefusedInput, PeerFault) as error:
            # What came too late for its state is no fault of anybody: it was overtaken.
            warn = self._log.debug if isinstance(error, IllegalMove) else self._log.warning
            warn("event refused", **self._machine.facts(key), kind=name, error=error)
            if reply is not None:
                self._memory.follow(partial(reply.set_exception, error))
            return False
        except Exception as error:
            raise self._unplanned(key, f"step({name})", error) from error
        if record is not None:
            self._memory.change(key, name, record, after)
            self._memory.follow(partial(self._tell, key, state, event, after))
        if reply is not None:
            self._memory.follow(partial(reply.set_result, after))
        if effects:
            self._memory.follow(partial(self._begin, key, after, effects))
        return True

    def _tell(self, key: bytes, before: S, event: E | Tick, after: S) -> None:
        for line in lines_of(self._machine, before, event, after):
            if not line.is_detail or self._log.tells_details:
                log = self._log.debug if line.is_detail else self._log.info
                log(line.words, **{**self._machine.facts(key), **line.facts})

    def _begin(self, key: bytes, after: S, effects: Sequence[F]) -> None:
        """Begin what an event named; when others came behind it, only what is owed still."""
        if self._memory.find(key) not in (None, after):
            effects = [effect for effect in effects if self._is_owed(key, effect)]
        self._effects.begin(key, effects)

    def _take_outcome(self, item: Performed[E, F]) -> None:
        name, facts = type(item.effect).__name__, self._machine.facts(item.key)
        self._effects.end(item)
        if item.error is None:
            # Still under way while its events are taken: a step that names the effect again has
            # its outcome before it.
            taken = [self._take(item.key, event, None) for event in item.events]
            # One found out too late: if it is owed still, nothing else would begin it again.
            end = self._effects.finish if all(taken) else self._effects.put_off
            self._memory.follow(partial(end, item.key, item.effect))
        elif isinstance(item.error, RETRIED):
            self._memory.follow(partial(self._effects.retry, item, item.error))
        elif isinstance(item.error, PeerFault):
            self._memory.follow(partial(self._effects.finish, item.key, item.effect))
            self._log.warning("effect failed", **facts, effect=name, error=item.error)
        else:
            raise self._unplanned(item.key, name, item.error) from item.error

    def _is_owed(self, key: bytes, effect: F) -> bool:
        state = self._memory.find(key)
        return state is not None and effect in self._machine.resume(state)

    def _tick_on(self, clock: Callable[[], int]) -> None:
        while not self._stopping.wait(self._pace.poll_s):
            try:
                self._queue.put(Tick(clock()))
            except LedgerUnavailable as error:
                self._log.debug("no chain time", error=error)
            except BaseException as error:  # noqa: BLE001 - handed to the loop, which stops
                self._queue.put(_Broken("the clock", error))
                return

    def _put(self, item: _Posted[S, E]) -> None:
        if self._stopped.is_set():
            raise self._gone()
        if not self._places.acquire(timeout=5.0):
            raise LoopBusy("too many events wait", who=self._name, had=MAX_WAITING)
        self._queue.put(item)

    def _gone(self) -> LoopStopped:
        return LoopStopped(
            "the loop has ended",
            who=self._name,
            had=None if self.failure is None else type(self.failure).__name__,
            remedy="Look at the log, then start the process again.",
        )

    def _unplanned(self, key: bytes, where: str, error: BaseException) -> Unrecoverable:
        """Log and wrap an exception; a foreign message stays out, for it may quote a secret."""
        if isinstance(error, Unrecoverable):
            return error
        facts = {"kind": type(error).__name__, "place": place_of(error)}
        if isinstance(error, EdgemarkError):
            facts["said"] = str(error)
        self._log.error("unplanned failure", **self._machine.facts(key), where=where, **facts)
        return Unrecoverable(
            f"failed in {where}",
            who=f"{self._name}, {say(self._machine.facts(key))}" if key else self._name,
            had="; ".join(facts.values()),
            remedy="Please report this with the log; the journal is intact.",
        )
