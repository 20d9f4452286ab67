"""What the buyer signs, and what it does not: each bill is computed again. Pure.

| a bill is                                    | then                                              |
|----------------------------------------------|---------------------------------------------------|
| right                                        | `HeardProposal`: it is to be signed               |
| old, or for another controller, or too early | `NotSigned`: nothing; it may be right later       |
| signed by its seller, and never right        | `ProposalWrong`: kept as evidence, service stops  |

Both errors say who, what there was and what was needed.
"""

from __future__ import annotations

from typing import NoReturn

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.ceasing import compute_skew_s
from edgemark.systems.trading.protocol.accords.messages import Closing, Reducing
from edgemark.systems.trading.protocol.agreement import (
    Fault,
    Head,
    Pricing,
    check_fresh,
)
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import Answer, Proposal
from edgemark.systems.trading.templates.readings import MAX_SKEW_S


class NotSigned(RefusedInput):
    """A bill is not signed as things are; it may be later, or is known already."""


class ProposalWrong(PeerFault):
    """A bill that its seller signed and that can never be right."""

    fault: Fault = Fault.FEE


class NotReduced(RefusedInput):
    """A deposit of which nothing goes back now."""


class AnswerStrange(PeerFault):
    """An answer to what was not asked, or that uses more than its request may cost."""


def check_proposal(
    purchase: Purchase,
    proposal: Proposal,
    pricing: Pricing,
    domain: ChannelDomain,
    head: Head,
) -> on.HeardProposal:
    """What becomes of a bill that is right.

    Args:
        purchase: the channel.
        proposal: from a letter of its seller.
        pricing: of the initiation credential.
        domain: of the escrow.
        head: time as the buyer sees it.

    Raises:
        BlocksStopped, NotSigned: not now.
        ProposalWrong: never; its seller signed it.
        BadSignature: the seller did not sign the voucher.
    """
    check_fresh(head, purchase.decided.stale_after_s)
    _check_timely(purchase, proposal, head)
    check_signature(
        domain.voucher(purchase.known.channel, proposal.voucher),
        proposal.signature,
        purchase.in_force.seller_key,
    )
    _check_amount(purchase, proposal)
    _check_interval(purchase, proposal, pricing)
    _check_stopped(purchase, proposal, pricing)
    _check_fee(purchase, proposal, pricing)
    _check_came(purchase, proposal, pricing)
    return on.HeardProposal(proposal)


def _check_timely(purchase: Purchase, proposal: Proposal, head: Head) -> None:
    voucher, signers = proposal.voucher, purchase.in_force
    signed = purchase.signed
    if voucher.index <= signed.index:
        _refuse("index goes back", voucher.index, f"> {signed.index}")
    if voucher.amount == signed.amount:  # the same bill under another index
        _refuse("is signed already", voucher.amount, f"> {signed.amount}")
    if (voucher.controller, voucher.epoch) != (signers.controller, signers.epoch):
        needed = f"{signers.controller}, epoch {signers.epoch}"
        _refuse("is for another controller", f"{voucher.controller}, {voucher.epoch}", needed)
    if voucher.template_hash != purchase.known.terms.settlement_template:
        needed = purchase.known.terms.settlement_template.hex()
        _refuse("is of another template", voucher.template_hash.hex(), needed)
    if proposal.valid_until < head.block:
        _refuse("is not valid any more", proposal.valid_until, f">= {head.block}")
    if proposal.readings.end > head.block + MAX_SKEW_S:
        _refuse("ends in the future", proposal.readings.end, f"<= {head.block + MAX_SKEW_S}")
    if voucher.amount > purchase.deposit:
        _refuse("is above the confirmed deposit", voucher.amount, f"<= {purchase.deposit}")


def _check_amount(purchase: Purchase, proposal: Proposal) -> None:
    """A bill begins where the last one that was signed ends."""
    amount, signed = proposal.voucher.amount, purchase.signed.amount
    if amount < signed:
        _blame(Fault.AMOUNT, "amount goes down", amount, f">= {signed}")
    if proposal.begins_at != signed:
        _blame(Fault.AMOUNT, "begins at no amount that was signed", proposal.begins_at, signed)


def _check_interval(purchase: Purchase, proposal: Proposal, pricing: Pricing) -> None:
    readings, last = proposal.readings, purchase.signed
    begun, most_s = max(last.end, purchase.opened_at), purchase.known.conditions.interval_s
    start, end = readings.start, readings.end
    if not (begun <= start < end <= start + most_s):
        _blame(Fault.TIME, "interval is none", f"{start} to {end}", f"{most_s} s, from {begun} on")
    before = last.registers or pricing.zero
    free = [had - shown for had, shown in zip(before, readings.before, strict=False)]
    if len(readings.before) != len(before) or any(each > 0 for each in free):
        _blame(Fault.READINGS, "readings go back", readings.before, before)
    try:
        pricing.check(readings, purchase.opened_at)
    except RefusedInput as error:
        _blame(Fault.READINGS, f"readings: {error.what}", error.had, error.needed)


def _check_stopped(purchase: Purchase, proposal: Proposal, pricing: Pricing) -> None:
    """No time is paid for beyond the stop, but for orders that are open (`Ceasing`, rules 2, 3)."""
    start, end, until = proposal.readings.start, proposal.readings.end, purchase.time_ends
    if start < until:
        until = max(until, purchase.latest_stop)
    until = Timestamp(until + compute_skew_s(purchase.known.conditions.interval_s))
    if pricing.counts_time and end > until:
        _refuse("is for time after the stop", end, f"<= {until}")


