"""The stop is one second for seller and buyer, whoever sees it when, and work in hand bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    NEXT,
    POLICY,
)
from tests.offchain.systems.trading.seller.signing_pair import A_SECOND, Pair, head, second
from tests.offchain.systems.trading.work.work_cast import order_run

from edgemark.confinement.limits import MAX_WALL_S
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.identifiers import NO_TIME
from edgemark.systems.trading.buyer.checking import NotSigned, check_answer
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.ceasing import compute_skew_s
from edgemark.systems.trading.protocol.accords.stopping import hear_stop
from edgemark.systems.trading.protocol.agreement import Reason
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Request,
    Stop,
)

INTERVAL = AGREEMENT.conditions.interval_s
LONG_S = 60
LONG = replace(AGREEMENT, conditions=replace(AGREEMENT.conditions, interval_s=LONG_S))
LONG_SKEW = compute_skew_s(LONG_S)
RUN = order_run(hash_long(b"program"), b"data").to_bytes()


def test_stop_that_is_heard_late__counts_from_when_its_buyer_stopped() -> None:
    """As a block, or a broker, may come in between; the seller waits from when it heard."""
    pair = Pair()
    pair.stop(9, heard=19)
    assert (pair.sale.stopped_since, pair.sale.served_until) == (second(19), second(9))
    assert pair.settle(19) == [(0, 9)]


@pytest.mark.parametrize(
    ("said", "since"), [(0, 19), (9, 9), (19, 19), (20, 20), (49, 49), (50, 19)]
)
def test_since_when_its_buyer_stopped__it_says_itself_but_not_of_what_is_to_come(
    said: int, since: int
) -> None:
    """Its view of the chain may be ahead by two blocks or so."""
    at = second(said) if said else NO_TIME
    pair = Pair()
    pair.sell(hear_stop(Stop(Reason.EXPIRED, at), Role.BUYER, head(19)))
    assert pair.sale.served_until == second(since)


def test_since_when_its_seller_stopped__binds_no_buyer_to_what_is_to_come() -> None:
    for said, since in ((9, 9), (19, 19), (20, 19)):
        pair = Pair()
        pair.buy(hear_stop(Stop(Reason.EXPIRED, second(said)), Role.SELLER, head(19)))
        assert pair.purchase.served_until == second(since)


def test_bill_that_is_out_as_a_stop_comes_late__is_signed_up_to_the_skew_and_no_further() -> None:
    """What of it was served before is the seller's risk: less than an interval."""
    for end, is_signed in ((LONG_SKEW, True), (LONG_SKEW + 1, False)):
        pair = Pair(A_SECOND, LONG)
        pair.wait(LONG_S + 1)
        pair.propose(LONG_S + 1)
        pair.stop(LONG_S - end, heard=LONG_S + 2)
        if is_signed:
            pair.sign(LONG_S + 2)
            assert pair.settle(LONG_S + 2) == []
            continue
        with pytest.raises(NotSigned, match="after the stop"):
            pair.sign(LONG_S + 2)


@pytest.mark.parametrize(("interval", "skew"), [(1, 5), (5, 5), (20, 20), (30, 30), (60, 30)])
def test_skew__is_two_blocks_or_so_and_at_most_an_interval(interval: int, skew: int) -> None:
    assert compute_skew_s(interval) == skew


@pytest.mark.parametrize("apart", [6, 12, 24])
def test_views_of_the_chain_that_differ__cost_no_bill(apart: int) -> None:
    """The seller sees the chain later, or the buyer does; whoever stops, and with work in hand."""
    for is_working in (False, True):
        pair = Pair(A_SECOND, LONG)
        if is_working:
            pair.order(b"work")
            pair.sell(on.FoundServed(Answer(1, (), b""), second(10 + apart)))
            came = check_answer(pair.purchase, Answer(1, (), b""), head(10))
            assert came is not None
            pair.buy(came)
        pair.stop(10, heard=10 + apart)
        assert pair.settle(10 + apart) == [(0, 10 + apart * is_working)]

    ahead = Pair(A_SECOND, LONG)
    ahead.stop(10 + apart, heard=10)
    ahead.settle(10 + apart)
    assert ahead.sale.signed == 10 + apart

    seller = Pair(A_SECOND, LONG)
    seller.sell(on.AskedStop(second(10 + apart)))
    seller.hear_seller_stop(10)
    assert seller.settle(10 + apart) == [(0, 10 + apart)]


