"""What a seller takes, bills and believes: each refusal has a reason and a remedy (T18, T20)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    BY_DAY,
    BY_TIME,
    CHANNEL,
    CONDITIONS,
    DOMAIN,
    METERED,
    NEXT,
    OPENED,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
    TERMS,
    THIEF,
    THIRD,
    draft_proposal,
    sign_voucher,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.checking import (
    AmendmentRefused,
    check_amending,
    draft_amending,
)
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing
from edgemark.systems.trading.protocol.agreement import Head, Pause, Reason
from edgemark.systems.trading.protocol.life import LIFE, SellerPhase, TradeTime, step
from edgemark.systems.trading.protocol.messages import Answer, Countersigned, Proposal, Request
from edgemark.systems.trading.seller.admission import (
    ClosingTooLow,
    NotServed,
    VoucherStrange,
    check_closing,
    check_request,
    check_voucher,
    draft_bill,
    find_pause,
    is_overdrawn,
    with_signature,
)
from edgemark.systems.trading.seller.sale import MAX_UNISSUED, Sale
from edgemark.systems.trading.seller.works import MAX_WORKS

HEAD = Head(START + 5, START + 5)
LATER = Head(START + 21, START + 21)


def serving(**changes: Any) -> Sale:
    sale = Sale()
    for event in (on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        sale, _ = step(sale, event)
    return replace(sale, **changes)


def ask(number: int = 1, units: int = 4) -> Request:
    return Request(number, units, b"work")


def served(sale: Sale, number: int = 1, units: int = 4) -> Sale:
    sale, _ = step(sale, on.HeardRequest(ask(number, units)))
    sale, _ = step(sale, on.FoundServed(Answer(number, (units,), b"done")))
    return sale


def billed(units: int = 4) -> Sale:
    """A sale whose first bill is out."""
    sale = LIFE.reach_time(served(serving(), units=units), Timestamp(LATER.block))
    draft = draft_bill(sale, METERED, LATER)
    assert isinstance(draft, Proposal)
    signature = sign_voucher(draft.voucher, SELLER_KEY)
    sale, owed = step(sale, with_signature(draft, signature))
    assert owed == (do.SendProposal(1),)
    return sale


def countersigned(sale: Sale, amount: int | None = None, key: Any = PAYER_KEY) -> Countersigned:
    assert sale.proposed is not None
    voucher = sale.proposed.voucher
    if amount is not None:
        voucher = replace(voucher, amount=Tokens(amount))
    return Countersigned(voucher, sale.proposed.signature, sign_voucher(voucher, key))


PAUSES = {
    "agreed": (lambda: replace(serving(), phase=SellerPhase.AGREED), ask(), HEAD, Pause.NOT_OPEN),
    "stopped": (lambda: replace(serving(), phase=SellerPhase.STOPPED), ask(), HEAD, Pause.OVER),
    "at the margin": (serving, ask(), Head(START + 901, START + 901), Pause.OVER),
    "old block": (serving, ask(), Head(START + 99, START + 5), Pause.BLOCKS_STOPPED),
    "blocks stopped": (lambda: serving(blocks_stopped=True), ask(), HEAD, Pause.BLOCKS_STOPPED),
    "too many": (serving, ask(MAX_WORKS + 1), HEAD, Pause.BUSY),
    "above the cap": (serving, ask(1, 21), HEAD, Pause.INTERVAL_FULL),
    "2^64 - 1 units": (serving, ask(1, 2**64 - 1), HEAD, Pause.INTERVAL_FULL),
    "cap used": (lambda: served(serving(), 1, 18), ask(2, 3), HEAD, Pause.INTERVAL_FULL),
    "deposit used": (lambda: serving(deposit=Tokens(11)), ask(), HEAD, Pause.OVERDRAWN),
    "grace over": (billed, ask(2), Head(START + 37, START + 37), Pause.VOUCHER_LATE),
    "credit used": (lambda: billed(11), ask(2), LATER, Pause.CREDIT_USED),
    "within credit": (lambda: billed(10), ask(2), LATER, Pause.NONE),
    "the whole cap": (serving, ask(1, 20), HEAD, Pause.NONE),
}


@pytest.mark.parametrize("name", PAUSES)
def test_a_request__is_taken_or_refused_for_its_reason(name: str) -> None:
    make, request, head, why = PAUSES[name]
    sale = make()
    assert find_pause(sale, request, METERED, head) is why
    if why is Pause.NONE:
        assert check_request(sale, request, METERED, head) == on.HeardRequest(request)
        return
    with pytest.raises(NotServed) as caught:
        check_request(sale, request, METERED, head)
    assert (caught.value.why, caught.value.who) == (why, f"request {request.number}")
    assert caught.value.remedy


def test_time__counts_for_the_whole_interval_before_work_is_taken() -> None:
    poor = serving(deposit=Tokens(9))
    assert find_pause(poor, ask(), BY_TIME, HEAD) is Pause.OVERDRAWN
    assert find_pause(serving(deposit=Tokens(10)), ask(), BY_TIME, HEAD) is Pause.NONE


def test_by_time_of_day__a_unit_may_fall_into_the_dearest_band() -> None:
    assert find_pause(serving(), ask(1, 21), BY_DAY, HEAD) is Pause.INTERVAL_FULL
    assert find_pause(serving(), ask(1, 20), BY_DAY, HEAD) is Pause.NONE


def test_a_request_that_was_taken__is_taken_once() -> None:
    sale = served(serving())
    assert check_request(sale, ask(), METERED, HEAD) is None
    sale, _ = step(sale, on.HeardAnswerTaken(1))
    assert sale.received == 1
    assert check_request(sale, ask(), METERED, HEAD) is None
    with pytest.raises(IllegalMove):
        step(sale, on.HeardRequest(ask()))


def test_work_that_was_done_twice__is_metered_once() -> None:
    sale = served(serving())
    for again in (Answer(1, (4,), b""), Answer(2, (4,), b"")):
        with pytest.raises(IllegalMove):
            step(sale, on.FoundServed(again))
    taken, _ = step(sale, on.HeardRequest(ask(2)))
    with pytest.raises(IllegalMove):  # nor dearer than its bound
        step(taken, on.FoundServed(Answer(2, (5,), b"")))


def test_t18_overdraft__is_found_once_and_forgotten_with_a_top_up() -> None:
    sale = serving(deposit=Tokens(11))
    found = is_overdrawn(sale, Pause.OVERDRAWN, HEAD)
    assert found is not None
    sale, _ = step(sale, found)
    assert is_overdrawn(sale, Pause.OVERDRAWN, HEAD) is None
    assert is_overdrawn(sale, Pause.BUSY, HEAD) is None
    assert do.SendOverdraft(Tokens(11)) in sale.owed()
    sale, _ = step(sale, on.SawMoney(Tokens(500), Tokens(0), 0))
    assert sale.overdrawn_since == 0
    assert do.SendOverdraft(Tokens(500)) not in sale.owed()
    late = LIFE.reach_time(
        replace(sale, overdrawn_since=Timestamp(START)), Timestamp(START + POLICY.patience_s + 1)
    )
    assert (late.phase, late.reason) == (SellerPhase.STOPPED, Reason.OVERDRAWN)


def test_an_interval_that_costs_nothing__begins_anew_without_a_bill() -> None:
    sale = LIFE.reach_time(serving(), Timestamp(LATER.block))
    assert sale.owed() == (do.Propose(1),)
    nothing = draft_bill(sale, METERED, LATER)
    assert isinstance(nothing, on.FoundNothingDue)
    sale, owed = step(sale, nothing)
    assert (sale.owed(), owed) == ((), ())
    assert not sale.is_over(TradeTime.INTERVAL)
    with pytest.raises(IllegalMove):
        step(sale, nothing)


def test_a_draft_of_another_state__is_no_bill() -> None:
    sale = LIFE.reach_time(served(serving()), Timestamp(LATER.block))
    draft = draft_bill(sale, METERED, LATER)
    assert isinstance(draft, Proposal)
    for bad in (
        replace(draft, voucher=replace(draft.voucher, index=2)),
        replace(draft, voucher=replace(draft.voucher, controller=NEXT.address)),
        replace(draft, fee=Tokens(1)),
        replace(draft, voucher=replace(draft.voucher, amount=Tokens(13))),
        replace(draft, readings=replace(draft.readings, start=Timestamp(START + 1))),
    ):
        with pytest.raises(IllegalMove):
            step(sale, with_signature(bad, bytes(65)))


def test_a_returned_voucher__counts_once_and_only_as_proposed() -> None:
    sale = billed()
    good = check_voucher(sale, countersigned(sale), DOMAIN)
    assert isinstance(good, on.HeardVoucher)
    with pytest.raises(BadSignature):
        check_voucher(sale, countersigned(sale, key=THIEF), DOMAIN)
    for amount in (11, 13, 10**6):
        with pytest.raises(VoucherStrange):
            check_voucher(sale, countersigned(sale, amount), DOMAIN)
    assert check_voucher(sale, countersigned(sale, 0), DOMAIN) is None
    signed, owed = step(sale, good)
    assert (signed.signed, signed.billed.amount, signed.proposed) == (12, 12, None)
    assert do.SendSettlement(1) in owed
    assert check_voucher(signed, good.voucher, DOMAIN) is None
    with pytest.raises(IllegalMove):
        step(signed, good)


@pytest.mark.parametrize(
    "changes",
    [
        {"template_hash": Hash32(bytes(32))},
        {"controller": THIRD.address},
        {"epoch": 7},
        {"index": 1, "epoch": 7},
        {"index": 1, "template_hash": Hash32(bytes(32))},
    ],
)
def test_a_voucher__that_only_its_payer_signed_is_none_whatever_its_amount(
    changes: dict[str, Any],
) -> None:
    sale = billed()
    assert sale.proposed is not None
    anew = replace(sale.proposed, voucher=replace(sale.proposed.voucher, index=2))
    sale = replace(sale, proposed=anew, last_index=2)
    voucher = replace(anew.voucher, **changes)
    by_payer = Countersigned(voucher, anew.signature, sign_voucher(voucher, PAYER_KEY))
    with pytest.raises(VoucherStrange):
        check_voucher(sale, by_payer, DOMAIN)


def test_a_voucher_of_an_older_index__counts_by_the_sellers_own_signature() -> None:
    sale = billed()
    first = countersigned(sale)
    assert sale.proposed is not None
    anew = replace(sale.proposed, voucher=replace(sale.proposed.voucher, index=2, epoch=1))
    later = replace(sale, proposed=anew, last_index=2)
    assert check_voucher(later, first, DOMAIN) == on.HeardVoucher(first)
    with pytest.raises(VoucherStrange):
        check_voucher(later, replace(first, seller_signature=bytes(65)), DOMAIN)
    junk = replace(first, seller_signature=bytes(65))
    assert check_voucher(sale, junk, DOMAIN) == on.HeardVoucher(first)  # its own is put in


def test_the_last_voucher__is_told_from_others() -> None:
    sale, _ = step(billed(), on.AskedStop(Timestamp(LATER.block)))
    assert sale.proposed is not None
    assert isinstance(check_voucher(sale, countersigned(sale), DOMAIN), on.HeardVoucher)
    last = replace(sale, proposed=replace(sale.proposed, is_last=True))
    assert isinstance(check_voucher(last, countersigned(last), DOMAIN), on.HeardLastVoucher)


def test_vouchers_without_a_credential__are_few() -> None:
    sale = billed()
    for _ in range(MAX_UNISSUED + 3):
        told = check_voucher(sale, countersigned(sale), DOMAIN)
        assert told is not None
        more, _ = step(sale, told)
        sale = replace(sale, unissued=more.unissued)
    assert len(sale.unissued) == MAX_UNISSUED


def test_checkpoint__is_owed_at_a_limit_of_the_sellers_own() -> None:
    sale = billed()
    told = check_voucher(sale, countersigned(sale), DOMAIN)
    assert told is not None
    sale, _ = step(sale, told)
    assert do.SubmitCheckpoint(Tokens(12)) not in sale.owed()
    eager = replace(sale, policy=replace(POLICY, checkpoint_above=Tokens(12)))
    assert do.SubmitCheckpoint(Tokens(12)) in eager.owed()
    paid, _ = step(eager, on.SawMoney(TERMS.deposit, Tokens(12), 0))
    assert do.SubmitCheckpoint(Tokens(12)) not in paid.owed()


def test_an_end__is_taken_at_what_is_owed_and_not_below() -> None:
    def closing(amount: int, until: int = TERMS.close_by, key: Any = PAYER_KEY) -> Closing:
        told = Tokens(amount), Timestamp(until)
        return Closing(*told, key.sign(DOMAIN.closing(CHANNEL, *told)))

    sale = replace(serving(paid=Tokens(7)), phase=SellerPhase.CLAIMING)
    assert check_closing(sale, closing(7), DOMAIN, HEAD) == accord.HeardClosing(closing(7))
    soon = TERMS.close_by - 1  # the chain may see it too late
    for bad in (closing(6), closing(7, START), closing(7, soon), closing(TERMS.deposit + 1)):
        with pytest.raises(ClosingTooLow):
            check_closing(sale, bad, DOMAIN, HEAD)
    with pytest.raises(ClosingTooLow):  # something may be open yet
        check_closing(serving(), closing(7), DOMAIN, HEAD)
    with pytest.raises(BadSignature):
        check_closing(sale, closing(7, key=THIEF), DOMAIN, HEAD)
    claiming, _ = step(sale, accord.HeardClosing(closing(7)))
    assert do.SubmitCloseTogether() in claiming.owed()
    for moved in ({"paid": Tokens(8)}, {"deposit": Tokens(6), "paid": Tokens(6)}):
        assert do.SubmitCloseTogether() not in replace(claiming, **moved).owed()
    lost = check_closing(serving(), Closing(Tokens(0), TERMS.close_by), DOMAIN, HEAD)
    assert lost == on.HeardStop(Reason.DISK_LOST, Timestamp(HEAD.block))


def test_t21_the_next_controller__only_one_that_is_taken_and_never_below_what_is_owed() -> None:
    def amending(amount: int = 12, key: Any = PAYER_KEY, **changes: Any) -> Amending:
        signers = replace(TERMS.signers, controller=NEXT.address, epoch=1)
        signers = replace(signers, **changes)
        told = (changes.pop("number", 0), Tokens(amount), signers, Timestamp(START + 99))
        return Amending(*told, key.sign(DOMAIN.amendment(CHANNEL, *told)))

    def check(offered: Amending, sale: Sale) -> accord.HeardAmending | None:
        limits = {"least": 12, "most": TERMS.deposit}
        return check_amending(sale, offered, PAYER_KEY.address, DOMAIN, HEAD, **limits)

    sale = serving()
    assert check(amending(), sale) == accord.HeardAmending(amending())
    for bad in (
        amending(11),
        amending(TERMS.deposit + 1),
        amending(controller=THIRD.address),
        amending(controller=TERMS.controller),
        amending(epoch=2),
        amending(epoch=0),
        amending(seller_key=THIEF.address),
        amending(payer_key=TERMS.seller_key),
        replace(amending(), number=1),
        replace(amending(), valid_until=Timestamp(START)),
    ):
        with pytest.raises(AmendmentRefused):
            check(bad, sale)
    with pytest.raises(BadSignature):
        check(amending(key=THIEF), sale)
    wanting, _ = step(sale, accord.AskedController(THIRD.address, Timestamp(START + 5)))
    assert check(amending(controller=THIRD.address), wanting)
    drafted = draft_amending(wanting, 12, HEAD)
    assert drafted.signers == Signers(
        TERMS.payer_key, TERMS.seller_key, THIRD.address, TERMS.signers.epoch + 1
    )
    assert CONDITIONS.cycles and draft_proposal(3).fee == 3
