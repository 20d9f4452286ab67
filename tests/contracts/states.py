"""States of a running job that many tests of a module begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class State:
    """Of a running job: who has committed, and which index is charged as wrong.

    A module names in `STATES` those that many of its tests begin with. They are made once, before
    the first of them, and every test finds them as they were made.
    """

    committed: tuple[int, ...] = ()
    wrong: int | None = None

    def make(self, world: Any) -> Made:
        """A job in this state."""
        before = world.locked()
        job = world.started(committed=self.committed)
        if self.wrong is not None:
            world.charge(job, wrong=(self.wrong,))
        return Made(job, world.locked() - before)


@dataclass(frozen=True)
class Made:
    """A job that stands in a state already, and what is locked for it."""

    job: bytes
    locked: int
