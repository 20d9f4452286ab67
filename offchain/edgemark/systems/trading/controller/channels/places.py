"""Who has one of a number of places: whoever has most locked, for as long as it has. Pure.

Rule 1: a place weighs what its channels lock on chain now, deposit and bond less what is paid: that
        is what a place costs its holder, every day.
Rule 2: who weighs more than the lightest holder has its place. Of two alike the one that is there
        stays, so nobody changes places with another for nothing.
Rule 3: a channel for which nobody logged in, or brought a voucher, for long weighs a tenth: it
        gives way to the next that works, and not to one that locks next to nothing.

So of M places one who locks D is kept out by nobody that locks, at the same time, less than D in
each of all M; see docs/trading.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from edgemark.amounts import Amount
from edgemark.errors import Overloaded

IDLE_PART = 10
AGAIN_S = 15.0  # until who found no place is to ask again

K = TypeVar("K")


class NoPlace(Overloaded):
    """All places have holders that lock as much, or more."""


def weigh(locked: int, *, is_idle: bool) -> int:
    """What a channel weighs.

    Args:
        locked: deposit and bond, less what is paid.
        is_idle: nobody used its place for long.
    """
    return locked // IDLE_PART if is_idle else locked


def find_leaving(held: Mapping[K, int], weight: int, most: int, *, what: str) -> K | None:
    """Which holder gives way to one more; None where there is room.

    Args:
        held: what each holder weighs.
        weight: of who wants a place and has none.
        most: places.
        what: they are, for the error.

    Raises:
        NoPlace: there is none, and nobody weighs less.
    """
    if len(held) < most:
        return None
    leaving = min(held, key=lambda each: held[each], default=None)
    least = weight if leaving is None else held[leaving]
    if leaving is None or weight <= least:
        raise NoPlace(
            "are all taken",
            who=what,
            had=f"{Amount(weight)} locked",
            needed=f"more than {Amount(least)}",
            remedy="Lock more, wait for a place, or name another controller.",
            retry_after_s=AGAIN_S,
        )
    return leaving
