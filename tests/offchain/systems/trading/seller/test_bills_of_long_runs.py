"""Processor time of a run that lasts through several intervals is billed whole, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    BANDS,
    BY_CPU,
    BY_DAY,
    DOMAIN,
    OPENED,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
)

from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.buyer.checking import ProposalWrong, check_proposal
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Fault, Head, Pricing, Readings
from edgemark.systems.trading.protocol.life import LIFE, step
from edgemark.systems.trading.protocol.messages import Answer, Proposal, Request
from edgemark.systems.trading.seller.admission import draft_bill, with_signature
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.serving.orders import count_used, split_units
from edgemark.systems.trading.templates.readings import MAX_CORES
from edgemark.systems.trading.templates.strategies import DAY_S, Band, TimeOfDay
from edgemark.systems.trading.work.messages import Usage

INTERVAL = AGREEMENT.conditions.interval_s
CORES = BY_CPU.agreed.specification.cores
SIGNATURE = bytes(65)


def head(seconds: int) -> Head:
    return Head(START + seconds, START + seconds)


def running(units: int, number: int = 1) -> Sale:
    """A sale with a run in hand since its opening."""
    sale = Sale()
    for event in (on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        sale, _ = step(sale, event)
    return step(sale, on.HeardRequest(Request(number, units, b"run")))[0]


def idle(sale: Sale, seconds: int, pricing: Pricing = BY_CPU) -> Sale:
    """Nothing came by then, so what was is one interval that costs nothing."""
    sale = LIFE.reach_time(sale, Timestamp(START + seconds))
    draft = draft_bill(sale, pricing, head(seconds))
    assert isinstance(draft, on.FoundNothingDue)
    return step(sale, draft)[0]


def stop(sale: Sale, units: int, seconds: int) -> tuple[Sale, Proposal]:
    """The run is done and service over: the last bill."""
    sale, _ = step(sale, on.FoundServed(Answer(1, (units,), b"done")))
    sale, _ = step(sale, on.AskedStop(Timestamp(START + seconds)))
    draft = draft_bill(sale, BY_CPU, head(seconds))
    assert isinstance(draft, Proposal)
    assert draft.is_last
    return step(sale, with_signature(draft, SIGNATURE))[0], draft


@pytest.mark.parametrize("done", [INTERVAL + 2, 2 * INTERVAL + 1, 7 * INTERVAL])
def test_run_through_several_intervals__is_billed_whole_at_the_last(done: int) -> None:
    """All cores were busy from the opening to the end; the bill before was of nothing."""
    units = 1000 * CORES * done
    sale, bill = stop(idle(running(units), INTERVAL + 1), units, done)
    assert (bill.readings.units, sum(bill.readings.after)) == (units, sum(sale.used))
    assert bill.readings.end - bill.readings.start <= INTERVAL
    assert bill.fee == min(BY_CPU.price(bill.readings), AGREEMENT.conditions.cap)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10 * INTERVAL), st.integers(0, 4), st.integers(0, 2))
def test_buyer__takes_a_bill_of_a_seller_whatever_ran_when(
    done: int, pauses: int, over: int
) -> None:
    """And never for more than there can have been since the opening, or than came."""
    sale, most = running(1000 * CORES * done), 1000 * CORES * done
    for number in range(1, pauses + 1):
        if number * (INTERVAL + 1) < done:
            sale = idle(sale, number * (INTERVAL + 1))
    sale, bill = stop(sale, most, done)
    bought = Purchase(
        agreement=AGREEMENT, policy=POLICY, opened_at=Timestamp(START), deposit=sale.deposit
    )
    came = replace(bought, units_came=most)
    signed = draft_signed(bill)
    assert check_proposal(came, signed, BY_CPU, DOMAIN, head(done)) == on.HeardProposal(signed)
    more = tuple(each + 1 + over for each in bill.readings.after)
    planted = draft_signed(replace(bill, readings=replace(bill.readings, after=more)))
    with pytest.raises(ProposalWrong) as caught:
        check_proposal(came, planted, BY_CPU, DOMAIN, head(done))
    assert caught.value.fault is Fault.READINGS


def draft_signed(bill: Proposal) -> Proposal:
    digest = DOMAIN.voucher(AGREEMENT.channel, bill.voucher)
    return replace(bill, signature=SELLER_KEY.sign(digest))


def test_last_interval__may_begin_later_and_no_other() -> None:
    sale = idle(running(4), INTERVAL + 1)
    sale, _ = step(sale, on.FoundServed(Answer(1, (4,), b"done")))
    sale = LIFE.reach_time(sale, Timestamp(START + 5 * INTERVAL))
    draft = draft_bill(sale, BY_CPU, head(5 * INTERVAL))
    begun = START + INTERVAL + 1
    shown = draft.readings if isinstance(draft, Proposal | on.FoundNothingDue) else None
    assert shown is not None
    assert shown.start == begun


def test_run_over_the_edge_of_a_band__falls_into_both_as_long_as_it_was_in_each() -> None:
    bands = TimeOfDay((Band(0, 1000), Band(100, 1500)))
    assert split_units(70, bands, 90, 160) == (10, 60)
    assert split_units(7, bands, 100, 100) == (7, 0)  # a part of a second is one
    assert split_units(100, bands, DAY_S - 1, DAY_S + 2) == (67, 33)
    for units in range(20):
        assert sum(split_units(units, bands, 93, 107)) == units
    thirds = TimeOfDay((Band(0, 1000), Band(100, 1500), Band(101, 1000)))
    for units in range(2995, 3001):  # a run that was busy all the while: no band shows too much
        parts = split_units(units, thirds, 99, 102)
        assert sum(parts) == units and max(parts) <= 1000, parts
    by_cpu = replace(BY_CPU.agreed, strategy=TimeOfDay(BANDS))
    pricing = Pricing(by_cpu)
    used = Usage(cpu_us=60_000_000, wall_us=59_100_000)
    edge = START + 100  # of `BANDS`
    assert count_used(used, 10**6, pricing, edge + 20) == (40_000, 20_000)
    assert count_used(Usage(units=7), 9, BY_DAY, edge) == (0, 7)
    readings = Readings(Timestamp(edge), Timestamp(edge + 20), (0, 0), (40_000, 20_000))
    pricing.check(readings, START)
    assert MAX_CORES >= CORES and Tokens(0) == 0
