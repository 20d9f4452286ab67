"""How often requests make a server look at its chain, whose node it needs itself to see in time.

Who asks is of one of three kinds, and none takes looks from another:

| who                                   | has                                                    |
|---------------------------------------|--------------------------------------------------------|
| party of a job that runs or is judged | some of its own, which no other takes; more while left |
| a payer whose posting names it        | a few, then with pauses, until one is taken            |
| a stranger                            | few for all: the server's watch sees all               |

A posting costs its payer little, who may cancel it: payers are bounded together, not only each.
Parties are bounded by number: each open task has one payer, each open charge a payer and a node.
At every moment a party has had no fewer looks of its own than a payer could have had.

A look is up to `CALLS_OF_OFFER` calls at a node, `CALLS_OF_CASE` at a judge, or the reading of one
finished job. With 256 open jobs all that there may be are no more calls a second than the watch
makes when these are read at once.
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
PARTIES_OWN_AT_ONCE = 10  # of one party
PARTIES_OWN_EVERY_S = 25.0  # then one, of one party
PARTIES_LONGEST_WAIT_S = 2.0  # the watch may have seen by then what is asked for
PARTIES_MORE_PER_S = 16.0
PARTIES_MORE_PER_S_OF_PARTY = 10.0
MOST_PARTIES = 32_768  # whose own looks are counted: more than open jobs may have

CALLS_OF_OFFER, CALLS_OF_CASE = 12, 3  # questions to the chain


class Looks:
    """Counts them; safe for many threads.

    Args:
        has_part: whether a known party has a part in a job that runs, or is judged, here.
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
        own_per_s, own_burst_s = 1 / PARTIES_OWN_EVERY_S, PARTIES_OWN_AT_ONCE * PARTIES_OWN_EVERY_S
        self._own = RateLimit(own_per_s, own_per_s, own_burst_s, MOST_PARTIES)
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

    def note_taken(self, payer: str) -> None:
        """Its offer was taken: it waits no longer for the next."""
        with self._guard:
            self._pauses.forget(payer)

    def _of_party(self, account: str, now: float) -> float:
        wait_s = self._own.take(account, now, is_known=True)  # from no pot that others empty
        more_s = wait_s and self._more.take(account, now)
        return min(wait_s, more_s, PARTIES_LONGEST_WAIT_S)

    def _of_payer(self, account: str, now: float) -> float:
        wait_s = self._pauses.left(account, now) or self._payers.take(account, now)
        if not wait_s:
            self._pauses.note(account, now)
        return wait_s
