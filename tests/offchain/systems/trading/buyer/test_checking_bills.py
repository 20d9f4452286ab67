"""What a buyer signs: each bad bill is refused by name, and whose fault it is (T25, T31)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    BY_CPU,
    BY_DAY,
    BY_TIME,
    CONTROLLER,
    DOMAIN,
    METERED,
    NEXT,
    OPENED,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
    TERMS,
    THIEF,
    draft_proposal,
)
from tests.offchain.systems.trading.work.work_cast import order_run

from edgemark.confinement.limits import MAX_WALL_S
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.buyer.checking import (
    AnswerStrange,
    NotSigned,
    ProposalWrong,
    blame,
    check_answer,
    check_closing_back,
    check_proposal,
)
from edgemark.systems.trading.buyer.purchase import MAX_REQUESTS, Purchase
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.messages import Closing
from edgemark.systems.trading.protocol.accords.signing import draft_closing
from edgemark.systems.trading.protocol.agreement import (
    BlocksStopped,
    Fault,
    Head,
    Pricing,
    Readings,
)
from edgemark.systems.trading.protocol.life import BuyerPhase, TradeTime, step
from edgemark.systems.trading.protocol.messages import Answer, Proposal, Request

HEAD = Head(START + 45, START + 45)


def buying(units: int = 20) -> Purchase:
    """A buyer to whom work of so many units came."""
    purchase = Purchase()
    for event in (on.AskedBuy(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        purchase, _ = step(purchase, event)
    purchase, _ = step(purchase, on.AskedRequest(Request(1, units, b"work")))
    purchase, _ = step(purchase, on.HeardAnswer(Answer(1, (units,), b"done"), Timestamp(START)))
    return purchase


def signed(amount: int = 30, **changes: Any) -> Purchase:
    """A buyer that signed one bill."""
    purchase = buying()
    purchase, _ = step(purchase, on.HeardProposal(draft_proposal(amount)))
    purchase, _ = step(purchase, on.FoundCountersigned(1, bytes(65)))
    return replace(purchase, **changes)


def check(
    bill: Proposal,
    purchase: Purchase | None = None,
    head: Head = HEAD,
    pricing: Pricing = METERED,
) -> Any:
    return check_proposal(purchase or buying(), bill, pricing, DOMAIN, head)


def readings(start: int = 0, end: int = 20, before: int = 10, after: int = 20) -> Readings:
    """An interval, in seconds from the opening, of 10 units."""
    return Readings(Timestamp(START + start), Timestamp(START + end), (before,), (after,))


def test_a_right_bill__is_to_be_signed_kept_and_then_returned() -> None:
    bill = draft_proposal(30)
    heard = check(bill)
    purchase, owed = step(buying(), heard)
    assert owed == (do.Countersign(1),)
    purchase, owed = step(purchase, on.FoundCountersigned(1, bytes(65)))
    assert owed == (do.SendVoucher(1),)
    assert (purchase.signed.amount, purchase.signed.registers) == (30, (10,))
    purchase, _ = step(purchase, on.HeardVoucherTaken(1))
    assert do.SendVoucher(1) not in purchase.owed()


NOT_NOW = {
    "index goes back": (draft_proposal(60, 1, 30), "index goes back"),
    "signed already": (draft_proposal(30, 2), "signed already"),
    "another controller": (
        draft_proposal(60, 2, 30, voucher={"controller": NEXT.address}),
        "another controller",
    ),
    "another epoch": (draft_proposal(60, 2, 30, voucher={"epoch": 1}), "another controller"),
    "another template": (
        draft_proposal(60, 2, 30, voucher={"template_hash": Hash32(bytes(32))}),
        "another template",
    ),
    "too late": (draft_proposal(60, 2, 30, valid_until=Timestamp(START)), "not valid any more"),
    "in the future": (draft_proposal(60, 2, 30, readings=readings(20, 500)), "in the future"),
    "above the deposit": (draft_proposal(1031, 2, 1001), "above the confirmed deposit"),
    "what never came": (
        draft_proposal(63, 2, 33, readings=readings(20, 25, after=21)),
        "for more than what came",
    ),
    "less than it costs": (
        draft_proposal(40, 2, 10, readings=readings(20, 25)),
        "less than the strategy gives",
    ),
}


@pytest.mark.parametrize("name", NOT_NOW)
def test_a_bill_that_may_be_right_later__is_not_signed_and_nobody_is_blamed(name: str) -> None:
    bill, said = NOT_NOW[name]
    with pytest.raises(NotSigned, match=said) as caught:
        check(bill, signed())
    assert isinstance(caught.value, RefusedInput)
    assert caught.value.who == "proposal"
    assert caught.value.needed is not None


NEVER = {
    "amount goes down": (draft_proposal(29, 2, 3), Fault.AMOUNT),
    "index 2^64 - 1 and amount 0": (draft_proposal(0, 2**64 - 1, 0), Fault.AMOUNT),
    "begins elsewhere": (draft_proposal(63, 2, 30), Fault.AMOUNT),
    "another fee": (draft_proposal(61, 2, 31, readings=readings(20, 25)), Fault.FEE),
    "above the cap": (draft_proposal(93, 2, 63, readings=readings(20, 25, after=31)), Fault.CAP),
    "interval before the last": (draft_proposal(60, 2, 30, readings=readings(19, 25)), Fault.TIME),
    "interval backwards": (draft_proposal(60, 2, 30, readings=readings(25, 24)), Fault.TIME),
    "interval too long": (draft_proposal(60, 2, 30, readings=readings(20, 41)), Fault.TIME),
    "meter goes back": (
        draft_proposal(60, 2, 30, readings=readings(20, 25, before=9, after=19)),
        Fault.READINGS,
    ),
    "a meter more": (
        draft_proposal(60, 2, 30, readings=replace(readings(20, 25), before=(10, 0))),
        Fault.READINGS,
    ),
}


@pytest.mark.parametrize("name", NEVER)
def test_a_bill_that_is_never_right__is_blamed_on_its_seller_and_kept(name: str) -> None:
    bill, fault = NEVER[name]
    purchase = signed()
    with pytest.raises(ProposalWrong) as caught:
        check(bill, purchase)
    assert isinstance(caught.value, PeerFault)
    assert (caught.value.fault, caught.value.who) == (fault, "seller")
    assert caught.value.remedy
    assert name != "amount goes down" or caught.value.what == name
    stopped, owed = step(purchase, blame(caught.value, bill, HEAD))
    assert (stopped.fault, stopped.wrong) == (fault, bill)
    assert do.SendStop() in owed


def test_first_price__is_signed_with_units_that_came_and_never_alone() -> None:
    first = Pricing(replace(METERED.agreed, first_price=Tokens(800)))
    nothing = readings(before=0, after=0)
    with pytest.raises(ProposalWrong, match="another fee"):
        check(draft_proposal(800, readings=nothing), pricing=first)
    assert first.bill(nothing, is_first=True, left=900) == 0  # a seller bills none either
    some = readings(before=0, after=2)
    check(draft_proposal(806, readings=some), pricing=first)
    with pytest.raises(NotSigned, match="answers that came"):
        check(draft_proposal(806, readings=some), buying(0), pricing=first)


def test_first_price__is_due_at_once_where_time_is_paid() -> None:
    first = Pricing(replace(BY_TIME.agreed, first_price=Tokens(50)))
    assert first.bill(readings(before=0, after=0), is_first=True, left=900) == 50


def test_cpu_time__above_what_wall_time_allows_is_blamed_on_the_seller() -> None:
    purchase = replace(buying(), units_came=10**6)
    for used, fee in ((20_000, 20), (20_001, 20)):
        shown = Readings(Timestamp(START), Timestamp(START + 20), (0,), (used,))
        bill = draft_proposal(fee, readings=shown)
        if used == 20_000:
            assert check(bill, purchase, pricing=BY_CPU) == on.HeardProposal(bill)
            continue
        with pytest.raises(ProposalWrong, match="more than there can be") as caught:
            check(bill, purchase, pricing=BY_CPU)
        assert caught.value.fault is Fault.READINGS


def test_by_time_of_day__a_unit_falls_into_no_band_that_the_interval_does_not_touch() -> None:
    early = Readings(Timestamp(START), Timestamp(START + 20), (0, 0), (10, 0))
    late = replace(early, after=(0, 10))
    assert check(draft_proposal(20, readings=early), pricing=BY_DAY)
    with pytest.raises(ProposalWrong) as caught:
        check(draft_proposal(30, readings=late), pricing=BY_DAY)
    assert caught.value.fault is Fault.READINGS


def test_t25_an_old_block__nothing_is_signed() -> None:
    late = Head(START + 45 + POLICY.stale_after_s + 1, START + 45)
    with pytest.raises(BlocksStopped) as caught:
        check(draft_proposal(30), head=late)
    assert isinstance(caught.value, LedgerUnavailable)


def test_a_bill_by_another_key__is_no_bill() -> None:
    with pytest.raises(BadSignature):
        check(draft_proposal(30, key=THIEF))
    with pytest.raises(BadSignature):
        check(replace(draft_proposal(30), voucher=draft_proposal(33).voucher, fee=Tokens(33)))


def test_what_is_left_of_a_deposit__may_be_all_that_is_billed() -> None:
    deposit = Tokens(55)
    bill = draft_proposal(55, 2, 25, readings=readings(20, 25))
    for known in ({"deposit": deposit}, {"former_deposit": deposit}):
        assert check(bill, signed(**known)) == on.HeardProposal(bill)
    with pytest.raises(NotSigned):
        check(bill, signed())


def test_t31_the_strategy__is_computed_again_with_the_time_in_it() -> None:
    bill = draft_proposal(10, readings=readings(0, 20, 0, 20), fee=10)
    assert check(bill, buying(0), pricing=BY_TIME) == on.HeardProposal(bill)
    longer = replace(bill, readings=readings(0, 20, 0, 21))
    with pytest.raises(ProposalWrong):
        check(longer, buying(0), pricing=BY_TIME)
    with pytest.raises(NotSigned):
        check(bill)


def test_state__signs_nothing_that_it_was_not_about_to() -> None:
    purchase, _ = step(buying(), on.HeardProposal(draft_proposal(30)))
    for bad in (on.FoundCountersigned(2, bytes(65)), on.HeardProposal(draft_proposal(60, 3, 20))):
        with pytest.raises(IllegalMove):
            step(purchase, bad)
    with pytest.raises(IllegalMove):
        step(signed(), on.HeardProposal(draft_proposal(60, 1, 30)))


@pytest.mark.parametrize(
    "answer", [Answer(2, (1,), b""), Answer(1, (5,), b""), Answer(1, (4, 1), b"")]
)
def test_an_answer__to_what_was_not_asked_or_dearer_is_strange(answer: Answer) -> None:
    purchase, _ = step(buying(), on.AskedRequest(Request(2, 4, b"")))
    if answer.number == 2:
        answer = Answer(9, answer.used, b"")
    purchase = replace(purchase, requests=(Request(1, 4, b""),))
    with pytest.raises(AnswerStrange):
        check_answer(purchase, answer, HEAD)
    with pytest.raises(IllegalMove):
        step(purchase, on.HeardAnswer(answer, Timestamp(START)))


def test_an_answer_that_came__is_known() -> None:
    assert check_answer(buying(), Answer(1, (20,), b""), HEAD) is None


def test_patience__counts_from_the_last_answer_and_a_run_in_hand_may_last() -> None:
    usual = 2 * AGREEMENT.conditions.grace_s + POLICY.patience_s
    run = order_run(hash_long(b"program"), b"data").to_bytes()
    interval = AGREEMENT.conditions.interval_s
    for content, more in ((b"", 0), (run[:-1], 0), (run, MAX_WALL_S)):
        purchase, _ = step(buying(), on.AskedRequest(Request(2, 4, content)))
        purchase, _ = step(purchase, on.AskedStop(Timestamp(START + 50)))
        assert patience_of(purchase) == START + 50 + more + usual
        answer = on.HeardAnswer(Answer(2, (4,), b""), Timestamp(START + 3000))
        purchase, _ = step(purchase, answer)
        came = min(3000, 50 + (more or interval))  # for its bill, if it came in time
        assert patience_of(purchase) == START + came + usual


def patience_of(purchase: Purchase) -> int:
    (at,) = (at for at, over in purchase.times() if over.what is TradeTime.PATIENCE)
    return at


def test_requests__are_numbered_and_bounded() -> None:
    purchase = buying()
    with pytest.raises(IllegalMove):
        step(purchase, on.AskedRequest(Request(3, 0, b"")))
    many = tuple(Request(number, 0, b"") for number in range(2, MAX_REQUESTS + 2))
    full = replace(purchase, requests=many, last_number=MAX_REQUESTS + 1)
    with pytest.raises(IllegalMove):
        step(full, on.AskedRequest(Request(MAX_REQUESTS + 2, 0, b"")))


def test_a_closing_by_the_seller__is_taken_up_to_what_was_signed() -> None:
    def closing(amount: int, key: Any = SELLER_KEY, early: int = 0) -> Closing:
        until = Timestamp(TERMS.close_by - early)
        digest = DOMAIN.closing(AGREEMENT.channel, Tokens(amount), until)
        return Closing(Tokens(amount), until, key.sign(digest))

    purchase = signed()
    assert check_closing_back(purchase, closing(30), DOMAIN, HEAD)
    assert check_closing_back(purchase, closing(0), DOMAIN, HEAD)
    for bad in (closing(31), closing(30, THIEF), closing(30, early=1)):
        with pytest.raises(EdgemarkError):
            check_closing_back(purchase, bad, DOMAIN, HEAD)
    paid = replace(purchase, paid=Tokens(20))
    with pytest.raises(NotSigned):
        check_closing_back(paid, closing(19), DOMAIN, HEAD)
    ending = replace(purchase, phase=BuyerPhase.STOPPED, closing_back=closing(19))
    assert do.SubmitCloseTogether() in ending.owed()
    for phase in (BuyerPhase.STOPPED, BuyerPhase.CLOSING):
        passed = replace(ending, phase=phase, paid=Tokens(20))
        assert do.SubmitCloseTogether() not in passed.owed()
    assert draft_closing(purchase).amount == 30
    assert CONTROLLER.address == TERMS.controller


@pytest.mark.parametrize(
    ("units", "fee", "fault"),
    [
        (21, 63 + 5, Fault.CAP),  # units above the cap, and the first price
        (21, 60 + 5 + 1, Fault.FEE),
        (20, 60 + 5 + 1, Fault.FEE),
    ],
)
def test_first_bill__is_above_the_cap_by_its_units_alone(
    units: int, fee: int, fault: Fault
) -> None:
    first = Pricing(replace(METERED.agreed, first_price=Tokens(5)))
    shown = readings(0, 20, 0, units)
    with pytest.raises(ProposalWrong) as refused:
        check(draft_proposal(fee, readings=shown), buying(units), pricing=first)
    assert refused.value.fault is fault
    right = draft_proposal(60 + 5, readings=readings(0, 20, 0, 20))
    assert check(right, buying(), pricing=first) is not None


def test_second_bill__owes_no_first_price() -> None:
    first = Pricing(replace(METERED.agreed, first_price=Tokens(5)))
    shown = readings(20, 40, 10, 31)  # 63 of units, above the cap
    with pytest.raises(ProposalWrong) as refused:
        check(draft_proposal(30 + 63, 2, 63, readings=shown), signed(units_came=31), pricing=first)
    assert refused.value.fault is Fault.CAP
