"""What the chain says, for all requests together: however many ask, it is asked now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgemark.errors import Overloaded

SHARED_S = 0.25  # so long one answer about the time does for all
MOST_OLD_S = 2.0  # what was said longer ago is not the time: what was signed since would be refused

T = TypeVar("T")


@dataclass(frozen=True)
class Freshness:
    """For how long one answer does for all.

    Args:
        what: is asked, for refusals.
        shared_s: seconds for which it is not asked again.
        most_old_s: seconds for which the last answer does while it is asked again.
    """

    what: str
    shared_s: float
    most_old_s: float


class SharedAnswer(Generic[T]):
    """The latest answer, at most `most_old_s` old; safe for many threads.

    Nobody waits for another's question: meanwhile all get what was said just before.

    Args:
        ask: the chain.
        fresh: for how long.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ask: Callable[[], T],
        fresh: Freshness,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._fresh, self._clock = ask, fresh, clock
        self._guard = threading.Lock()
        self._said: tuple[T, float] | None = None  # what, and when it was asked
        self._next_at: float | None = None

    def read(self) -> T:
        """What the chain says.

        Raises:
            LedgerUnavailable: the chain does not say.
            Overloaded: it was asked just now, and has said nothing yet, or nothing lately.
        """
        fresh = self._fresh
        with self._guard:
            now = self._clock()
            if self._next_at is not None and now < self._next_at:
                if self._said is not None and now - self._said[1] <= fresh.most_old_s:
                    return self._said[0]
                raise Overloaded(
                    f"asks {fresh.what}", who="chain", retry_after_s=self._next_at - now
                )
            self._next_at = now + fresh.shared_s
        said = self._ask()
        with self._guard:
            self._said = said, now
        return said


class SharedTime(SharedAnswer[int]):
    """The latest block's time, Unix seconds.

    Args:
        ask: the chain.
        clock: monotonic seconds.
    """

    def __init__(self, ask: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(ask, Freshness("what time it is", SHARED_S, MOST_OLD_S), clock)
