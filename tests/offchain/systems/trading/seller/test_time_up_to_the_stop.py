"""Time is billed up to the stop, to the second and for both parties, whatever comes after it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AFTER_FREE,
    AGREEMENT,
    BY_NIGHT,
    BY_TIME,
    NEXT,
    POLICY,
    TERMS,
    agreed_on,
)
from tests.offchain.systems.trading.seller.signing_pair import A_SECOND, Pair, head, second
from tests.offchain.systems.trading.work.work_cast import order_run

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.identifiers import NO_TIME, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.stopping import hear_stop
from edgemark.systems.trading.protocol.agreement import Pricing, Readings, Reason
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import LIFE, SellerPhase, TradeTime, step
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Proposal,
    Request,
    Stop,
)
from edgemark.systems.trading.seller.admission import (
    NothingYet,
    draft_bill,
    with_signature,
)
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import Bonus

INTERVAL = AGREEMENT.conditions.interval_s
RUN = order_run(hash_long(b"program"), b"data").to_bytes()
BONUS = agreed_on(Bonus(every=30, free=30), Meter.SECONDS, 1)


# --- no second beyond the stop -----------------------------------------------------------------


@pytest.mark.parametrize("came", [24, 25, 26, 36, 45, 60])
def test_voucher_that_comes_around_the_stop_or_later__lets_nothing_be_billed_beyond(
    came: int,
) -> None:
    """Service stops at 25; the voucher of the first interval comes then."""
    pair = Pair()
    pair.wait(21)
    pair.propose(21)
    if came < 25:
        pair.sign(came)
    pair.stop(25)
    if came >= 25:
        pair.sign(came)
    assert pair.settle(max(came, 25)) == [(20, 25)]
    assert pair.purchase.signed.amount == 25


@pytest.mark.parametrize("stop", [INTERVAL - 1, INTERVAL, INTERVAL + 1])
def test_stop_around_the_end_of_an_interval__is_billed_to_the_second(stop: int) -> None:
    pair = Pair()
    pair.wait(stop)
    if pair.sale.is_bill_due:
        pair.propose(stop)
        pair.sign(stop)
    pair.stop(stop)
    pair.settle(stop)
    assert pair.purchase.signed.amount == stop


def test_stop_in_the_second_in_which_the_last_bill_ended__has_no_second_more() -> None:
    pair = Pair()
    pair.wait(INTERVAL + 1)
    pair.propose(INTERVAL + 1)
    pair.stop(INTERVAL)
    pair.sign(INTERVAL + 1)
    assert pair.settle(INTERVAL + 1) == []
    assert pair.purchase.signed.amount == INTERVAL


def test_stop_in_the_second_of_the_opening__costs_nothing_not_even_the_first_price() -> None:
    pair = Pair(Pricing(replace(A_SECOND.agreed, first_price=Tokens(7))))
    pair.stop(0)
    assert pair.settle(3) == []
    assert pair.sale.billed.amount == 0


def test_bill_while_service_ends__has_no_second_of_the_margin() -> None:
    """The block that is drafted by may be seen before the time of service is."""
    pair = Pair()
    ends = pair.sale.service_ends - START
    pair.sale = replace(pair.sale, billed=replace(pair.sale.billed, end=second(ends - 5)))
    pair.sale = pair.sale.forget(TradeTime.INTERVAL)
    late = replace(pair.sale, over=pair.sale.over | LIFE.reach_time(pair.sale, second(ends)).over)
    assert late.phase is SellerPhase.SERVING
    draft = draft_bill(late, A_SECOND, head(ends + 9))
    assert isinstance(draft, Proposal)
    assert draft.readings.end == pair.sale.service_ends


def test_answer_before_the_stop__moves_nothing() -> None:
    pair = Pair()
    pair.sell(on.HeardRequest(Request(1, 1, b"work")))
    pair.sell(on.FoundServed(Answer(1, (0,), b""), second(3)))
    pair.stop(8)
    assert pair.settle(9) == [(0, 8)]


# --- nothing that comes after the stop moves it -------------------------------------------------


def lose_controller(pair: Pair) -> None:
    pair.sell(accord.AskedController(NEXT.address, second(1)))
    pair.buy(accord.AskedController(NEXT.address, second(1)))


def overdraw(pair: Pair) -> None:
    pair.sell(on.FoundOverdrawn(second(1)))


STOPS = {"failover": lose_controller, "overdraft": overdraw}
MOVES = {
    "blocks": (on.SawBlocksStop(), on.SawBlocksGoOn(second(400))),
    "broker": (on.FoundBrokerAway(), on.FoundBrokerBack(second(400))),
    "top-up": (on.SawMoney(Tokens(TERMS.deposit + 100), Tokens(0), 0),),
    "wish": (accord.AskedController(NEXT.address, second(300)),),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("why", STOPS)
def test_what_comes_after_a_stop__moves_neither_its_second_nor_its_reason(
    why: str, move: str
) -> None:
    pair, stop = Pair(), 1 + POLICY.patience_s
    STOPS[why](pair)
    pair.wait(stop + 1)
    reason = pair.sale.reason
    assert reason in (Reason.CONTROLLER_LOST, Reason.OVERDRAWN)
    if pair.purchase.reason is Reason.NONE:
        pair.buy(hear_stop(Stop(reason, pair.sale.stops_at), Role.SELLER, head(stop + 1)))
    pair.sell(*MOVES[move])
    pair.buy(*MOVES[move])
    for side in (pair.sale, pair.purchase):
        assert (side.reason, side.served_until) == (reason, second(stop)), type(side).__name__
    pair.settle(400)
    assert pair.purchase.signed.amount == stop


def test_before_the_stop__the_same_events_give_the_other_its_whole_time() -> None:
    for why, move, reason in (
        ("failover", "blocks", Reason.CONTROLLER_LOST),
        ("overdraft", "blocks", Reason.OVERDRAWN),
        ("overdraft", "broker", Reason.OVERDRAWN),
    ):
        pair = Pair()
        STOPS[why](pair)
        pair.sell(*MOVES[move])
        pair.wait(400 + POLICY.patience_s)
        assert pair.sale.phase is SellerPhase.SERVING
        pair.wait(401 + POLICY.patience_s)
        assert (pair.sale.reason, pair.sale.served_until) == (reason, second(400 + 60))
    pair = Pair()
    STOPS["overdraft"](pair)
    pair.sell(*MOVES["top-up"])
    pair.wait(400)
    assert pair.sale.phase is SellerPhase.SERVING


def test_buyer_that_waits_anew__knows_its_stop_as_before() -> None:
    pair = Pair()
    pair.stop(30)
    pair.buy(on.SawBlocksStop(), on.SawBlocksGoOn(second(90)), on.FoundBrokerBack(second(95)))
    assert (pair.purchase.stopped_since, pair.purchase.served_until) == (second(95), second(30))


# --- what costs nothing swallows nothing that does ----------------------------------------------


FREE = {  # stopped at 150, and what that costs
    "band": (BY_NIGHT, 150 - 40),
    "tiers": (AFTER_FREE, 150 - 100),
    "bonus": (BONUS, 30 + 30 + 30),
    "half a token": (BY_TIME, 75),
}


@pytest.mark.parametrize("late", [1, 6, 40, 130])
@pytest.mark.parametrize("name", FREE)
def test_free_time__is_passed_over_and_no_second_more(name: str, late: int) -> None:
    """Drafts are so late while service goes on; what is left is billed after the stop."""
    pricing, due = FREE[name]
    pair, at = Pair(pricing), 0
    while (at := pair.sale.billed.end - START + INTERVAL + late) < 150:
        pair.wait(at)
        if isinstance(pair.propose(at), on.FoundProposal):
            pair.sign(at)
    pair.stop(150)
    pair.settle(150)
    assert pair.purchase.signed.amount == due


@pytest.mark.parametrize("stop", [39, 40, 41, 75])
def test_stop_around_the_end_of_a_free_band__is_billed_to_the_second(stop: int) -> None:
    pair = Pair(BY_NIGHT)
    pair.stop(stop)
    pair.settle(stop)
    assert pair.sale.signed == max(0, stop - 40)


def test_free_time_of_a_run_in_hand__waits_for_what_is_not() -> None:
    pair = Pair(BY_NIGHT)
    pair.order(RUN)
    pair.stop(5)
    pair.wait(INTERVAL + 1)
    with pytest.raises(NothingYet):
        pair.propose(INTERVAL + 1)
    pair.sell(on.FoundServed(Answer(1, (), b""), second(43)))
    pair.buy(on.HeardAnswer(Answer(1, (), b""), second(43)))
    found = pair.propose(50)
    assert isinstance(found, on.FoundProposal)
    assert (found.proposal.fee, found.proposal.is_last) == (3, True)


def test_nothing_due__is_no_end_while_time_is_left() -> None:
    """A draft that leaves it out is none of this state, whoever made it."""
    pair = Pair(BY_NIGHT)
    pair.stop(75)
    early = Readings(second(0), second(20), (0, 0), (20, 0))
    with pytest.raises(IllegalMove):
        pair.sell(on.FoundNothingDue(early, pair.sale.used))
    draft = draft_bill(pair.sale, BY_NIGHT, head(75))
    assert isinstance(draft, Proposal) and not draft.is_last
    with pytest.raises(IllegalMove):
        pair.sell(with_signature(replace(draft, is_last=True), bytes(65)))


def test_deposit_that_is_used_up__ends_what_can_never_be_billed() -> None:
    pair = Pair()
    few = on.SawMoney(Tokens(12), Tokens(0), 0)
    pair.sell(few)
    pair.buy(few)
    pair.stop(50)
    assert pair.settle(50) == [(0, 20)]
    assert pair.purchase.signed.amount == 12


# --- a voucher that is too late ----------------------------------------------------------------


def test_voucher_after_the_patience__counts_for_its_bill_and_nothing_more_is_billed() -> None:
    """Nothing was served beyond the grace; without a last voucher the last one is the bill."""
    pair = Pair()
    pair.wait(INTERVAL + 1)
    pair.propose(INTERVAL + 1)
    pair.wait(INTERVAL + 2 + AGREEMENT.conditions.grace_s + POLICY.patience_s)
    assert (pair.sale.phase, pair.sale.reason) == (SellerPhase.CLAIMING, Reason.VOUCHER_LATE)
    assert pair.sale.served_until == NO_TIME
    pair.sign(INTERVAL + 30)
    assert pair.sale.phase is SellerPhase.CLAIMING
    assert pair.sale.signed == INTERVAL
    assert not [each for each in pair.sale.owed() if type(each).__name__ == "Propose"]


def test_late_voucher_of_a_bill_in_between__ends_no_work_that_is_in_hand() -> None:
    """A grace is waited for once nothing is in hand; before, the patience as well."""
    grace, pair = AGREEMENT.conditions.grace_s, Pair()
    pair.order(RUN)
    pair.stop(2)
    pair.wait(INTERVAL + 1)
    pair.propose(INTERVAL + 1)
    pair.wait(INTERVAL + 1 + grace + POLICY.patience_s)
    assert pair.sale.phase is SellerPhase.STOPPED
    done = INTERVAL + 1 + grace + 5
    answered, _ = step(pair.sale, on.FoundServed(Answer(1, (0,), b""), second(done)))
    for at, phase in ((grace, SellerPhase.STOPPED), (grace + 1, SellerPhase.CLAIMING)):
        assert LIFE.reach_time(answered, second(done + at)).phase is phase
    pair.wait(INTERVAL + 2 + grace + POLICY.patience_s)
    assert pair.sale.phase is SellerPhase.CLAIMING
