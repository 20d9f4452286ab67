"""Everybody and a chain in memory: the real machines of all parties, no I/O.

Time goes in steps of `STEP_S`. In each step every party, in an order drawn anew, looks at the chain
as it was `lag` steps ago, lets its deadlines pass and carries out what it owes. A system says what
its chain shows (`look`), which times matter to it, and when all is over. Steps in which nobody has
anything to do are not played.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar

from tests.stage.memory.sides import Side

STEP_S = 2  # seconds of chain time
MOST_LAG = 2  # steps that a party may be behind the chain
QUIET = MOST_LAG + 2  # steps without a change, after which all have seen all and tried all again


class View(Protocol):
    """The chain at one block, as a value."""

    def at(self, second: int) -> Any:
        """The same at another time."""

    def times(self) -> Iterable[int]:
        """Everything that is over for the chain at some time."""


V = TypeVar("V", bound=View)


class World(ABC, Generic[V]):
    """Everybody and the chain.

    Args:
        seed: decides who acts first in each step and who lags behind the chain.
        start: chain time.
    """

    def __init__(self, seed: int, start: int) -> None:
        self.seed = seed
        self.draw = random.Random(seed)
        self.now = start
        self.sides: list[Side[Any, V]] = []
        self._views: list[V | None] = []

    # --- for systems ---------------------------------------------------------------------------

    @abstractmethod
    def look(self) -> V | None:
        """The chain now; None before there is anything."""

    @abstractmethod
    def chain_end(self) -> int:
        """When the last deadline is over, with some steps to act on it."""

    @abstractmethod
    def is_over(self) -> bool:
        """Nothing is held and every party that heard of the matter and is still there knows."""

    # --- time ----------------------------------------------------------------------------------

    def settle_in(self, side: Side[Any, V]) -> None:
        """From now on this party acts in every step."""
        self.sides.append(side)

    def draw_lag(self) -> int:
        """Steps that a party is behind."""
        return self.draw.randrange(MOST_LAG + 1)

    def view(self, lag: int = 0) -> V | None:
        """The chain as it was `lag` steps ago."""
        if lag and lag <= len(self._views):
            return self._views[-lag]
        return None if lag else self.look()

    def advance(self) -> None:
        """One step of time."""
        self._views.append(self.view())
        self.now += STEP_S
        # a party may take up a matter, and so become a side, while others act
        for side in self.draw.sample(self.sides, len(self.sides)):
            side.turn(self.view(side.lag), self.now)

    def run(self) -> None:
        """Go on until everybody is done, or until the time when everybody must be.

        What happens, and when, is the same as without `skip`.
        """
        end, quiet, before = self.chain_end(), 0, self._changes()
        while self.now < end and not self.is_over():
            self.advance()
            after = self._changes()
            quiet, before = quiet + 1 if after == before else 0, after
            if quiet == QUIET:
                self.skip(end)
                quiet = 0

    def skip(self, end: int) -> None:
        """Let steps pass until just before the next time that anybody waits for."""
        view = self.view()
        times = [end, *(view.times() if view else ())]
        for side in self.sides:
            times += [time for time, _ in side.state.times()]
        due = min(time for time in times if time >= self.now)
        while self.now + 2 * STEP_S < due:
            self._views.append(view.at(self.now) if view else None)
            self.now += STEP_S
            self.draw.sample(self.sides, len(self.sides))  # as if they had acted

    def _changes(self) -> object:
        """Differs when anything happened."""
        view = self.view()
        return [len(side.journal) for side in self.sides], view and view.at(0)
