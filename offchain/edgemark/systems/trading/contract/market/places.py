"""What the places of a category cost: the plain twin of `OfferPlaces`, and what follows. Pure.

    D  least deposit            x  deposit of an offer           256 places a category

Rule 1: a deposit is locked until its offer's expiry, at least `min_seconds`; it is never lost.
Rule 2: where all places are taken, 2 x displaces an offer with x, whose deposit returns at once.

So who wants to keep out a seller that is ready to lock y has to hold more than y / 2 in each of the
256 places: 128 times what that seller locks, however many sellers there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.systems.trading.contract.market.records import MAX_PLACES, OUTBIDS


def compute_needed(deposits: Sequence[int], least: int) -> int:
    """The least deposit that gives a new offer a place.

    Args:
        deposits: of the offers that are listed and have not expired, at most `MAX_PLACES`.
        least: D.
    """
    if len(deposits) < MAX_PLACES:
        return least
    return OUTBIDS * min(deposits)


def compute_hold(ready: int, least: int) -> int:
    """What a spammer has to hold in all so that no seller gets in that is ready to lock `ready`."""
    return MAX_PLACES * max(least, ready // OUTBIDS + 1)


def compute_interest(amount: int, seconds: int, per_year: float) -> float:
    """What it costs to leave an amount locked, at an interest of `per_year`."""
    return amount * per_year * seconds / (365 * 86_400)
