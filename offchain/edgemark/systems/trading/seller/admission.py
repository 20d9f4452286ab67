"""Whom the seller believes what: requests, vouchers, closings; and the bills that it drafts. Pure.

Every check raises; what passes becomes an event. What readings cost is handed in.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import NoReturn

from edgemark.crypto.ethereum.secp256k1 import BadSignature, check_signature
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import NO_TIME, Address, Hash32, Timestamp, Tokens
from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Closing, Reducing
from edgemark.systems.trading.protocol.agreement import (
    BlocksStopped,
    Head,
    Pause,
    Pricing,
    Readings,
    Reason,
    Registers,
    check_fresh,
    plus,
)
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.protocol.messages import Countersigned, Proposal, Request
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.works import MAX_WORKS, REMEDIES
from edgemark.systems.trading.templates.allowance import Standing, Stop, find_stop


class NotServed(RefusedInput):
    """A request is not taken; `why` says whether asking again helps."""

    why: Pause = Pause.NONE


class NothingYet(UnderWay):
    """Nothing is to be billed before what is in hand is done."""


class VoucherStrange(PeerFault):
    """A voucher that the seller never proposed."""


class ReductionRefused(PeerFault):
    """Deposit that the seller does not do without."""


class ClosingTooLow(PeerFault):
    """An end below what is owed, above the deposit, or that counts for less than its time."""


def check_request(
    sale: Sale, request: Request, pricing: Pricing, head: Head
) -> on.HeardRequest | None:
    """What becomes of a request that is within credit, cap and deposit, and comes in time.

    So what is served and not signed for stays within the credit and one interval's cap.

    Returns:
        None when it was taken before.

    Raises:
        NotServed: it is not taken, now or for good; nothing of it is noted.
    """
    if request.number <= sale.received or sale.work(request.number) is not None:
        return None
    pause = find_pause(sale, request, pricing, head)
    if pause is not Pause.NONE:
        raise paused(request, pause, had=pause.name.lower().replace("_", " "))
    return on.HeardRequest(request)


def paused(request: Request, why: Pause, *, had: str, needed: str = "") -> NotServed:
    """A request that is not taken, as an error.

    Args:
        request: of the buyer.
        why: it is not.
        had: for people.
        needed: for people.
    """
    error = NotServed(
        "work is not taken",
        who=f"request {request.number}",
        had=had,
        needed=needed,
        remedy=REMEDIES[why],
    )
    error.why = why
    return error


_PAUSES = {
    Stop.CREDIT_USED: Pause.CREDIT_USED,
    Stop.VOUCHER_LATE: Pause.VOUCHER_LATE,
    Stop.OVERDRAWN: Pause.OVERDRAWN,
}


def find_pause(  # noqa: PLR0911 - one line a reason
    sale: Sale, request: Request, pricing: Pricing, head: Head
) -> Pause:
    """Why a request is not taken now; NONE when it is."""
    if sale.phase is not SellerPhase.SERVING:
        is_before = sale.phase in (SellerPhase.UNKNOWN, SellerPhase.AGREED)
        return Pause.NOT_OPEN if is_before else Pause.OVER
    if head.block > sale.service_ends:
        return Pause.OVER
    if sale.blocks_stopped or not _is_fresh(sale, head):
        return Pause.BLOCKS_STOPPED
    if not sale.received < request.number <= sale.received + MAX_WORKS:
        return Pause.BUSY
    conditions, due_at = sale.known.conditions, sale.asked_at if sale.proposed else None
    standing = Standing(sale.covered, sale.billed.amount, sale.claimed, due_at)
    credit, grace_s = conditions.credit, conditions.grace_s
    stop = find_stop(standing, credit=credit, grace_s=grace_s, now=head.block)
    if stop is not None:
        return _PAUSES[stop]
    price = price_with(sale, request.most, pricing, head)
    if price > conditions.cap:
        return Pause.INTERVAL_FULL
    is_covered = claim_with(sale, price, pricing) <= sale.covered
    return Pause.NONE if is_covered else Pause.OVERDRAWN


def claim_with(sale: Sale, price: int, pricing: Pricing) -> int:
    """What is claimed once the interval that is not billed yet is, at this price."""
    return sale.claimed + price + (0 if sale.claimed else pricing.first_price)


def _is_fresh(sale: Sale, head: Head) -> bool:
    try:
        check_fresh(head, sale.decided.stale_after_s)
    except BlocksStopped:
        return False
    return True


def price_with(sale: Sale, more: int, pricing: Pricing, head: Head) -> int:
    """What the interval that is not billed yet costs at most, with what is in hand and `more`.

    By time of day nobody knows in which band a unit will fall: it is the dearest one.
    """
    begun, usual = sale.begun, sale.begun.end + sale.known.conditions.interval_s
    before = begun.registers or pricing.zero
    in_hand = more + sum(work.charge for work in sale.in_hand)

    def price(register: int) -> int:
        grown = tuple(in_hand * (each == register) for each in range(len(before)))
        used = plus(sale.used, grown)
        shown = pricing.read(begun.end, max(usual, head.block), before, used, sale.opened_at)
        after = shown.after if pricing.counts_time else plus(used, pricing.zero)
        return pricing.price(Readings(shown.start, shown.end, before, after))

    return max(map(price, range(len(before))))


def draft_bill(
    sale: Sale, pricing: Pricing, head: Head
) -> Proposal | on.FoundNothingDue | on.FoundOverdrawn:
    """The bill that is due, not signed; or that nothing is, when it costs nothing.

    Time that costs more than is deposited is billed once it is covered, and not passed over.

    A bill that is out is drafted anew as it is, under the next index: its readings stay, so that
    the payer's signature under either is one under the same.

    Raises:
        NothingYet: service has stopped, and what is in hand, or no meter can have shown before the
            next second, may still cost something; or it goes on, and the deposit is used up.
    """
    if sale.proposed is None:
        readings, fee = _read(sale, pricing, head)
        is_last = sale.is_settling and sale.is_whole(readings, sale.billed.amount + fee)
    else:
        readings, is_last = sale.proposed.readings, sale.proposed.is_last
        fee = sale.proposed.fee
    if fee == 0 and sale.phase is SellerPhase.STOPPED and not is_last:
        raise NothingYet("costs nothing yet", who=f"interval from {readings.start}")
    if fee == 0 and sale.phase is SellerPhase.SERVING and pricing.price(readings):
        if sale.overdrawn_since == NO_TIME:
            return on.FoundOverdrawn(Timestamp(head.block))
        raise NothingYet("is not covered", who=f"interval from {readings.start}")
    if fee == 0:
        return on.FoundNothingDue(readings, sale.used)
    signers, terms = sale.in_force, sale.known.terms
    voucher = Voucher(
        sale.last_index + 1,
        Tokens(sale.billed.amount + fee),
        terms.settlement_template,
        signers.controller,
        signers.epoch,
    )
    until = Timestamp(head.block + sale.decided.valid_s)
    return Proposal(voucher, readings, Tokens(fee), until, is_last, b"")


def _read(sale: Sale, pricing: Pricing, head: Head) -> tuple[Readings, int]:
    """The interval that is to be billed, and its fee; an idle time is one interval, however long.

    What a meter cannot have shown in this one, it shows in the next. The last one ends now, however
    long ago the one before ended, so that it shows all.
    """
    if pricing.counts_time:
        return _read_time(sale, pricing, head)
    begun, interval_s = sale.billed, sale.known.conditions.interval_s
    before, start = begun.registers or pricing.zero, begun.end
    if sale.phase is SellerPhase.STOPPED:
        start = Timestamp(max(start, head.block - interval_s))
    end = max(start + 1, min(head.block, start + interval_s))
    readings = pricing.read(start, end, before, sale.used, sale.opened_at)
    fee = _bill(sale, pricing, readings)
    if fee == 0 and head.block > end:
        readings = replace(readings, end=Timestamp(head.block))
    return readings, fee


def _bill(sale: Sale, pricing: Pricing, readings: Readings) -> int:
    """While service goes on, time that is not all covered costs nothing yet: see `draft_bill`."""
    begun = sale.billed.amount
    fee = pricing.bill(readings, is_first=begun == 0, left=sale.covered - begun)
    if not pricing.counts_time or sale.phase is not SellerPhase.SERVING:
        return fee
    return fee if fee == pricing.bill(readings, is_first=begun == 0, left=None) else 0


def _read_time(sale: Sale, pricing: Pricing, head: Head) -> tuple[Readings, int]:
    """The same where time is counted: never beyond the stop, and no second that costs passed over.

    After seconds that cost nothing the interval begins with those that do; while service goes on,
    the next one.
    """
    begun, interval_s = sale.billed, sale.known.conditions.interval_s
    until = max(begun.end, min(head.block, sale.time_ends))

    def read(start: int, end: int, before: Registers) -> Readings:
        return pricing.read(start, end, before, sale.used, sale.opened_at)

    def price(end: int) -> int:
        return pricing.price(read(begun.end, end, before))

    before = begun.registers or pricing.zero
    shown = read(begun.end, min(until, begun.end + interval_s), before)
    if shown.end == begun.end:
        return shown, 0
    fee = _bill(sale, pricing, shown)
    if fee or pricing.price(shown):  # or nothing is left of the deposit
        return shown, fee
    ends = range(shown.end, until + 1)
    idle = read(begun.end, ends[bisect_left(ends, 1, key=price) - 1], before)
    if idle.end == until or sale.phase is not SellerPhase.STOPPED:
        return idle, 0
    shown = read(idle.end, min(until, idle.end + interval_s), idle.after)
    return shown, _bill(sale, pricing, shown)


def check_voucher(
    sale: Sale, signed: Countersigned, domain: ChannelDomain
) -> on.HeardVoucher | on.HeardLastVoucher | None:
    """What a returned voucher means; None when it says no more than what is on the disk.

    Raises:
        VoucherStrange: it was never proposed.
        BadSignature: another than the payer signed it.
    """
    voucher = signed.voucher
    if voucher.amount <= sale.signed:
        return None
    check_signature(
        domain.voucher(sale.known.channel, voucher),
        signed.payer_signature,
        sale.in_force.payer_key,
    )
    proposed = sale.proposed
    is_it = proposed is not None and voucher.amount == proposed.voucher.amount
    if proposed is None or not is_it or voucher.index > sale.last_index:
        _refuse_voucher(sale, voucher)
    told = _with_own_signature(sale, proposed, signed, domain)
    is_last = proposed.is_last and sale.phase is not SellerPhase.SERVING
    return on.HeardLastVoucher(told) if is_last else on.HeardVoucher(told)


def _with_own_signature(
    sale: Sale, proposed: Proposal, signed: Countersigned, domain: ChannelDomain
) -> Countersigned:
    """The same with the signature that this seller gave: it signs nothing but what it proposes.

    Whether it proposed an older index, its own signature says: by its key in force, or, from before
    keys changed, by the one that it had then. So nothing counts that the payer made up.
    """
    voucher = signed.voucher
    if voucher.index == sale.last_index:
        if voucher != proposed.voucher:
            _refuse_voucher(sale, voucher)
        return replace(signed, seller_signature=proposed.signature)
    is_former = voucher.index <= sale.rekeyed
    keys = sale.former_keys if is_former else (sale.in_force.seller_key,)
    digest = domain.voucher(sale.known.channel, voucher)
    if not any(_is_signed(digest, signed.seller_signature, key) for key in keys):
        _refuse_voucher(sale, voucher)
    return signed


def _is_signed(digest: Hash32, signature: bytes, key: Address) -> bool:
    try:
        check_signature(digest, signature, key)
    except BadSignature:
        return False
    return True


def _refuse_voucher(sale: Sale, voucher: Voucher) -> NoReturn:
    had = f"index {voucher.index}, amount {voucher.amount}, epoch {voucher.epoch}"
    needed = f"<= {sale.last_index}, amount {sale.claimed}, as proposed"
    raise VoucherStrange("was never proposed", who="voucher", had=had, needed=needed)


def check_closing(
    sale: Sale, closing: Closing, domain: ChannelDomain, head: Head
) -> accord.HeardClosing | on.HeardStop:
    """The payer's word for the end, at which the seller has all that it is owed.

    A payer that signed none says that it knows no amount: service stops, and the seller ends it.

    Raises:
        ClosingTooLow: it has not, something is not billed yet, or the chain would not take it.
        BadSignature: another signed it.
    """
    if not closing.signature:
        return on.HeardStop(Reason.DISK_LOST, Timestamp(head.block))
    owed = max(sale.worth(sale.signed), sale.paid)
    is_open = sale.phase is not SellerPhase.CLAIMING
    is_within = owed <= closing.amount <= sale.deposit
    if not is_within or is_open or closing.valid_until < sale.known.terms.close_by:
        had = f"{closing.amount} until {closing.valid_until}"
        needed = f"{owed} .. {sale.deposit} until {sale.known.terms.close_by}"
        raise ClosingTooLow("is no end at what is owed", who="closing", had=had, needed=needed)
    check_signature(
        domain.closing(sale.known.channel, closing.amount, closing.valid_until),
        closing.signature,
        sale.in_force.payer_key,
    )
    return accord.HeardClosing(closing)


def check_reducing(
    sale: Sale, reducing: Reducing, pricing: Pricing, head: Head
) -> accord.HeardReducing | None:
    """The buyer wants deposit back: what is left covers all that is claimed, or will be.

    Returns:
        None when that is under way.

    Raises:
        ReductionRefused: it does not, something else was wrong, or it is not the time for it.
        BlocksStopped: the newest block is old.
    """
    had = sale.reducing
    if had is not None and (had.number, had.amount) == (reducing.number, reducing.amount):
        return None
    check_fresh(head, sale.decided.stale_after_s)
    if sale.phase is not SellerPhase.SERVING or had is not None:
        _refuse_reduction("is out of time", reducing, "while the channel serves, one at a time")
    if reducing.number != sale.agreements or reducing.valid_until < head.block:
        needed = f"number {sale.agreements}, from {head.block} on"
        _refuse_reduction("number or time", reducing, needed)
    least = claim_with(sale, price_with(sale, 0, pricing, head), pricing)
    if pricing.counts_time and sale.in_hand:
        _refuse_reduction(
            "is out of time", reducing, "while nothing is in hand that is paid by time"
        )
    if not 0 < reducing.amount <= sale.deposit - least:
        _refuse_reduction("is needed here", reducing.amount, f"1..{sale.deposit - least}")
    until = min(reducing.valid_until, head.block + sale.decided.patience_s)
    return accord.HeardReducing(replace(reducing, valid_until=Timestamp(until), signature=b""))


def _refuse_reduction(what: str, had: object, needed: object) -> NoReturn:
    raise ReductionRefused(what, who="reduction", had=had, needed=needed)


def is_overdrawn(sale: Sale, pause: Pause, head: Head) -> on.FoundOverdrawn | None:
    """What a refusal for want of deposit means, the first time."""
    if pause is not Pause.OVERDRAWN or sale.overdrawn_since != NO_TIME:
        return None
    return on.FoundOverdrawn(Timestamp(head.block))


def with_signature(proposal: Proposal, signature: bytes) -> on.FoundProposal:
    """A draft that the seller signed."""
    return on.FoundProposal(replace(proposal, signature=signature))
