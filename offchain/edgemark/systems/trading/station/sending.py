"""What seller and buyer send to the escrow, effect by effect; sending is a party's own word.

So each call bears the other's signature alone, where the escrow wants both. What is drafted anew
while it is under way, as with a newer voucher, joins what is under way (`Call.about`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, assert_never

from edgemark.identifiers import Tokens
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.escrow import (
    BroughtAmendment,
    BroughtClosing,
    BroughtOpening,
    BroughtReduction,
    BroughtResponse,
    BroughtVoucher,
    EscrowContract,
    TopUp,
)
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.seller.sale import Sale

SharedSubmits = do.SubmitAmending | do.SubmitCloseTogether | do.SubmitSettle | do.SubmitEndUnclosed
SellerSubmits = SharedSubmits | do.SubmitCheckpoint | do.SubmitClaim | do.SubmitResponse
BuyerSubmits = SharedSubmits | do.SubmitOpening | do.SubmitTopUp | do.SubmitReduce | do.SubmitClose


T = TypeVar("T")


class NothingToSend(LookupError):
    """A state does not have what an effect of its own brings: the machine is wrong."""


def call_of_seller(escrow: EscrowContract, sale: Sale, effect: SellerSubmits) -> Call:
    """The call by which a seller carries out an effect that its state owes."""
    terms = sale.known.terms
    match effect:
        case do.SubmitCheckpoint():
            call = escrow.checkpoint([_voucher_of(sale)])
            return replace(call, about=_about("checkpoint", sale))
        case do.SubmitClaim():
            return escrow.close([_voucher_of(sale)])
        case do.SubmitResponse():
            signed = _held(sale.voucher)
            shown = BroughtResponse(terms, signed.voucher, signed.payer_signature)
            return escrow.respond([shown])
        case _:
            return _call_of(escrow, sale, effect, is_seller=True)


def call_of_buyer(escrow: EscrowContract, purchase: Purchase, effect: BuyerSubmits) -> Call:
    """The call by which a buyer carries out an effect that its state owes.

    Raises:
        UnderWay: what is to be deposited is, and not deep enough to be seen.
        LedgerUnavailable: the chain does not say what is deposited now.
    """
    terms = purchase.known.terms
    match effect:
        case do.SubmitOpening():
            word = _held(purchase.opening)
            return escrow.open([BroughtOpening(terms, word.valid_until, word.signature)])
        case do.SubmitTopUp(deposit):
            return _top_up(escrow, purchase, deposit)
        case do.SubmitReduce():
            said = _held(purchase.reducing)
            told = (terms, said.number, said.amount, said.valid_until)
            return escrow.reduce([BroughtReduction(*told, seller_signature=said.signature)])
        case do.SubmitClose(amount):
            if not amount:
                return escrow.close_bare([terms])
            return escrow.close([BroughtVoucher(terms, _held(purchase.voucher).voucher)])
        case _:
            return _call_of(escrow, purchase, effect, is_seller=False)


def _call_of(escrow: EscrowContract, side: Side, effect: SharedSubmits, *, is_seller: bool) -> Call:
    terms = side.known.terms
    match effect:
        case do.SubmitAmending():
            told = _held(side.offered)
            said = (terms, told.number, told.amount, told.signers, told.valid_until)
            return escrow.amend([BroughtAmendment(*said, *_by_other(told.signature, is_seller))])
        case do.SubmitCloseTogether():
            back = _held(side.closing_back)
            signed = _by_other(back.signature, is_seller)
            return escrow.close_together(
                [BroughtClosing(terms, back.amount, back.valid_until, *signed)]
            )
        case do.SubmitSettle():
            return escrow.settle([terms])
        case do.SubmitEndUnclosed():
            return escrow.end_unclosed([terms])
        case _:
            assert_never(effect)


def _by_other(signature: bytes, is_seller: bool) -> tuple[bytes, bytes]:
    """(payer's, seller's): the sender's own word is that it sends this."""
    return (signature, b"") if is_seller else (b"", signature)


def _voucher_of(sale: Sale) -> BroughtVoucher:
    signed: Countersigned = _held(sale.voucher)
    return BroughtVoucher(sale.known.terms, signed.voucher, signed.payer_signature)


def _top_up(escrow: EscrowContract, purchase: Purchase, wanted: Tokens) -> Call:
    """What is missing of a sum by the newest block; once from what is deposited there (`Call.key`).

    A sum that grew while the first was under way is so made up by a second, and nothing twice.
    """
    terms = purchase.known.terms
    kept = escrow.channel(terms, block="latest")
    held = kept.deposit(terms.bond)
    if held >= wanted:
        raise UnderWay("is deposited, and not seen yet", who="top-up", had=held, needed=wanted)
    call = escrow.top_up([TopUp(terms, Tokens(wanted - held))])
    return replace(call, key=_about(f"top-up from {held}, {kept.agreements}", purchase))


def _about(what: str, side: Side) -> bytes:
    return what.encode() + b" of " + side.known.channel


def _held(part: T | None) -> T:
    if part is None:
        raise NothingToSend("a state owes to send what it does not have")
    return part
