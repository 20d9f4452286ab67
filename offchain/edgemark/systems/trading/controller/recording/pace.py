"""What is issued, what the chain takes, and the least N that it sustains. Pure.

Source: EFSC V-C: 11,000 credentials and 1,200 evidences a second need N >= 10. Here both are
measured while a controller works:

    issued   = credentials of all channels in the last minute / a minute
    recorded = transactions under way at most * pieces of one / seconds from sending to the end
    least N  = ceil(issued / recorded)

The second line is Little's law for a queue that is full: where it is not, fewer are recorded, as no
more wait. Where the chain is the bound, transactions take longer, and it falls.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from edgemark.systems.trading.templates.allowance import compute_least_cycles

WINDOW_S = 60.0  # in which credentials are counted
TRANSACTIONS = 16  # the newest ones that are looked at
TOUCH = Fraction(1, 1000)  # of a second: no transaction is believed to take less


@dataclass(frozen=True)
class Paces:
    """What was measured.

    Attributes:
        issued: credentials in all, since the start; `recorded`: evidences.
        issued_per_s: of the last minute.
        recorded_per_s: pieces that the chain takes; None until a first transaction has ended.
        least: N that the chain sustains; 1 as long as nothing says that it is more.
    """

    issued: int
    recorded: int
    issued_per_s: Fraction
    recorded_per_s: Fraction | None
    least: int


class PaceMeter:
    """Of one controller; one thread at a time.

    Args:
        at_once: transactions under way at most.
        pieces: of one transaction at most.
    """

    def __init__(self, at_once: int, pieces: int) -> None:
        self._most = at_once * pieces
        self._issued_in: deque[tuple[int, int]] = deque()  # whole seconds, and how many then
        self._took: deque[Fraction] = deque(maxlen=TRANSACTIONS)
        self._issued = self._recorded = 0
        self._began: float | None = None

    def note_issued(self, now: float) -> None:
        """A credential was issued."""
        second = math.floor(now)
        self._began = now if self._began is None else self._began
        self._issued += 1
        if self._issued_in and self._issued_in[-1][0] == second:
            second, count = self._issued_in.pop()
            self._issued_in.append((second, count + 1))
        else:
            self._issued_in.append((second, 1))
        self._forget(now)

    def note_recorded(self, pieces: int, took_s: float) -> None:
        """A transaction with so many pieces is final, so long after it was sent."""
        self._recorded += pieces
        self._took.append(max(TOUCH, Fraction(took_s)))

    def read(self, now: float, oldest_s: float = 0.0) -> Paces:
        """What there is now.

        Args:
            now: monotonic seconds.
            oldest_s: for how long the oldest transaction is under way.
        """
        self._forget(now)
        issued = self._count_issued(now)
        recorded = self._count_recorded(oldest_s)
        least = 1 if recorded is None else compute_least_cycles(issued, recorded)
        return Paces(self._issued, self._recorded, issued, recorded, least)

    def _count_issued(self, now: float) -> Fraction:
        if self._began is None:
            return Fraction(0)
        over_s = min(WINDOW_S, max(1.0, now - self._began))
        return Fraction(sum(count for _, count in self._issued_in)) / Fraction(over_s)

    def _count_recorded(self, oldest_s: float) -> Fraction | None:
        if not self._took:
            return None
        mean = sum(self._took, Fraction(0)) / len(self._took)
        return self._most / max(mean, Fraction(oldest_s))

    def _forget(self, now: float) -> None:
        while self._issued_in and self._issued_in[0][0] < now - WINDOW_S:
            self._issued_in.popleft()
