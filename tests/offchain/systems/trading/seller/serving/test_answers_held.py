"""Work that is paid by time: what is not paid for does not leave, and overdraws a channel."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import AGREEMENT, METERED, POLICY
from tests.offchain.systems.trading.seller.signing_pair import Pair, head, second

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Reducing
from edgemark.systems.trading.protocol.agreement import Pricing, Reason
from edgemark.systems.trading.protocol.life import SellerPhase, step
from edgemark.systems.trading.protocol.messages import Answer, Request
from edgemark.systems.trading.seller.admission import (
    NothingYet,
    ReductionRefused,
    check_reducing,
)
from edgemark.systems.trading.seller.serving.holding import Held, check_time_paid

INTERVAL = AGREEMENT.conditions.interval_s
CREDIT = AGREEMENT.conditions.credit + AGREEMENT.conditions.cap
DEPOSIT = Tokens(3 * INTERVAL - 10)  # a token a second: the third interval is not all covered


def busy(deposit: Tokens = DEPOSIT) -> Pair:
    """A token a second, and one request in hand, however long it lasts."""
    pair = Pair()
    pair.sale = replace(pair.sale, deposit=deposit)
    pair.purchase = replace(pair.purchase, deposit=deposit)
    pair.buy(on.AskedRequest(Request(1, 0, b"a long one")))
    pair.sell(on.HeardRequest(Request(1, 0, b"a long one")))
    return pair


def serve(pair: Pair, until: int) -> None:
    """Each interval is billed and signed, as far as the deposit goes."""
    for at in range(INTERVAL + 1, until, INTERVAL):
        pair.wait(at)
        pair.propose(at)
        pair.sign(at)


def test_deposit_used_up_by_time__overdraws_the_channel_and_then_ends_its_service() -> None:
    pair = busy()
    serve(pair, 2 * INTERVAL + 2)
    assert pair.sale.signed == 2 * INTERVAL
    later = 3 * INTERVAL + 1
    pair.wait(later)
    assert pair.propose(later) == on.FoundOverdrawn(second(later))
    assert pair.sale.overdrawn_since == second(later)
    with pytest.raises(NothingYet, match="not covered"):
        pair.propose(later + 1)
    pair.wait(later + POLICY.patience_s)
    assert pair.sale.phase is SellerPhase.SERVING
    pair.wait(later + POLICY.patience_s + 1)
    assert (pair.sale.phase, pair.sale.reason) == (SellerPhase.STOPPED, Reason.OVERDRAWN)
    found = pair.propose(later + POLICY.patience_s + 1)
    assert isinstance(found, on.FoundProposal)
    assert found.proposal.fee == DEPOSIT - 2 * INTERVAL, "then what is left is for the time"


def test_answer_that_the_deposit_does_not_cover__is_held_until_it_does() -> None:
    pair = busy()
    serve(pair, 2 * INTERVAL + 2)
    at = 5 * INTERVAL + 1
    pair.wait(at)
    pair.propose(at)
    pair.sell(on.FoundServed(Answer(1, (), b"values"), second(at)))
    assert do.SendAnswer(1) in pair.sale.owed()
    with pytest.raises(Held, match="covered"):
        check_time_paid(pair.sale, pair.pricing, head(at))
    for party in (pair.sell, pair.buy):
        party(on.SawMoney(Tokens(1000), pair.sale.paid, pair.sale.agreements))
    assert pair.sale.overdrawn_since == NO_TIME
    billed = []
    while pair.sale.billed.end < second(5 * INTERVAL):
        pair.wait(at)
        found = pair.propose(at)
        assert isinstance(found, on.FoundProposal)
        billed.append(found.proposal.readings)
        pair.sign(at)
    assert billed[0].start == START + 2 * INTERVAL, "no second is passed over"
    assert pair.sale.signed == 5 * INTERVAL
    check_time_paid(pair.sale, pair.pricing, head(at))


def test_answer_whose_time_nobody_signs__leaves_within_cap_and_credit_alone() -> None:
    pair = busy(Tokens(1000))
    pair.wait(INTERVAL + 1)
    pair.propose(INTERVAL + 1)
    pair.sell(on.FoundServed(Answer(1, (), b"values"), second(INTERVAL + 2)))
    check_time_paid(pair.sale, pair.pricing, head(CREDIT))
    with pytest.raises(Held, match="signed"):
        check_time_paid(pair.sale, pair.pricing, head(CREDIT + 1))
    pair.wait(CREDIT + 1)
    pair.propose(CREDIT + 1)  # the first is not valid any more
    pair.sign(CREDIT + 1)
    check_time_paid(pair.sale, pair.pricing, head(CREDIT + 1))


def test_top_ups_of_a_token_an_interval__buy_no_interval() -> None:
    pair, deposit = busy(Tokens(1)), 1
    for number in range(1, 11):
        at = number * INTERVAL + 1
        pair.wait(at)
        assert pair.propose(at) == on.FoundOverdrawn(second(at))
        deposit += 1
        for party in (pair.sell, pair.buy):
            party(on.SawMoney(Tokens(deposit), pair.sale.paid, pair.sale.agreements))
    pair.sell(on.FoundServed(Answer(1, (), b"values"), second(at)))
    assert pair.sale.signed == 0
    with pytest.raises(Held, match=f"{at} owed; needed <= 11 covered"):
        check_time_paid(pair.sale, pair.pricing, head(at))


def test_first_price__is_owed_before_an_answer_leaves() -> None:
    pair = busy(Tokens(60))
    dear = Pricing(replace(pair.pricing.agreed, first_price=Tokens(50)))
    check_time_paid(pair.sale, dear, head(10))
    with pytest.raises(Held, match="61 owed; needed <= 60 covered"):
        check_time_paid(pair.sale, dear, head(11))


def test_answer_that_was_held__leaves_also_while_its_seller_claims() -> None:
    pair = busy(Tokens(1000))
    pair.sell(on.FoundServed(Answer(1, (), b"values"), second(5)))
    claiming, window = (
        replace(pair.sale, phase=phase) for phase in (SellerPhase.CLAIMING, SellerPhase.WINDOW)
    )
    for sale in (claiming, window):
        assert do.SendAnswer(1) in sale.owed()
        taken, _ = step(sale, on.HeardAnswerTaken(1))
        assert do.SendAnswer(1) not in taken.owed()


def test_answer_where_units_are_counted__is_never_held() -> None:
    pair = Pair(METERED)
    pair.sale = replace(pair.sale, deposit=Tokens(1))
    check_time_paid(pair.sale, METERED, head(10 * CREDIT))


def test_deposit__does_not_go_back_while_work_is_in_hand_by_time() -> None:
    pair = busy(Tokens(1000))
    back = Reducing(pair.sale.agreements, Tokens(500), Timestamp(START + 100))
    with pytest.raises(ReductionRefused, match="in hand"):
        check_reducing(pair.sale, back, pair.pricing, head(5))
    idle = Pair()
    assert isinstance(check_reducing(idle.sale, back, idle.pricing, head(5)), accord.HeardReducing)


def test_reduction_that_lapsed__covers_again_what_was_overdrawn_for_it() -> None:
    pair = busy(Tokens(1000))
    back = Reducing(0, Tokens(1000), Timestamp(START + 50), b"")
    held = replace(pair.sale, reducing=back, overdrawn_since=second(10))
    pair.sale = held
    pair.sell(accord.SawLapsed(second(51)))
    assert (pair.sale.reducing, pair.sale.overdrawn_since) == (None, NO_TIME)
