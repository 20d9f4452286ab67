"""Why nodes have not taken a job yet, in their own words, for the user to read."""

from __future__ import annotations

import threading
from collections import OrderedDict

from edgemark.identifiers import JobId, ShareIndex

MOST_KEPT = 1024  # the latest


class RefusedOffers:
    """The last refusal of each offer; safe for many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._reasons: OrderedDict[tuple[JobId, ShareIndex], str] = OrderedDict()

    def note(self, job: JobId, index: ShareIndex, reason: str) -> None:
        """The node of this index refused, for this reason."""
        with self._guard:
            self._reasons[job, index] = reason
            self._reasons.move_to_end((job, index))
            while len(self._reasons) > MOST_KEPT:
                self._reasons.popitem(last=False)

    def forget(self, job: JobId, index: ShareIndex) -> None:
        """The node took it after all."""
        with self._guard:
            self._reasons.pop((job, index), None)

    def of(self, job: JobId) -> dict[ShareIndex, str]:
        """Reason by index."""
        with self._guard:
            return {index: reason for (of, index), reason in self._reasons.items() if of == job}
