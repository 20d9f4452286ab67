"""How many nonces may be given to nothing: each costs a fee, and a node may lie about them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

MOST_HOLES = 64  # more nonces than this, less one, are not filled at a time
HOUR_S = 3600.0  # in which no more are filled, however many holes there were one after the other


class FillerBudget:
    """One account's; for one thread at a time.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._filled: deque[float] = deque()

    @property
    def left(self) -> int:
        """Nonces that may still be filled now."""
        while self._filled and self._filled[0] <= self._clock() - HOUR_S:
            self._filled.popleft()
        return MOST_HOLES - len(self._filled)

    def is_wide(self, holes: int) -> bool:
        """Whether so many are more than anybody pays for."""
        return holes >= max(1, self.left)

    def note(self) -> None:
        """One was filled."""
        self._filled.append(self._clock())
