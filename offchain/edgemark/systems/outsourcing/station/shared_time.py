"""Chain time for all requests together: however many want it, the chain is asked now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgemark.errors import Overloaded

SHARED_S = 0.25  # so long one answer does for all
MOST_OLD_S = 2.0  # what was said longer ago is not the time: what was signed since would be refused


class SharedTime:
    """The latest block's time, at most `MOST_OLD_S` old; safe for many threads.

    Nobody waits for another's question: meanwhile all get what was said just before.

    Args:
        ask: the chain; Unix seconds.
        clock: monotonic seconds.
    """

    def __init__(self, ask: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._guard = threading.Lock()
        self._said: tuple[int, float] | None = None  # what, and when it was asked
        self._next_at: float | None = None

    def read(self) -> int:
        """Chain time, Unix seconds.

        Raises:
            LedgerUnavailable: the chain does not say.
            Overloaded: it was asked just now, and has said nothing yet, or nothing lately.
        """
        with self._guard:
            now = self._clock()
            if self._next_at is not None and now < self._next_at:
                if self._said is not None and now - self._said[1] <= MOST_OLD_S:
                    return self._said[0]
                raise Overloaded(
                    "asks what time it is", who="chain time", retry_after_s=self._next_at - now
                )
            self._next_at = now + SHARED_S
        said = self._ask()
        with self._guard:
            self._said = said, now
        return said
