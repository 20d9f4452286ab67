"""Whether a party has anything to do before the chain goes on; told from within its process.

A party is idle when nothing is under way but what was put off, and that was tried again in vain; it
has looked at the chain, and heard the time, since anything happened anywhere. When all parties are,
nothing happens until a block brings something, or the time something that waits for it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from edgemark.loop.machine import Tick
from edgemark.party.loop import PartyLoop

NEVER, ALWAYS = float("-inf"), float("inf")


@dataclass(frozen=True)
class Report:
    """How a party's loop is; times are of the monotonic clock, which all processes share.

    Attributes:
        pid: of its process.
        changed: when anything happened last; `ALWAYS` while something is under way.
        seen: since when it has looked at all there is, and tried again all that was put off.
        due: the next chain time that one of its matters waits for; None when none does.
    """

    pid: int
    changed: float
    seen: float
    due: int | None


GONE = Report(os.getpid(), NEVER, ALWAYS, None)  # of a party that does nothing any more


class Process(Protocol):
    """Who runs: `Forked`."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """None while it runs."""


class _Second(int):
    """Chain time, and when it was asked for."""

    asked: float


class Idling:
    """Watches the loop of one party from within; to be made before the loop starts.

    Args:
        party: its loop, watch and journal are asked where nobody else looks.
        publish: told of every report.
    """

    def __init__(self, party: PartyLoop[Any], publish: Callable[[Report], None]) -> None:
        self._party, self._publish = party, publish
        self._lock = threading.Lock()
        self._is_busy, self._changed, self._heard, self._looked = True, ALWAYS, NEVER, NEVER
        self._known: tuple[object, ...] = ()
        self._due: int | None = None
        self._tried: dict[object, float] = {}
        self._waits_since = NEVER
        runtime, effects, watcher = party.runtime, party.runtime._effects, party._watcher
        self._is_legal = runtime._machine._moves.is_legal  # type: ignore[attr-defined]
        if runtime._clock is not None:
            runtime._clock = partial(self._ask_time, runtime._clock)
        runtime._machine.step = partial(self._step, runtime._machine.step)  # type: ignore[method-assign]
        effects._run = partial(self._try, effects._run)  # type: ignore[method-assign]
        effects.repeat_due = partial(self._turn, effects.repeat_due)  # type: ignore[method-assign]
        if watcher is None:
            self._looked = ALWAYS
        else:
            watcher._look = partial(self._look, watcher._look)

    # --- what the loop and its threads do -------------------------------------------------------

    def _ask_time(self, clock: Callable[[], int]) -> int:
        began = time.monotonic()
        second = _Second(clock())
        second.asked = began
        return second

    def _step(self, step: Callable[..., Any], state: Any, event: object) -> Any:
        if isinstance(event, Tick) and isinstance(event.now, _Second):
            self._heard = event.now.asked
        return step(state, event)

    def _try(self, run: Callable[..., None], key: bytes, effect: Any) -> None:
        began = time.monotonic()
        run(key, effect)
        with self._lock:
            self._tried[key, effect] = began

    def _look(self, look: Callable[[], None]) -> None:
        began = time.monotonic()
        look()
        with self._lock:
            self._looked = began
        self._tell()

    def _turn(self, repeat: Callable[[], None]) -> None:
        """The loop has taken what it had in hand; what may begin again begins."""
        repeat()
        runtime, effects = self._party.runtime, self._party.runtime._effects
        open_jobs = [s for s in runtime.states().values() if not s.is_finished]
        tries = dict(effects._tries)
        known = (self._party._journal.count, frozenset(tries))
        dues = [
            int(when)
            for state in open_jobs
            for when, over in state.times()
            if over not in state.over and self._is_legal(state, over)
        ]
        with self._lock:
            if known != self._known:
                self._known, self._changed = known, time.monotonic()
            self._is_busy = not runtime._queue.empty() or 0 in tries.values()
            self._tried = {each: at for each, at in self._tried.items() if each in tries}
            waits = [self._tried.get(each, NEVER) for each in tries]
            self._waits_since = min([*waits, self._heard if open_jobs else ALWAYS])
            self._due = min(dues, default=None)
        self._tell()

    # --- what it comes to -----------------------------------------------------------------------

    def report(self) -> Report:
        """How it is now."""
        if self._party.runtime._stopped.is_set():
            return GONE
        with self._lock:
            changed = ALWAYS if self._is_busy else self._changed
            seen = min(self._looked, self._waits_since)
            return Report(os.getpid(), changed, seen, self._due)

    def _tell(self) -> None:
        self._publish(self.report())


def report_to(path: Path) -> None:
    """Let every loop of this process write its reports to a file; for `Forked`."""
    start = PartyLoop.start

    def watched(party: PartyLoop[Any]) -> None:
        party.__dict__["idling"] = Idling(party, partial(_write, path))
        start(party)

    PartyLoop.start = watched  # type: ignore[method-assign, assignment]


def _write(path: Path, report: Report) -> None:
    written = path.with_name(f"{path.name}.new-{threading.get_ident()}")
    written.write_text(json.dumps(asdict(report)))
    written.replace(path)


def read_report(process: Process | None, path: Path) -> Report | None:
    """What the loop in a process says; None when it says nothing, or another process said it."""
    if process is None or process.poll() is not None or not path.exists():
        return None
    report = Report(**json.loads(path.read_text()))
    return report if report.pid == process.pid else None
