"""Kills servers between two journal records, as `kill -9` would, and starts them again.

Each server has a list of places (`EDGEMARK_CRASH_AFTER`): it is started with the first, dies there,
is started with the second, and so on, until it is started for good.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.stage.command_line import KILLED
from tests.stage.playhouse import start_usually

from edgemark.demo.actor import Actor
from edgemark.seam import CRASH_AFTER

LOOK_S = 0.1


@dataclass(frozen=True)
class Kill:
    """A death that was planned and happened."""

    who: str
    place: str


@dataclass
class Reaper:
    """Starts servers with their places of death and watches over them.

    Args:
        places: places by name of the actor ("node 3"), in the order of its life.
    """

    places: Mapping[str, Sequence[str]]
    kills: list[Kill] = field(default_factory=list)
    accidents: list[str] = field(default_factory=list)
    _next: dict[str, list[str]] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, actor: Actor) -> None:
        """Start a server with its first place of death."""
        self._next[actor.name] = list(self.places.get(actor.name, ()))
        self._run(actor)
        watch = threading.Thread(target=self._watch, args=(actor,), daemon=True)
        watch.start()
        self._threads.append(watch)

    def stop(self) -> None:
        """Let everybody live from now on."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, actor: Actor) -> None:
        left = self._next[actor.name]
        start_usually(actor, {CRASH_AFTER: left[0]} if left else {})

    def _watch(self, actor: Actor) -> None:
        while not self._stopping.wait(LOOK_S):
            status = None if actor.process is None else actor.process.poll()
            if status is None:
                continue
            left = self._next[actor.name]
            if status != KILLED or not left:
                self.accidents.append(f"{actor.name} ended with status {status}")
                return
            self.kills.append(Kill(actor.name, left.pop(0)))
            self._run(actor)
