"""How long service goes on (deposit, credit, grace), when it is overdrawn, and N of its evidence.

Source: EFSC IV-B.1 (N raised when the chain's queue is long), V-C (N >= 10 at 11,000 credentials
and 1,200 evidences a second); deposit, credit, grace and overdraft are ours. Pure.

Rule 1: a late voucher stops new work after the grace, never the work in hand.
Rule 2: service goes on within confirmed deposit, credit and grace; a chain or a broker that is away
        changes none of them, and is not asked here.
Rule 3: N is never above the template's, and the end of a channel is always recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens

LONG_QUEUE, SHORT_QUEUE = 64, 8  # evidences that wait: two blocks of 32, and a quarter of one
ALARM_INTERVALS = 10  # before an overdraft: time to top a channel up, and to have it confirmed


class Stop(Enum):
    """Why no new work is taken."""

    CREDIT_USED = "more is owed and not signed than the credit allows"
    VOUCHER_LATE = "a voucher is later than the grace"
    OVERDRAWN = "all that was deposited is owed"


@dataclass(frozen=True)
class Standing:
    """Where a channel stands for its seller, in smallest units and Unix seconds.

    Attributes:
        deposit: confirmed on chain, less what went back.
        signed: the largest amount that the buyer signed.
        owed: all that was served, the running interval included.
        due_at: when the oldest interval that is not signed ended; None: all are.
    """

    deposit: Tokens
    signed: Tokens
    owed: Tokens
    due_at: Timestamp | None


def find_stop(standing: Standing, *, credit: int, grace_s: int, now: int) -> Stop | None:
    """Why no new work may be taken, or None while it may.

    Args:
        standing: of the channel.
        credit: of its initiation credential; what may be owed and not signed.
        grace_s: of it; seconds that a voucher may be late.
        now: chain time, so that a clock that leaps stops nobody.
    """
    if standing.owed >= standing.deposit:
        return Stop.OVERDRAWN
    if standing.owed - standing.signed > credit:
        return Stop.CREDIT_USED
    if standing.due_at is not None and now > standing.due_at + grace_s:
        return Stop.VOUCHER_LATE
    return None


@dataclass(frozen=True)
class Outlook:
    """When a deposit is used up.

    Attributes:
        seconds: from now on, at the pace of late; None: nothing was used, so nobody knows.
        surely: seconds that it lasts at least, at the cap of an interval; None: the cap is 0.
        is_alarm: whether it is time to top up.
    """

    seconds: int | None
    surely: int | None
    is_alarm: bool


def compute_outlook(
    left: int, *, spent: int, seconds: int, interval_cap: int, interval_s: int
) -> Outlook:
    """When a deposit is used up, rounded down: the alarm is never late.

    Args:
        left: deposit less what is owed, smallest units; below 0 counts as 0.
        spent: in the last `seconds`, >= 1 of them.
        seconds: that were looked at.
        interval_cap: most that an interval costs.
        interval_s: its length, >= 1.

    Raises:
        RefusedInput: no time was looked at.
    """
    if seconds < 1 or interval_s < 1:
        had = f"{seconds} and {interval_s} seconds"
        raise RefusedInput("is no time", who="outlook", had=had, needed=">= 1 second each")
    left = max(left, 0)
    at_pace = left * seconds // spent if spent > 0 else None
    surely = left // interval_cap * interval_s if interval_cap > 0 else None
    is_near = at_pace is not None and at_pace <= ALARM_INTERVALS * interval_s
    return Outlook(at_pace, surely, is_near or left == 0)


def compute_least_cycles(issued_per_s: Fraction, recorded_per_s: Fraction) -> int:
    """The least N that a chain sustains: every N-th credential is recorded.

    Args:
        issued_per_s: credentials of all channels together, >= 0.
        recorded_per_s: evidences that the chain takes.

    Raises:
        RefusedInput: the chain takes none, so no N is enough.
    """
    if recorded_per_s <= 0:
        raise RefusedInput(
            "takes no evidence", who="chain", had=f"{recorded_per_s} a second", needed="> 0"
        )
    return max(1, -(-issued_per_s // recorded_per_s))


def adapt_cycles(cycles: int, waiting: int, *, least: int, most: int) -> int:
    """The next N: twice as many when the queue is long, one less when it is short.

    Args:
        cycles: N now.
        waiting: evidences that wait to be recorded.
        least: what the chain sustains, as `compute_least_cycles`; where it is above `most`, the
            queue grows and `most` holds all the same.
        most: of the template, >= 1.
    """
    wanted = cycles
    if waiting >= LONG_QUEUE:
        wanted = 2 * cycles
    elif waiting <= SHORT_QUEUE:
        wanted = cycles - 1
    return max(1, min(max(wanted, least), most))


def is_evidence_due(index: int, recorded: int, cycles: int, *, is_over: bool) -> bool:
    """Whether the newest credential is to be recorded now.

    Args:
        index: of the newest credential; 0: there is none.
        recorded: index of the last one that was.
        cycles: N.
        is_over: whether the channel closes; then the newest is recorded, whatever N is.
    """
    if index <= recorded:
        return False
    return is_over or index - recorded >= cycles
