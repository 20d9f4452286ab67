"""What suits a demand, and what places cost. Rows T1, T19, T30; `OfferBook` is held to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import ESCROW, PEOPLE, START
from tools.print_offer_payoffs import main

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.systems.trading.contract.market.matching import find_lack, recommend, suits
from edgemark.systems.trading.contract.market.places import (
    compute_hold,
    compute_interest,
    compute_needed,
)
from edgemark.systems.trading.contract.market.records import (
    MAX_PLACES,
    OUTBIDS,
    Demand,
    Offer,
    OfferDraft,
    Qualification,
    compute_category,
    make_offer_id,
)
from edgemark.systems.trading.identifiers import TemplateVersionId

CATEGORY = compute_category("CPU time, price of a core-second")
TEMPLATE = TemplateVersionId(b"\1" * 32)
CREDENTIAL = Hash32(b"\2" * 32)
AUDITOR, RATER = PEOPLE["tower"], PEOPLE["rival"]
LEAST = 1003


def draft(**changes: Any) -> OfferDraft:
    said = OfferDraft(
        ESCROW,
        CATEGORY,
        TEMPLATE,
        Resources(4, 4, 4, 4),
        Tokens(10),
        3,
        Timestamp(START + 100),
        (Qualification(AUDITOR, CREDENTIAL),),
    )
    return replace(said, **changes)


def offer(place: int = 0, taken: int = 0, **changes: Any) -> Offer:
    return Offer(make_offer_id(PEOPLE["seller"], place + 1), draft(**changes), taken, place)


def is_recorded(holder: Address, credential: Hash32, issuer: Address) -> bool:
    return (holder, credential, issuer) == (PEOPLE["seller"], CREDENTIAL, AUDITOR)


WANTED = Demand(ESCROW, CATEGORY)


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"until": START + 100}, True),
        ({"until": START + 101}, False),
        ({"most_price": 10}, True),
        ({"most_price": 9}, False),
        ({"channels": 3}, True),
        ({"channels": 4}, False),
        ({"least": Resources(4, 4, 4, 4)}, True),
        ({"least": Resources(4, 4, 5, 4)}, False),
        ({"template": TEMPLATE}, True),
        ({"template": TemplateVersionId(b"\7" * 32)}, False),
        ({"category": Hash32(b"\7" * 32)}, False),
        ({"escrow": AUDITOR}, False),
        ({"issuers": (AUDITOR,)}, True),
        ({"issuers": (AUDITOR, RATER)}, False),
    ],
)
def test_t1_offer__suits_a_demand_by_each_of_its_fields(change: dict[str, Any], fits: bool) -> None:
    assert suits(offer(), replace(WANTED, **change), START, is_recorded) is fits


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"most_price": Tokens(9)}, "price: is above the most; had 0.00000000000000001 MTC"),
        ({"until": START + 101}, "offer: is over too early"),
        ({"channels": 4}, "capacity: is used up; had 3; needed 4"),
        ({"least": Resources(4, 4, 5, 4)}, "specification: is below the least"),
        ({"issuers": (RATER,)}, f"qualification: is not recorded; needed {RATER}"),
    ],
)
def test_t1_offer__says_by_what_it_does_not_suit(change: dict[str, Any], told: str) -> None:
    lack = find_lack(offer(), replace(WANTED, **change), START, is_recorded)
    assert str(lack).startswith(told)


def test_t1_offer__that_is_taken_or_over__suits_nobody() -> None:
    assert suits(offer(taken=2), WANTED, START + 100, is_recorded)
    assert not suits(offer(taken=3), WANTED, START, is_recorded)
    assert not suits(offer(taken=3), replace(WANTED, channels=0), START, is_recorded)
    assert not suits(offer(), WANTED, START + 101, is_recorded)


def test_t30_qualification__of_another_seller_or_of_nobody__suits_nobody() -> None:
    wanted = replace(WANTED, issuers=(AUDITOR,))
    another = Offer(make_offer_id(RATER, 1), draft())
    assert not suits(another, wanted, START, is_recorded)
    claimed = (Qualification(AUDITOR, Hash32(b"\3" * 32)), Qualification(RATER, CREDENTIAL))
    assert not suits(offer(qualifications=claimed), wanted, START, is_recorded)


def test_t1_recommendation__is_by_price_and_then_by_place() -> None:
    offers = [offer(place, price=Tokens(price)) for place, price in enumerate((5, 3, 9, 3))]
    found = recommend(offers, WANTED, START, is_recorded)
    assert [each.place for each in found] == [1, 3, 0, 2]


@given(deposits=st.lists(st.integers(LEAST, 10**6), max_size=MAX_PLACES))
def test_t19_while_there_is_room__the_least_deposit_is_enough(deposits: list[int]) -> None:
    if len(deposits) == MAX_PLACES:
        deposits.pop()
    assert compute_needed(deposits, LEAST) == LEAST


@given(ready=st.integers(LEAST, 10**6), extra=st.integers(0, 10**6))
def test_t19_who_keeps_a_seller_out__holds_128_times_what_that_is_ready_to_lock(
    ready: int, extra: int
) -> None:
    """And with one unit less, wherever it is missing, the seller gets in."""
    hold = compute_hold(ready, LEAST) + extra
    each, rest = divmod(hold, MAX_PLACES)
    deposits = [each + (place < rest) for place in range(MAX_PLACES)]
    assert compute_needed(deposits, LEAST) > ready
    assert hold * OUTBIDS >= MAX_PLACES * ready
    if ready >= OUTBIDS * LEAST:
        short = compute_hold(ready, LEAST) - 1
        least = min(short // MAX_PLACES, short)
        assert compute_needed([least] * MAX_PLACES, LEAST) <= ready


def test_interest__of_a_day() -> None:
    assert compute_interest(365 * 1000, 86_400, 0.05) == pytest.approx(50)


def test_page_of_offers__shows_the_table_as_it_is() -> None:
    assert main(["--check"]) == 0
