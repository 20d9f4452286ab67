"""How long a judge waits for the others' signatures before it brings a verdict.

A judge is paid for its own signature under a verdict, and only the first verdict counts: whoever
has k signatures gives the slower judges a moment, so that they are paid for their work too.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from edgemark.loop.machine import TryAgain

WAIT_S = 2.0  # from the first time that k signatures were there
FORGET_AFTER_S = 60.0  # nobody asks any more: another judge brought the verdict


class Patience:
    """Waits once for each thing; safe for many threads.

    Args:
        clock: monotonic seconds.
        wait_s: seconds.
    """

    def __init__(self, clock: Callable[[], float], wait_s: float = WAIT_S) -> None:
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
            TryAgain: some are missing and may still come.
        """
        if had >= most:
            return
        with self._guard:
            now = self._clock()
            while self._since and next(iter(self._since.values())) < now - FORGET_AFTER_S:
                self._since.popitem(last=False)
            until = self._since.setdefault(what, now) + self._wait_s
        if now < until:
            raise TryAgain("other judges may still sign", had=had, needed=most)
