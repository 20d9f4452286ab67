"""What a buyer sends to the escrow, effect by effect; what both send is in `station.sending`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgemark.identifiers import Tokens
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.escrow import (
    BroughtOpening,
    BroughtReduction,
    BroughtVoucher,
    EscrowContract,
    TopUp,
)
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.sending import (
    SharedSubmits,
    about,
    as_one,
    call_of_both,
    held,
)

BuyerSubmits = SharedSubmits | do.SubmitOpening | do.SubmitTopUp | do.SubmitReduce | do.SubmitClose


def call_of_buyer(escrow: EscrowContract, purchase: Purchase, effect: BuyerSubmits) -> Call:
    """The call by which a buyer carries out an effect that its state owes.

    Raises:
        UnderWay: what is to be deposited is, and not deep enough to be seen.
        LedgerUnavailable: the chain does not say what is deposited now.
    """
    terms = purchase.known.terms
    match effect:
        case do.SubmitOpening():
            word = held(purchase.opening)
            return escrow.open([BroughtOpening(terms, word.valid_until, word.signature)])
        case do.SubmitTopUp(deposit):
            return _top_up(escrow, purchase, deposit)
        case do.SubmitReduce():
            said = held(purchase.reducing)
            told = (terms, said.number, said.amount, said.valid_until)
            return escrow.reduce([BroughtReduction(*told, seller_signature=said.signature)])
        case do.SubmitClose(amount):
            if not amount:
                return escrow.close_bare([terms])
            return escrow.close([BroughtVoucher(terms, held(purchase.voucher).voucher)])
        case _:
            return call_of_both(escrow, purchase, effect, Role.BUYER)


def call_of_openings(escrow: EscrowContract, together: Sequence[Purchase]) -> Call:
    """The call that opens channels which were agreed on together: all of them, or none.

    It is named after all that were, so whichever of them asks for it joins what is under way, also
    when others of them are open, or given up, by then.

    Args:
        escrow: of the channels.
        together: those that are to be opened still, each with the seller's word.
    """
    calls = [call_of_buyer(escrow, each, do.SubmitOpening()) for each in together]
    named = b"".join(together[0].beside)
    return replace(as_one(calls), key=b"opening of " + named) if named else calls[0]


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
    return replace(call, key=about(f"top-up from {held}, {kept.agreements}", purchase))
