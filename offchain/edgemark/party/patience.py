"""Gives others a moment, once for each thing: what comes then is done together with what is there.

Who has enough to go on may still do better to wait for all: one step for everybody costs less than
two, and whoever is a little slower is not left out.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from edgemark.loop.machine import UnderWay

FORGET_AFTER_S = 60.0  # nobody asks any more: it was done, or somebody else did it


class Patience:
    """Waits once for each thing; safe for many threads.

    Args:
        clock: monotonic seconds.
        wait_s: seconds, from the first time that it is asked.
    """

    def __init__(self, clock: Callable[[], float], wait_s: float) -> None:
        self._wait_s, self._clock = wait_s, clock
        self._guard = threading.Lock()
        self._since: OrderedDict[object, float] = OrderedDict()  # the longest ago first

    def wait_for(self, what: object, had: int, most: int) -> None:
        """Check that all are there, or that there was time enough.

        Args:
            what: that is waited for.
            had: how many are there.
            most: how many there can be.

        Raises:
            UnderWay: some are missing and may still come.
        """
        if had >= most:
            return
        with self._guard:
            now = self._clock()
            while self._since and next(iter(self._since.values())) < now - FORGET_AFTER_S:
                self._since.popitem(last=False)
            until = self._since.setdefault(what, now) + self._wait_s
        if now < until:
            later = UnderWay("the others may still come", had=had, needed=most)
            later.after_s = until - now
            raise later
