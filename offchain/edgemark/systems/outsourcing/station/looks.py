"""How often requests make a server look at its chain, whose node it needs itself to see in time.

Who asks is of one of three kinds, and none takes looks from another:

| who                                            | has                                           |
|------------------------------------------------|-----------------------------------------------|
| payer, nodes, judges of a job it has a part in | some of its own; more while others leave some |
| a payer whose posting names it                 | a few, then with pauses, until one is taken   |
| a stranger                                     | few for all: the server's watch sees all      |

A posting costs its payer little, who may cancel it: payers are bounded together, not only each.
A look is about five calls. All that there may be are no more calls a second than a node's watch
makes when `max_open_jobs` tasks are to be read at once, two calls each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgemark.errors import Overloaded
from edgemark.identity.visiting import EXPECTED_S
from edgemark.transport.rates import DoublingPause, RateLimit
from edgemark.transport.serving.crowd import group_of
from edgemark.transport.serving.server import Head, Request

BURST_S = 10.0  # that may be used up at once
STRANGERS_PER_S = 4.0
STRANGERS_PER_S_OF_ADDRESS = 3.0
PAYERS_PER_S = 8.0
PAYERS_AT_ONCE = 4  # of one: two offers, each again with its function
PAYERS_LONGEST_PAUSE_S = 64.0
PARTIES_OWN_PER_S = 32.0
PARTIES_OWN_PER_S_OF_PARTY = 1.0
PARTIES_MORE_PER_S = 20.0
PARTIES_MORE_PER_S_OF_PARTY = 10.0


class Looks:
    """Counts them; safe for many threads.

    Args:
        has_part: whether a known party has a part in a job that this server has one in.
        clock: monotonic seconds.
    """

    def __init__(
        self, has_part: Callable[[str], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._has_part = has_part
        self._clock = clock
        self._guard = threading.Lock()
        self._strangers = RateLimit(STRANGERS_PER_S, STRANGERS_PER_S_OF_ADDRESS, BURST_S)
        self._payers = RateLimit(PAYERS_PER_S, PAYERS_PER_S, BURST_S)
        self._pauses = DoublingPause(PAYERS_AT_ONCE, PAYERS_LONGEST_PAUSE_S, forget_s=EXPECTED_S)
        self._own = RateLimit(PARTIES_OWN_PER_S, PARTIES_OWN_PER_S_OF_PARTY, BURST_S)
        self._more = RateLimit(PARTIES_MORE_PER_S, PARTIES_MORE_PER_S_OF_PARTY, BURST_S)

    def take(self, asker: Head | Request) -> float:
        """Count one look that a request causes; 0.0, or seconds after which it may ask again."""
        account = asker.account
        has_part = account is not None and self._has_part(account)
        with self._guard:
            now = self._clock()
            if account is None:
                return self._strangers.take(group_of(asker.peer), now)
            return self._of_party(account, now) if has_part else self._of_payer(account, now)

    def check(self, asker: Head | Request) -> None:
        """Count one look.

        Raises:
            Overloaded: there were too many.
        """
        wait_s = self.take(asker)
        if wait_s:
            raise Overloaded(
                "too many requests that ask the chain", who=asker.path, retry_after_s=wait_s
            )

    def _of_party(self, account: str, now: float) -> float:
        wait_s = self._own.take(account, now)
        return wait_s and min(wait_s, self._more.take(account, now))

    def _of_payer(self, account: str, now: float) -> float:
        wait_s = self._pauses.left(account, now) or self._payers.take(account, now)
        if not wait_s:
            self._pauses.note(account, now)
        return wait_s
