"""Whose turn it is on the one line that all long bodies of a process go over. Pure.

Begun at once, each would be slower than what its peer and its deadline ask for, all would break off
together, and again at the next attempt. A line that is reckoned with moves `LEAST_BYTES_PER_S`.

Law 1: as much is on its way as the line moves in a second, or one body; what is short waits for
       nothing.
Law 2: what has to be there earliest goes first, of equals what came first.
Law 3: a peer that is slow or mute holds the line no longer than it stands idle for `IDLE_S`: then
       the next body goes beside its own. On a line that is full nothing more begins.
Law 4: the deadline of a body begins with its turn, and has room for those that share the line then.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from edgemark.transport.limits import KIB, LEAST_BYTES_PER_S, MIB, ServerLimits

LONG_BYTES = 64 * KIB  # longer ones take turns
BURST_BYTES = MIB
FULL_BYTES_PER_S = LEAST_BYTES_PER_S * 3 // 4  # of bodies, beside TLS, TCP and what is short
IDLE_S = 1.0  # more than a connection needs until it is at speed


def compute_moving_s(total: int, longest: int, held: int) -> float:
    """Seconds, at most, until all who keep up have what is for them; by the laws above.

    Those that do not keep up may be first: each byte of theirs goes as slowly as on a line that
    counts as full, or the line stands idle. Where a body more fits beside theirs, nothing waits.

    Args:
        total: bytes of all bodies, those for peers that do not keep up among them.
        longest: bytes of the longest one.
        held: bodies that peers which do not keep up may be given at a time.
    """
    waits = longest > LONG_BYTES and (held + 1) * longest > BURST_BYTES
    return total / FULL_BYTES_PER_S + (held * IDLE_S if waits else 0.0)


@dataclass(eq=False)
class Transfer:
    """One long body, from when it waits for its turn.

    Attributes:
        length: bytes, at most.
        by: when it has to be there, on one clock.
        moved: bytes of it that are at the other end.
        sharing: how many were on their way when it began, itself among them.
        holds: whether others wait for it.
        stalled: told when they do no more, as the line stood idle.
    """

    length: int
    by: float = math.inf
    moved: Callable[[], int] = int
    sharing: int = 1
    holds: bool = True
    seen: int = 0
    stalled: Callable[[], None] = lambda: None

    def seconds(self) -> float:
        """What it may take: a server waits as long for a body."""
        alone = self.length / LEAST_BYTES_PER_S
        return max(alone, min(self.sharing * alone, ServerLimits.longest_s))


class Turns:
    """Long bodies that wait or are on their way, in one direction of one line."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Transfer]] = []
        self._under_way: dict[Transfer, None] = {}
        self._order = itertools.count()
        self._looked_at = 0.0
        self._idle_s = 0.0

    def enter(self, transfer: Transfer) -> None:
        """It waits from now on."""
        heapq.heappush(self._waiting, (transfer.by, next(self._order), transfer))

    def may_begin(self, transfer: Transfer, now: float) -> bool:
        """Begin it, if it is its turn; whoever waits asks again and again.

        Args:
            transfer: that has entered.
            now: seconds, on a clock that never goes back.
        """
        self._look(now)
        if self._waiting[0][2] is not transfer or not self._has_room(transfer):
            return False
        heapq.heappop(self._waiting)
        self._under_way[transfer] = None
        self._idle_s = 0.0
        transfer.sharing = len(self._under_way)
        return True

    def leave(self, transfer: Transfer, now: float) -> None:
        """It has ended, or is not waited for any more."""
        self._look(now)
        if transfer in self._under_way:
            del self._under_way[transfer]
        else:
            self._waiting = [entry for entry in self._waiting if entry[2] is not transfer]
            heapq.heapify(self._waiting)

    def _has_room(self, transfer: Transfer) -> bool:
        ahead = sum(max(0, one.length - one.seen) for one in self._under_way if one.holds)
        return not ahead or ahead + transfer.length <= BURST_BYTES

    def _look(self, now: float) -> None:
        """How long the line has stood idle, and for whom it did so long enough."""
        moved = 0
        for one in self._under_way:
            before, one.seen = one.seen, max(one.seen, one.moved())
            moved += one.seen - before
        passed, self._looked_at = now - self._looked_at, now
        idle_s = self._idle_s + passed - moved / FULL_BYTES_PER_S
        self._idle_s = max(0.0, idle_s) if self._under_way else 0.0
        if self._idle_s >= IDLE_S:
            self._idle_s = 0.0
            for one in self._under_way:
                if one.holds:
                    one.holds = False
                    one.stalled()
