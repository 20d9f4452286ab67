"""Chain time that one wrong header cannot move: what a party took for over is over for good.

A tick lets deadlines pass and is journaled, so a node of the chain that says one time too late,
once, would end for ever what the contract still takes. Whatever lies further ahead than the clocks
of this machine explain is believed when looks in a row, apart in time, agree on it: so it is on a
chain whose time was set forward. A time that is too early ends nothing, and is passed on.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.evm.sending.spaced_looks import SpacedLooks

SLACK_S = 15.0  # blocks come in slots of some seconds, and clocks of machines differ
LOOKS = 3


class TimeInDoubt(LedgerUnavailable):
    """The chain's node says a time that is too late to be believed at once."""


class SteadyTime:
    """A party's clock: the chain's time, Unix seconds; safe for many threads.

    Args:
        ask: the time of the latest block, Unix seconds.
        apart_s: between looks that count, seconds.
        clock: monotonic seconds.
        wall: what this machine takes for the time, Unix seconds; believed until looks agree
            on another.
    """

    def __init__(
        self,
        ask: Callable[[], int],
        *,
        apart_s: float,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ask, self._clock = ask, clock
        self._guard = threading.Lock()
        self._ahead = SpacedLooks(LOOKS, apart_s, clock)
        self._least = math.inf  # of the looks in a row that were ahead
        self._offset = wall() - clock()  # of the time that is believed

    def __call__(self) -> int:
        """The latest block's time.

        Raises:
            TimeInDoubt: it is not believed yet.
            LedgerUnavailable: the chain does not say.
        """
        said = self._ask()
        with self._guard:
            offset = said - self._clock()
            if offset <= self._offset + SLACK_S:
                self._ahead.disagree()
                self._least = math.inf
                return said
            self._least = min(self._least, offset)
            if not self._ahead.agree("ahead"):
                raise self._doubt(said, offset)
            self._offset, self._least = self._least, math.inf
        return self.check(said)

    @property
    def believed(self) -> int:
        """What chain time is by this machine's clock, whether blocks come or not; Unix seconds."""
        with self._guard:
            return int(self._clock() + self._offset)

    def check(self, said: int) -> int:
        """The same time, of the header of any block, when it is not too late to be believed.

        Raises:
            TimeInDoubt: it is.
        """
        with self._guard:
            offset = said - self._clock()
            if offset > self._offset + SLACK_S:
                raise self._doubt(said, offset)
        return said

    def _doubt(self, said: int, offset: float) -> TimeInDoubt:
        late_s = offset - self._offset
        return TimeInDoubt(
            "chain's node says too late a time", had=said, needed=f"{late_s:.0f} s less"
        )