@pytest.mark.parametrize("is_out", [False, True])
@pytest.mark.parametrize(("buyer", "seller"), [(9, 59), (59, 9), (30, 30)])
def test_stops_that_cross__are_the_earlier_one_for_both(
    buyer: int, seller: int, is_out: bool
) -> None:
    """A bill that was out then is signed as it is: of service that its seller gave."""
    pair = Pair(A_SECOND, LONG)
    pair.buy(on.AskedStop(second(buyer)))
    pair.sell(on.AskedStop(second(seller)))
    if is_out:
        pair.propose(59)
    told = Stop(pair.purchase.reason, pair.purchase.said_stop)
    pair.hear_seller_stop(59)
    assert do.SendStop() in pair.purchase.owed_talk()
    pair.sell(hear_stop(told, Role.BUYER, head(59)))
    assert (pair.purchase.said_stop, pair.sale.said_stop) == (second(buyer), second(seller))
    for side in (pair.sale, pair.purchase):
        assert side.served_until == second(min(buyer, seller)), type(side).__name__
        assert do.SendStop() in side.owed_talk()
    if is_out:
        pair.sign(59)
    pair.settle(59)
    assert pair.sale.signed == (seller if is_out else min(buyer, seller))


def test_waits_for_a_controller_that_end_apart__stop_both_at_the_earlier_second() -> None:
    pair = Pair(A_SECOND, LONG)
    pair.sell(accord.AskedController(NEXT.address, second(30)))
    pair.buy(accord.AskedController(NEXT.address, second(1)))
    pair.wait(31 + POLICY.patience_s)
    pair.hear_seller_stop(120)
    pair.hear_stop(120)
    assert pair.sale.served_until == pair.purchase.served_until == second(1 + POLICY.patience_s)
    pair.settle(120)
    assert pair.sale.signed == 1 + POLICY.patience_s


def test_seller_that_says_a_later_stop_after_its_first__gains_nothing() -> None:
    pair = Pair(A_SECOND, LONG)
    pair.sell(on.AskedStop(second(9)))
    pair.hear_seller_stop(10)
    pair.buy(hear_stop(Stop(Reason.EXPIRED, second(59)), Role.SELLER, head(59)))
    assert pair.purchase.latest_stop == pair.purchase.time_ends == second(9)


def test_stop_that_crosses__lets_one_bill_end_later_and_no_other() -> None:
    pair = Pair(A_SECOND, LONG)
    pair.buy(on.AskedStop(second(9)))
    pair.buy(hear_stop(Stop(Reason.EXPIRED, second(800)), Role.SELLER, head(800)))
    for at in range(LONG_S + 1, 6 * LONG_S, LONG_S):  # the seller says it, and bills on
        pair.wait(at)
        pair.propose(at)
        if at > LONG_S + 1:
            break
        pair.sign(at)
    with pytest.raises(NotSigned, match="after the stop"):
        pair.sign(2 * LONG_S + 1)
    assert pair.purchase.signed.amount == LONG_S


def test_seller_that_goes_on_billing_after_the_stop__is_not_signed_for() -> None:
    pair = Pair()
    pair.buy(on.AskedStop(second(INTERVAL)))
    for at in range(INTERVAL + 1, 6 * INTERVAL):
        pair.wait(at)
        if pair.sale.is_bill_due and pair.sale.proposed is None:
            pair.propose(at)
            if pair.sale.proposed and at <= 2 * INTERVAL + 2:
                pair.sign(at)
    with pytest.raises(NotSigned):
        pair.sign(3 * INTERVAL + 3)
    assert pair.purchase.signed.amount <= 2 * INTERVAL, "the skew, which is an interval here"


@pytest.mark.parametrize("orders", [1, 4])
@pytest.mark.parametrize(("content", "most"), [(b"work", INTERVAL), (RUN, MAX_WALL_S)])
def test_work_in_hand_at_the_stop__is_paid_for_once_however_its_answers_drip(
    orders: int, content: bytes, most: int
) -> None:
    """An interval, or as long as one run may take; both know that bound."""
    pair = Pair()
    for number in range(1, orders + 1):
        pair.order(content, number)
    pair.stop(5)
    ends = second(5 + most)
    assert (pair.purchase.time_ends, pair.sale.time_ends) == (ends, ends)
    for number in range(1, orders + 1):
        at = 5 + most + 40 * number
        pair.sell(on.FoundServed(Answer(number, (), b""), second(at)))
        came = check_answer(pair.purchase, Answer(number, (), b""), head(at))
        assert came is not None
        pair.buy(came)
        assert (pair.purchase.time_ends, pair.sale.time_ends) == (ends, ends)


def test_order_that_no_seller_took__moves_no_time_but_an_interval() -> None:
    pair = Pair()
    pair.buy(on.AskedRequest(Request(1, 0, b"work")), on.AskedStop(second(25)))
    assert pair.purchase.time_ends == second(25 + INTERVAL)


def test_stop_while_an_order_is_open__lets_time_run_until_its_answer() -> None:
    pair = Pair()
    pair.order(b"work")
    pair.stop(5)
    pair.wait(INTERVAL + 1)
    pair.propose(INTERVAL + 1)
    pair.sign(INTERVAL + 1)
    answer = Answer(1, (), b"done")
    pair.sell(on.FoundServed(answer, second(23)))
    came = check_answer(pair.purchase, answer, head(24))
    assert came is not None
    pair.buy(came)
    assert pair.settle(60) == [(20, 23)]
    assert pair.purchase.served_until == second(24)
