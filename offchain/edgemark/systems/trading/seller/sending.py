"""What a seller sends to the escrow, effect by effect; what both send is in `station.sending`."""

from __future__ import annotations

from dataclasses import replace

from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.escrow import (
    BroughtResponse,
    BroughtVoucher,
    EscrowContract,
)
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.sending import SharedSubmits, about, call_of_both, held

SellerSubmits = SharedSubmits | do.SubmitCheckpoint | do.SubmitClaim | do.SubmitResponse


def call_of_seller(escrow: EscrowContract, sale: Sale, effect: SellerSubmits) -> Call:
    """The call by which a seller carries out an effect that its state owes."""
    terms = sale.known.terms
    match effect:
        case do.SubmitCheckpoint():
            call = escrow.checkpoint([_voucher_of(sale)])
            return replace(call, about=about("checkpoint", sale))
        case do.SubmitClaim():
            return escrow.close([_voucher_of(sale)])
        case do.SubmitResponse():
            signed = held(sale.voucher)
            shown = BroughtResponse(terms, signed.voucher, signed.payer_signature)
            return escrow.respond([shown])
        case _:
            return call_of_both(escrow, sale, effect, Role.SELLER)


def _voucher_of(sale: Sale) -> BroughtVoucher:
    signed: Countersigned = held(sale.voucher)
    return BroughtVoucher(sale.known.terms, signed.voucher, signed.payer_signature)
