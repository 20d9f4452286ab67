"""How long a block takes on a chain, measured now and then and never for a request.

One wrong header is believed until the next measurement and no longer; what cannot be, as a time
that goes back, is no measurement.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

AGAIN_S = 300.0
UNKNOWN_AGAIN_S = 60.0  # of a chain too young, or too fast, to tell


class BlockTime:
    """One chain's; one thread at a time looks, any reads.

    Args:
        measure: seconds from block to block; 0 or less where that cannot be told.
        clock: monotonic seconds.

    Attributes:
        seconds: as measured last; 0 while it cannot be told.
    """

    def __init__(
        self, measure: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = 0
        self._measure = measure
        self._clock = clock
        self._next = -math.inf

    def look(self) -> None:
        """Measure, if it is time to.

        Raises:
            LedgerUnavailable: no answer; what was measured before stands.
        """
        now = self._clock()
        if now < self._next:
            return
        self._next = now + UNKNOWN_AGAIN_S
        self.seconds = max(0, self._measure())
        if self.seconds:
            self._next = now + AGAIN_S
