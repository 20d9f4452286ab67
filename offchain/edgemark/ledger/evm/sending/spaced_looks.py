"""What a node may say wrongly, and say again at once, is believed when it stays so for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable


class SpacedLooks:
    """Counts looks in a row that agree and lie apart in time; for one thread at a time.

    Args:
        looks: that have to agree, >= 2.
        apart_s: seconds between two that count.
        clock: monotonic seconds.
    """

    def __init__(
        self, looks: int, apart_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._needed, self._apart_s, self._clock = looks, apart_s, clock
        self._claim: Hashable = None
        self._looks, self._at = 0, 0.0

    def agree(self, claim: Hashable) -> bool:
        """One look more that shows this; whether enough did, with no other one between."""
        now = self._clock()
        if claim != self._claim:
            self._claim, self._looks, self._at = claim, 1, now
        elif now - self._at >= self._apart_s:
            self._looks, self._at = self._looks + 1, now
        return self._looks >= self._needed

    def disagree(self) -> None:
        """A look that shows otherwise."""
        self._claim, self._looks = None, 0
