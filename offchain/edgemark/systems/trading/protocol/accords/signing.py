"""What either party signs of what both sign, and what it says. Pure: key and time are handed in.

Whatever is signed here is an event of the journal before it leaves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Tokens
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.accords.checking import draft_amending, draft_consent
from edgemark.systems.trading.protocol.accords.events import (
    FoundAmending,
    FoundClosing,
    FoundConsent,
)
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.letters import ChannelDomain, Message
from edgemark.systems.trading.protocol.messages import Stop
from edgemark.systems.trading.protocol.side import Side

Signing = do.SignAmending | do.SignConsent | do.SignClosing
Saying = do.SendStop | do.SendAmending | do.SendConsent | do.SendClosing


def draft_closing(side: Side) -> Closing:
    """The end at all that is signed, not signed; it counts until nobody may close."""
    return Closing(Tokens(side.due), side.known.terms.close_by)


def sign_accord(
    side: Side, effect: Signing, domain: ChannelDomain, head: Head, key: SecretKey
) -> FoundAmending | FoundConsent | FoundClosing:
    """A party's word that an effect asks for, by its key in force."""
    channel = side.known.channel

    def amend(draft: Amending) -> Amending:
        told = (draft.number, draft.amount, draft.signers, draft.valid_until)
        return replace(draft, signature=key.sign(domain.amendment(channel, *told)))

    match effect:
        case do.SignAmending():
            return FoundAmending(amend(draft_amending(side, side.due, head)))
        case do.SignConsent():
            return FoundConsent(amend(draft_consent(side, head)))
        case do.SignClosing():
            draft = draft_closing(side)
            digest = domain.closing(channel, draft.amount, draft.valid_until)
            return FoundClosing(replace(draft, signature=key.sign(digest)))
        case _:
            assert_never(effect)


def word_of_both(side: Side, effect: Saying) -> Message | None:
    """What an effect says that both parties may owe; None where there is nothing any more."""
    match effect:
        case do.SendStop():
            return Stop(side.reason, side.said_stop)
        case do.SendAmending():
            return side.amending
        case do.SendConsent():
            return side.consent
        case do.SendClosing():
            return side.closing or Closing(side.paid, side.known.terms.close_by)
        case _:
            assert_never(effect)