def _check_fee(purchase: Purchase, proposal: Proposal, pricing: Pricing) -> None:
    """What is left of a deposit may be billed as the seller saw it (`Purchase.deposits`)."""
    signed, readings = purchase.signed, proposal.readings
    is_first = signed.amount == 0
    due = [
        pricing.bill(readings, is_first=is_first, left=deposit - signed.amount)
        for deposit in purchase.deposits
    ]
    if proposal.fee > 0 and proposal.fee in due:
        return
    units, cap = pricing.price(readings), purchase.known.conditions.cap
    price = units + (pricing.first_price if is_first else 0)
    if 0 < proposal.fee < due[0]:
        _refuse("is less than the strategy gives", proposal.fee, due[0])
    if proposal.fee == price and units > cap:
        _blame(Fault.CAP, "interval costs more than its cap", proposal.fee, f"<= {cap}")
    _blame(Fault.FEE, "strategy gives another fee", proposal.fee, due[0])


def _check_came(purchase: Purchase, proposal: Proposal, pricing: Pricing) -> None:
    """Work is paid for when its answers came; a meter of time counts by itself."""
    paid_for = sum(proposal.readings.after)
    if not pricing.counts_time and paid_for > purchase.units_came:
        came = f"<= {purchase.units_came} units of answers that came"
        _refuse("is for more than what came", paid_for, came)


def _refuse(what: str, had: object, needed: object) -> NoReturn:
    raise NotSigned(what, who="proposal", had=had, needed=needed)


def _blame(fault: Fault, what: str, had: object, needed: object) -> NoReturn:
    error = ProposalWrong(
        what,
        who="seller",
        had=had,
        needed=needed,
        remedy="Nothing was signed; the bill is kept as evidence.",
    )
    error.fault = fault
    raise error


def check_answer(purchase: Purchase, answer: Answer, head: Head) -> on.HeardAnswer | None:
    """What becomes of an answer that came now; None when it came before.

    Raises:
        AnswerStrange: nobody asked, or it uses more than it may.
    """
    request = purchase.request(answer.number)
    if request is None:
        if answer.number <= purchase.last_number:
            return None
        raise AnswerStrange("was not asked for", who="answer", had=answer.number)
    if answer.units > request.most:
        had, needed = answer.units, f"<= {request.most}"
        raise AnswerStrange("uses more than it may", who="answer", had=had, needed=needed)
    return on.HeardAnswer(answer, Timestamp(head.block))


def draft_reducing(purchase: Purchase, deposit: int, head: Head) -> accord.AskedReduce:
    """Have the deposit reduced to this; the seller is asked for its word for some time.

    Raises:
        NotReduced: it is no reduction, goes below what was signed, or another one is under way.
    """
    least = max(purchase.signed.amount, purchase.paid)
    if not least <= deposit < purchase.deposit:
        needed = f"{least} to {purchase.deposit - 1}"
        raise NotReduced("deposit is not reduced to this", who="buyer", had=deposit, needed=needed)
    if purchase.asking is not None:
        raise NotReduced(
            "another reduction is under way",
            who="buyer",
            had=purchase.asking.amount,
            remedy=f"Ask again after {purchase.asking.valid_until}.",
        )
    back = Tokens(purchase.deposit - deposit)
    until = Timestamp(head.block + purchase.decided.patience_s)
    return accord.AskedReduce(Reducing(purchase.agreements, back, until))


def check_reducing_back(
    purchase: Purchase, reducing: Reducing, domain: ChannelDomain, head: Head
) -> accord.HeardReducingBack | None:
    """The seller's word for what the buyer asked for; None when it is here.

    Raises:
        NotReduced: it is for another amount or number, or over.
        BadSignature: another signed it.
    """
    asked = purchase.asking
    if reducing == purchase.reducing:
        return None
    needed = None if asked is None else (asked.number, asked.amount)
    if needed != (reducing.number, reducing.amount) or reducing.valid_until < head.block:
        raise NotReduced("is not what was asked for", who="seller", had=reducing, needed=needed)
    told = (reducing.number, reducing.amount, reducing.valid_until)
    digest = domain.reduction(purchase.known.channel, *told)
    check_signature(digest, reducing.signature, purchase.in_force.seller_key)
    return accord.HeardReducingBack(reducing)


def check_closing_back(
    purchase: Purchase, closing: Closing, domain: ChannelDomain, head: Head
) -> accord.HeardClosingBack:
    """The seller's word for the end: at what it says that it is owed, which is no more than signed.

    A buyer that lost its disk takes what is paid on chain, or looks at the voucher that it signed.

    Raises:
        NotSigned: it is for more than what this buyer signed, less than is paid, or for a time.
        BadSignature: another signed it.
    """
    most = purchase.due
    close_by = max(purchase.known.terms.close_by, head.block)
    if not purchase.paid <= closing.amount <= most:
        needed = f"{purchase.paid} .. {most}"
        _refuse("closing is at no amount that was signed", closing.amount, needed)
    if closing.valid_until < close_by:
        _refuse("closing is for a time", closing.valid_until, f">= {close_by}")
    check_signature(
        domain.closing(purchase.known.channel, closing.amount, closing.valid_until),
        closing.signature,
        purchase.in_force.seller_key,
    )
    return accord.HeardClosingBack(closing)


def blame(error: ProposalWrong, proposal: Proposal, head: Head) -> on.FoundProposalWrong:
    """What a bill that can never be right means: nothing more is bought."""
    return on.FoundProposalWrong(error.fault, proposal, Timestamp(head.block))
