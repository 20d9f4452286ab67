"""Charges that a judge's watch has seen, and has no case for yet.

Rule 1: the oldest comes first, and each is tried in every round until it has a case or needs none.
Rule 2: one that cannot be opened now, as its commitment is still being read or the chain fails,
goes behind all the others and keeps none of them from being opened.
Rule 3: a round ends in time, however many wait, and after a few failures, as the cases that are
open wait for it. So many are read together as go in one message.
Rule 4: nothing here outlives the process: while one waits, the judge's cursor stays behind it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import ShareIndex
from edgemark.ledger.evm.reading.chain import BATCH_CALLS
from edgemark.logs import EventLog
from edgemark.loop.machine import TryAgain
from edgemark.loop.memory import TooManyOpen
from edgemark.loop.runtime import LoopBusy
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.opening import Charge, ChargeView

MOST_FAILURES = 4  # of one round
ROUND_S = 1.0  # in which one begins to open the next
READ_TOGETHER = BATCH_CALLS // 2  # a job and an index each
_NOT_NOW = (LedgerUnavailable, PeerFault, RefusedInput, TryAgain)


class WaitingCharges:
    """In the order in which they are to be opened; belongs to one thread.

    Args:
        log: of the judge.
        clock: monotonic seconds.
    """

    def __init__(self, log: EventLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._charges: dict[Charge, None] = {}
        self._together = READ_TOGETHER

    def __len__(self) -> int:
        return len(self._charges)

    def note(self, job: JobId, index: ShareIndex) -> None:
        """One was seen."""
        self._charges[job, index] = None

    def open(
        self,
        read: Callable[[Sequence[Charge]], Sequence[ChargeView]],
        open_one: Callable[[Charge, ChargeView], object],
    ) -> None:
        """Open what can be opened in one round.

        Args:
            read: what the chain shows of some.
            open_one: opens a case, if the charge needs one still.
        """
        waiting, until, failures = deque(self._charges), self._clock() + ROUND_S, 0
        while waiting and failures < MOST_FAILURES and self._clock() < until:
            some = tuple(islice(waiting, self._together))
            try:
                views = read(some)
            except _NOT_NOW as error:
                if len(some) == 1:
                    failures += self._put_behind(waiting.popleft(), error)
                self._together = 1  # to see, perhaps in the next round, which of them it is
                continue
            self._together = READ_TOGETHER
            for seen in views:
                charge = waiting.popleft()
                try:
                    open_one(charge, seen)
                except (TooManyOpen, LoopBusy) as full:
                    self._log.debug("charge waits for room", **_facts_of(charge), error=full)
                    return
                except _NOT_NOW as error:
                    failures += self._put_behind(charge, error)
                else:
                    del self._charges[charge]
                if failures == MOST_FAILURES or self._clock() >= until:
                    return

    def _put_behind(self, charge: Charge, error: EdgemarkError) -> int:
        """One failure more."""
        self._log.debug("charge waits", **_facts_of(charge), error=error)
        del self._charges[charge]
        self.note(*charge)
        return 1


def _facts_of(charge: Charge) -> dict[str, object]:
    return {"job": charge[0], "index": charge[1]}
