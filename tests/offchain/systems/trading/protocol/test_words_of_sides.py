"""What buyer and seller remember, owe and forget at the bounds of a word, a time or an amount."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    METERED,
    NEXT,
    POLICY,
    TERMS,
    THIEF,
    draft_proposal,
)

from edgemark.identifiers import NO_TIME, NOBODY, Address, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import TimeOver
from edgemark.systems.trading.buyer.purchase import Purchase, Signed
from edgemark.systems.trading.contract.records import ChannelEnding
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing
from edgemark.systems.trading.protocol.accords.signing import word_of_both
from edgemark.systems.trading.protocol.agreement import (
    BlocksStopped,
    Conditions,
    Head,
    Reason,
    check_fresh,
    later,
)
from edgemark.systems.trading.protocol.life import BuyerPhase, SellerPhase, TradeTime, step
from edgemark.systems.trading.protocol.messages import (
    Countersigned,
    Credential,
    Request,
    Settlement,
)
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.works import MAX_WORKS, Work

OPEN = {
    "agreement": AGREEMENT,
    "policy": POLICY,
    "opened_at": Timestamp(START),
    "deposit": TERMS.deposit,
    "signers": TERMS.signers,
}
BUYING = Purchase(phase=BuyerPhase.BUYING, **OPEN)
SERVING = Sale(phase=SellerPhase.SERVING, **OPEN)
SIDES = pytest.mark.parametrize("side", [BUYING, SERVING], ids=["buyer", "seller"])


def amend(number: int = 0, payer_key: Address = TERMS.payer_key) -> Amending:
    signers = replace(TERMS.signers, payer_key=payer_key)
    return Amending(number, Tokens(0), signers, Timestamp(START + 50), b"s" * 65)


def settlement(index: int) -> Settlement:
    bill = draft_proposal(30 * index, index, 30)
    return Settlement(bill, bytes(65))


# --- both ----------------------------------------------------------------------------------------


@SIDES
@pytest.mark.parametrize("agreements", [0, 1])
def test_words_for_an_agreement__are_kept_until_its_number_is_taken(
    side: Side, agreements: int
) -> None:
    words = {"amending": amend(), "offered": amend(), "consent": amend()}
    seen = on.SawMoney(TERMS.deposit, Tokens(0), agreements)
    told, _ = step(replace(side, **words), seen)
    kept = {name: getattr(told, name) for name in words}
    assert kept == (words if agreements == 0 else dict.fromkeys(words))


@SIDES
def test_stop_of_the_other__is_known_to_it_and_not_said_back(side: Side) -> None:
    told, owed = step(side, on.HeardStop(Reason.ASKED_BY_BUYER, Timestamp(START + 5)))
    assert told.stop_told
    assert do.SendStop() not in owed


@SIDES
def test_key_that_a_party_wanted__is_wanted_until_it_is_its_own(side: Side) -> None:
    key = NEXT.address
    wanting = replace(side, next_key=key)
    mine = "payer_key" if side is BUYING else "seller_key"
    others = "seller_key" if side is BUYING else "payer_key"
    for name, left in ((mine, NOBODY), (others, key)):
        signers = replace(TERMS.signers, **{name: key})
        assert step(wanting, on.SawAmended(signers))[0].next_key == left


@SIDES
def test_window__is_a_time_of_a_channel_that_somebody_closed(side: Side) -> None:
    over = TimeOver(TradeTime.WINDOW)
    assert over not in [what for _, what in side.ends()]
    closed = replace(side, deadline=Timestamp(START + 70))
    assert (START + 70, over) in closed.ends()


@SIDES
def test_closing_of_a_party_that_signed_none__is_at_what_is_paid(side: Side) -> None:
    paid = replace(side, paid=Tokens(40))
    assert word_of_both(paid, do.SendClosing()) == Closing(Tokens(40), TERMS.close_by)
    own = Closing(Tokens(50), TERMS.close_by, b"s" * 65)
    assert word_of_both(replace(paid, closing=own), do.SendClosing()) == own


def test_conditions__are_those_of_the_agreement_each_in_its_place() -> None:
    agreed = METERED.agreed
    found = Conditions.of(agreed)
    assert (found.interval_s, found.grace_s) == (agreed.interval_s, agreed.grace_s)
    assert (found.credit, found.cap) == (agreed.credit, agreed.interval_cap)
    assert (found.cycles, found.most_cycles) == (agreed.cycles, agreed.max_cycles)


def test_meter__shows_no_fewer_units_than_it_showed_before() -> None:
    shown = METERED.read(START, START + 20, (10,), (5,), START)
    assert (shown.before, shown.after) == ((10,), (10,))


@SIDES
def test_other_party__is_waited_for_while_it_can_be_heard(side: Side) -> None:
    assert side.is_losing_patience()
    deaf = replace(side, broker_away=True)
    assert not deaf.is_losing_patience()
    assert replace(deaf, why=Reason.CONTROLLER_LOST).is_losing_patience(), "it comes back never"
    assert not replace(side, blocks_stopped=True).is_losing_patience()


def test_time_that_began__begins_anew_and_never_earlier() -> None:
    assert later(NO_TIME, Timestamp(5)) == NO_TIME
    assert [later(Timestamp(since), Timestamp(5)) for since in (3, 5, 7)] == [5, 5, 7]


def test_newest_block__is_old_beyond_the_bound_and_not_at_it() -> None:
    check_fresh(Head(START + 30, START), 30)
    with pytest.raises(BlocksStopped, match="31 s"):
        check_fresh(Head(START + 31, START), 30)


# --- buyer ---------------------------------------------------------------------------------------


def test_top_up__is_owed_while_the_deposit_is_below_what_is_wanted() -> None:
    for wanted, is_owed in ((0, False), (TERMS.deposit, False), (TERMS.deposit + 1, True)):
        owed = replace(BUYING, wanted_deposit=Tokens(wanted)).owed()
        assert [each for each in owed if isinstance(each, do.SubmitTopUp)] == (
            [do.SubmitTopUp(Tokens(wanted))] if is_owed else []
        )


def test_top_up__is_the_largest_that_was_asked_for_and_none_while_deposit_goes_back() -> None:
    more = Tokens(TERMS.deposit + 9)
    wanted, _ = step(BUYING, on.AskedTopUp(more))
    assert step(wanted, on.AskedTopUp(Tokens(more - 1)))[0].wanted_deposit == more
    asking = Reducing(0, Tokens(5), Timestamp(START + 50))
    with pytest.raises(IllegalMove, match="while deposit goes back"):
        step(replace(BUYING, asking=asking), on.AskedTopUp(more))


@pytest.mark.parametrize(
    ("at", "is_asked", "has_word"),
    [(49, True, True), (50, True, True), (51, True, False), (90, True, False), (91, False, False)],
)
def test_reduction__is_asked_for_and_consented_to_until_each_lapsed(
    at: int, is_asked: bool, has_word: bool
) -> None:
    asking = Reducing(0, Tokens(5), Timestamp(START + 90))
    word = Reducing(0, Tokens(5), Timestamp(START + 50), b"s" * 65)
    state = replace(BUYING, asking=asking, reducing=word)
    told, _ = step(state, accord.SawLapsed(Timestamp(START + at)))
    assert told.asking == (asking if is_asked else None)
    assert told.reducing == (word if has_word else None)


def test_times__are_of_a_channel_that_is_known_open_and_not_over() -> None:
    for none in (Purchase(), Sale(), replace(BUYING, opened_at=Timestamp(0))):
        assert none.times() == ()
    assert replace(BUYING, phase=BuyerPhase.ENDED).times() == ()
    over = TimeOver(TradeTime.FAILOVER)
    failing = replace(BUYING, failing_since=Timestamp(START + 3))
    assert (START + 3 + POLICY.patience_s, over) in failing.times()
    assert over not in [what for _, what in replace(failing, blocks_stopped=True).times()]
    assert over not in [what for _, what in BUYING.times()]


def test_end_by_the_seller__is_waited_for_once_service_stopped_and_its_own_grace_is_over() -> None:
    def patience(state: Purchase) -> list[int]:
        return [at for at, over in state.times() if over.what is TradeTime.PATIENCE]

    wait = 2 * AGREEMENT.conditions.grace_s + POLICY.patience_s
    stopped = replace(BUYING, phase=BuyerPhase.STOPPED, stopped_at=Timestamp(START + 9))
    assert patience(BUYING) == []
    assert patience(stopped) == [START + 9 + wait]
    assert patience(replace(stopped, worked_until=Timestamp(START + 12))) == [START + 12 + wait]
    assert patience(replace(stopped, is_lost=True)) == []
    assert patience(replace(stopped, broker_away=True)) == []


def test_window_that_nobody_settled__is_settled_until_the_lock_expires() -> None:
    closed = replace(BUYING, phase=BuyerPhase.WINDOW, deadline=Timestamp(START + 70))
    assert closed.owed() == ()
    settle, lock = TimeOver(TradeTime.WINDOW), TimeOver(TradeTime.LOCK)
    assert replace(closed, over=frozenset({settle})).owed() == (do.SubmitSettle(),)
    assert replace(closed, over=frozenset({settle, lock})).owed() == (do.SubmitEndUnclosed(),)


def test_most_that_is_signed__is_the_deposit_or_what_was_signed_before_it_was_reduced() -> None:
    signed = replace(BUYING, signed=Signed(1, Tokens(TERMS.deposit + 5)))
    assert signed.most_signed == TERMS.deposit
    assert replace(signed, agreements=1).most_signed == TERMS.deposit + 5
    assert replace(BUYING, agreements=1).most_signed == TERMS.deposit


def test_bill_of_nothing__is_not_taken() -> None:
    signed = Countersigned(draft_proposal(30).voucher, bytes(65), bytes(65))
    had = replace(BUYING, signed=Signed(1, Tokens(30), Timestamp(START), (10,)), voucher=signed)
    nothing = replace(draft_proposal(30, 2), fee=Tokens(0))
    assert nothing.begins_at == had.signed.amount
    with pytest.raises(IllegalMove, match="bill that is old"):
        step(had, on.HeardProposal(nothing))
    assert step(had, on.HeardProposal(draft_proposal(33, 2, 3)))[0].proposed is not None


# --- seller --------------------------------------------------------------------------------------


def test_bill_that_is_out__is_waited_for_by_grace_and_patience_from_when_it_was_asked() -> None:
    bill, asked = draft_proposal(30), START + 21
    out = replace(SERVING, proposed=bill, asked_at=Timestamp(asked), last_index=1)
    grace, patience = AGREEMENT.conditions.grace_s, POLICY.patience_s
    times = {over.what: at for at, over in out.times() if isinstance(over, TimeOver)}
    assert times[TradeTime.GRACE] == times[TradeTime.LAST] == asked + grace
    assert times[TradeTime.PATIENCE] == asked + grace + patience
    assert times[TradeTime.VALIDITY] == bill.valid_until
    assert TradeTime.INTERVAL not in times
    stopped = replace(out, stopped_at=Timestamp(asked + 7))
    later = {over.what: at for at, over in stopped.times()}
    assert (later[TradeTime.GRACE], later[TradeTime.LAST]) == (asked + grace, asked + 7 + grace)
    deaf = replace(out, broker_away=True)
    assert TradeTime.PATIENCE not in {over.what for _, over in deaf.times()}


def test_what_is_unpaid__is_nothing_once_the_channel_ended() -> None:
    signed = Countersigned(draft_proposal(30).voucher, bytes(65), bytes(65))
    sale = replace(SERVING, voucher=signed)
    assert sale.unpaid == 30
    assert replace(sale, paid=Tokens(10)).unpaid == 20
    assert replace(sale, paid=Tokens(31)).unpaid == 0
    assert replace(sale, deposit=Tokens(25)).unpaid == 25
    assert replace(sale, ending=ChannelEnding.CLAIMED).unpaid == 0


def test_credential__settles_its_voucher_and_those_before_it() -> None:
    sale = replace(SERVING, unissued=tuple(settlement(index) for index in (1, 2, 3)))
    heard = on.HeardCredential(Credential(settlement(2).proposal.voucher, b"", bytes(65)))
    left = step(sale, heard)[0].unissued
    assert [each.proposal.voucher.index for each in left] == [3]


def test_payer_s_next_key__is_awaited_by_the_seller_s_own_word_or_by_the_payer_s() -> None:
    for word, is_awaited in ((amend(), False), (amend(payer_key=THIEF.address), True)):
        assert replace(SERVING, consent=word).is_rekeying == is_awaited
        assert replace(SERVING, offered=word).is_rekeying == is_awaited
        stopped = replace(SERVING, offered=word, why=Reason.ASKED_BY_SELLER)
        assert not stopped.is_rekeying, "after the stop it consents to none"
    assert not SERVING.is_rekeying


@pytest.mark.parametrize("agreements", [0, 1])
def test_reduction_that_a_seller_signed__covers_nothing_until_its_number_is_taken(
    agreements: int,
) -> None:
    word = Reducing(0, Tokens(100), Timestamp(START + 50), b"s" * 65)
    sale = replace(SERVING, reducing=word)
    told, _ = step(sale, on.SawMoney(Tokens(TERMS.deposit), Tokens(1), agreements))
    assert told.covered == TERMS.deposit - (0 if agreements else 100)


@pytest.mark.parametrize(("paid", "is_shown"), [(0, True), (29, True), (30, False), (31, False)])
def test_channel_that_nobody_closed_in_time__is_paid_up_before_it_is_ended(
    paid: int, is_shown: bool
) -> None:
    signed = Countersigned(draft_proposal(30).voucher, bytes(65), bytes(65))
    over = frozenset({TimeOver(TradeTime.CLOSE_BY)})
    sale = replace(SERVING, phase=SellerPhase.CLAIMING, voucher=signed, paid=Tokens(paid))
    late = replace(sale, over=over)
    first = do.SubmitCheckpoint(Tokens(30)) if is_shown else do.SubmitEndUnclosed()
    assert first in late.owed()
    lapsed = replace(late, over=over | {TimeOver(TradeTime.LOCK)})
    assert do.SubmitEndUnclosed() in lapsed.owed()
    assert do.SubmitCheckpoint(Tokens(30)) not in lapsed.owed()


def test_requests_under_way__are_of_the_next_numbers_alone() -> None:
    law = "requests are few, in order, each once"
    for number, holds in ((4, False), (5, True), (4 + MAX_WORKS, True), (5 + MAX_WORKS, False)):
        sale = replace(SERVING, received=4, works=(Work(Request(number, 1, b"")),))
        assert sale.laws()[law] == holds, number


def test_voucher_of_a_controller_of_before__is_sent_to_the_next_one_by_nobody() -> None:
    sale = replace(SERVING, unissued=(settlement(1), settlement(2)))
    same = replace(TERMS.signers, seller_key=NEXT.address)
    assert step(sale, on.SawAmended(replace(TERMS.signers)))[0].unissued == sale.unissued
    for signers in (replace(TERMS.signers, controller=NEXT.address, epoch=1), same):
        assert step(sale, on.SawAmended(signers))[0].unissued == ()
