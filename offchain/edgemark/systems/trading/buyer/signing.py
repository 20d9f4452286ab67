"""What a buyer signs, and what it says, effect by effect. Pure: key and time are handed in.

Whatever is signed here is an event of the journal before it leaves.
"""

from __future__ import annotations

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.buyer.checking import check_proposal
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.accords.signing import word_of_both
from edgemark.systems.trading.protocol.agreement import Head, Pricing
from edgemark.systems.trading.protocol.letters import ChannelDomain, Message

Saying = (
    do.SendVoucher
    | do.SendStop
    | do.SendAmending
    | do.SendConsent
    | do.SendReducing
    | do.SendClosing
)


def sign_proposal(
    state: Purchase,
    index: int,
    pricing: Pricing,
    domain: ChannelDomain,
    head: Head,
    key: SecretKey,
) -> bytes:
    """The payer's signature under the bill of an index, which is checked once more.

    Raises:
        IllegalMove: another bill came meanwhile.
        EdgemarkError: as `check_proposal`.
    """
    proposal = state.proposed
    if proposal is None or proposal.voucher.index != index:
        raise IllegalMove("is not to be signed any more", who=f"voucher {index}")
    check_proposal(state, proposal, pricing, domain, head)
    return key.sign(domain.voucher(state.known.channel, proposal.voucher))


def word_of(state: Purchase, effect: Saying) -> Message | None:
    """What an effect says to the seller; None where there is nothing any more."""
    match effect:
        case do.SendVoucher():
            return state.voucher
        case do.SendReducing():
            return state.asking
        case _:
            return word_of_both(state, effect)
