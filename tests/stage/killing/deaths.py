"""Kills processes with SIGKILL at random times and starts them again, until it is stopped.

Unlike the reaper of the end-to-end tests it plans no place: a process dies wherever it happens to
be, in the middle of a request, a transaction or a record.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

LOOK_S = 0.1
KILLED = -9


class Life(Protocol):
    """A process from its start to its end: `Forked`, or a program of others."""

    def poll(self) -> int | None:
        """Exit status; None while it runs."""

    def kill(self) -> None:
        """Send SIGKILL."""

    def wait(self) -> int:
        """Wait for its end; its exit status."""


@dataclass
class Mortal:
    """A process that is started again whenever it was killed.

    Attributes:
        name: "node 3".
        start: starts it.
        ends_itself: whether it may end with status 0; then it has done its work.
    """

    name: str
    start: Callable[[], Life]
    ends_itself: bool = False
    process: Life | None = None
    is_done: bool = False
    back_at: float = 0.0

    @property
    def kind(self) -> str:
        """The first word of the name."""
        return self.name.partition(" ")[0]


@dataclass
class Deaths:
    """Watches over processes; a thread of its own between `start` and `stop`.

    Args:
        mortals: who may die; they are started by `start`.
        pause_s: seconds between two deaths, on average; 0 for none at all.
        longest_absence_s: how long a killed process stays away at most.
        seed: of who dies and for how long.
        most: deaths, after which everybody lives.

    Attributes:
        kills: how many of each kind died.
        accidents: processes that ended in a way nobody planned.
    """

    mortals: list[Mortal]
    pause_s: float
    longest_absence_s: float
    seed: int
    most: float = float("inf")
    kills: Counter[str] = field(default_factory=Counter)
    accidents: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start everybody, then let them die."""
        for mortal in self.mortals:
            mortal.process = mortal.process or mortal.start()
        self._thread = threading.Thread(target=self._run, name="deaths", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more deaths; whoever is away comes back at once."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        for mortal in self.mortals:
            self._look_after(mortal, float("inf"))

    def _run(self) -> None:
        source = random.Random(self.seed)
        next_death = self._draw_next(source)
        while not self._stopping.wait(LOOK_S):
            now = time.monotonic()
            for mortal in self.mortals:
                self._look_after(mortal, now)
            if now >= next_death and self.kills.total() < self.most:
                self._kill_one(source, now)
                next_death = self._draw_next(source)

    def _draw_next(self, source: random.Random) -> float:
        if not self.pause_s:
            return float("inf")
        return time.monotonic() + source.expovariate(1 / self.pause_s)

    def _kill_one(self, source: random.Random, now: float) -> None:
        alive = [m for m in self.mortals if m.process is not None and not m.is_done]
        if not alive:
            return
        victim = source.choice(alive)
        process = victim.process
        if process is None or process.poll() is not None:
            return
        process.kill()
        process.wait()
        victim.process = None
        victim.back_at = now + source.uniform(0, self.longest_absence_s)
        self.kills[victim.kind] += 1

    def _look_after(self, mortal: Mortal, now: float) -> None:
        """Bring back who was killed; note who ended by itself."""
        if mortal.is_done:
            return
        if mortal.process is None:
            if now >= mortal.back_at:
                mortal.process = mortal.start()
            return
        status = mortal.process.poll()
        if status is None:
            return
        mortal.is_done = True
        if status != 0 or not mortal.ends_itself:
            self.accidents.append(f"{mortal.name} ended with status {status}")
