"""Charges that a judge's watch has seen, and has no case for yet.

Rule 1: the oldest comes first, and each is tried in every round until it has a case or needs none.
Rule 2: one that cannot be opened now, as its commitment is still being read or the chain fails,
goes behind all the others and keeps none of them from being opened.
Rule 3: a round ends after a few failures, as the cases that are open wait for it.
Rule 4: nothing here outlives the process: while one waits, the judge's cursor stays behind it.
"""

from __future__ import annotations

from collections.abc import Callable

from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import JobId, ShareIndex
from edgemark.logs import EventLog
from edgemark.loop.machine import TryAgain
from edgemark.loop.memory import TooManyJobs
from edgemark.loop.runtime import LoopBusy

MOST_FAILURES = 4  # of one round


class WaitingCharges:
    """In the order in which they are to be opened; belongs to one thread.

    Args:
        log: of the judge.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._charges: dict[tuple[JobId, ShareIndex], None] = {}

    def __len__(self) -> int:
        return len(self._charges)

    def note(self, job: JobId, index: ShareIndex) -> None:
        """One was seen."""
        self._charges[job, index] = None

    def open(self, open_one: Callable[[JobId, ShareIndex], object]) -> None:
        """Open what can be opened.

        Args:
            open_one: opens a case, if the charge needs one still.
        """
        failures = 0
        for job, index in tuple(self._charges):
            try:
                open_one(job, index)
            except (TooManyJobs, LoopBusy) as full:
                self._log.debug("charge waits for room", job=job, index=index, error=full)
                return
            except (LedgerUnavailable, PeerFault, RefusedInput, TryAgain) as error:
                self._log.debug("charge waits", job=job, index=index, error=error)
                del self._charges[job, index]
                self.note(job, index)
                failures += 1
                if failures == MOST_FAILURES:
                    return
            else:
                del self._charges[job, index]
