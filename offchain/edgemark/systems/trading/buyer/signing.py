"""What a buyer signs, and what it says, effect by effect. Pure: key and time are handed in.

Whatever is signed here is an event of the journal before it leaves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.buyer.checking import check_proposal, draft_closing
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.accords.checking import draft_amending, draft_consent
from edgemark.systems.trading.protocol.accords.events import (
    FoundAmending,
    FoundClosing,
    FoundConsent,
)
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing
from edgemark.systems.trading.protocol.agreement import Head, Pricing
from edgemark.systems.trading.protocol.letters import ChannelDomain, Message
from edgemark.systems.trading.protocol.messages import Stop

Signing = do.SignAmending | do.SignConsent | do.SignClosing
Saying = (
    do.SendVoucher
    | do.SendStop
    | do.SendAmending
    | do.SendConsent
    | do.SendReducing
    | do.SendClosing
)


def compute_due(state: Purchase) -> int:
    """What a seller has a right to, by what this buyer knows."""
    return max(state.worth(state.signed.amount), state.paid)


def sign(
    state: Purchase, effect: Signing, domain: ChannelDomain, head: Head, key: SecretKey
) -> FoundAmending | FoundConsent | FoundClosing:
    """The payer's word that an effect asks for."""
    channel = state.known.channel

    def amend(draft: Amending) -> Amending:
        told = (draft.number, draft.amount, draft.signers, draft.valid_until)
        return replace(draft, signature=key.sign(domain.amendment(channel, *told)))

    match effect:
        case do.SignAmending():
            return FoundAmending(amend(draft_amending(state, compute_due(state), head)))
        case do.SignConsent():
            return FoundConsent(amend(draft_consent(state, head)))
        case do.SignClosing():
            draft = draft_closing(state)
            digest = domain.closing(channel, draft.amount, draft.valid_until)
            return FoundClosing(replace(draft, signature=key.sign(digest)))
        case _:
            assert_never(effect)


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
        case do.SendStop():
            return Stop(state.reason)
        case do.SendAmending():
            return state.amending
        case do.SendConsent():
            return state.consent
        case do.SendReducing():
            return state.asking
        case do.SendClosing():
            return state.closing or Closing(state.paid, state.known.terms.close_by)
        case _:
            assert_never(effect)
