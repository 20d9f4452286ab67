"""The least that a seller begins a channel with, and what a buyer then puts in.

A seller says it in its status: so much is a place of its shop worth to it, and so much is a
checkpoint. It is a stranger's word: what its user did not name a buyer raises to it, up to a limit
of its own (`trading.buyer.max_least`); what is locked is shown before it is agreed to.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.amounts import SUPPLY, Amount, is_whole
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import NOBODY, Address, Tokens, parse_address
from edgemark.systems.trading.buyer.market.choosing import SellerPlace
from edgemark.systems.trading.buyer.market.programs import MAX_STATUS_BYTES, STATUS
from edgemark.systems.trading.station.station import TradingStation
from edgemark.transport.faults import from_peer
from edgemark.untrusted.fields import Fields, parse_json

MAX_DIGITS = len(str(SUPPLY))


class BelowLeast(RefusedInput):
    """Less is put in than the seller begins a channel with."""


class LeastTooHigh(RefusedInput):
    """The seller asks for more than is put in where the user names nothing."""


class ServesAnother(PeerFault):
    """Where an offer's seller says that it serves another one does: `account`."""

    account: Address = NOBODY


@dataclass(frozen=True)
class Leasts:
    """What a channel begins with at least, smallest units."""

    deposit: Tokens
    bond: Tokens


NO_LEASTS = Leasts(Tokens(0), Tokens(0))


def fetch_leasts(station: TradingStation, place: SellerPlace) -> Leasts:
    """What a seller asks for.

    Raises:
        PeerFault: it does not answer, or with no such status.
        ServesAnother: it is not who answers there.
    """
    raw = place.get(station, STATUS, most=MAX_STATUS_BYTES)
    with from_peer(str(place.did)):
        account = parse_address(parse_json(raw, "status").text("account"), who="status, account")
        leasts = read_leasts(raw)
    if account != place.did.identity:
        error = ServesAnother(
            "is not who serves there",
            who=str(place.did),
            had=f"{account} at {place.endpoint}",
            needed=place.did.identity,
        )
        error.account = account
        raise error
    return leasts


def read_leasts(raw: bytes) -> Leasts:
    """What a status says.

    Raises:
        RefusedInput: it says nothing of it, or what is no amount.
    """
    told = parse_json(raw, "status")
    return Leasts(_read(told, "least_deposit"), _read(told, "least_bond"))


def _read(told: Fields, name: str) -> Tokens:
    text = told.text(name)
    is_amount = is_whole(text) and len(text) <= MAX_DIGITS
    if not is_amount or not 0 <= int(text) <= SUPPLY:
        who, needed = f"{told.who}, {name}", f"0..{SUPPLY}"
        raise RefusedInput("is no amount", who=who, had=text[:80], needed=needed)
    return Tokens(int(text))


def meet(what: str, named: Tokens | None, own: int, least: Tokens, most: Tokens) -> Tokens:
    """What is put in.

    Args:
        what: `deposit` or `bond`: the option that names it.
        named: by the user; None: nothing.
        own: what it would be without the seller's wish.
        least: of the seller.
        most: up to which that is followed.

    Raises:
        BelowLeast: the user named less.
        LeastTooHigh: it is not followed.
    """
    if named is not None:
        if named < least:
            raise BelowLeast(
                "is less than this seller begins a channel with",
                who=what,
                had=Amount(named),
                needed=f">= {Amount(least)}",
                remedy=f"Name as much: --{what} MTC. What is not used comes back.",
            )
        return named
    if least > max(own, most):
        raise LeastTooHigh(
            "is more than is put in unasked",
            who=f"least {what} of the seller",
            had=Amount(least),
            needed=f"<= {Amount(most)}, by trading.buyer.max_least",
            remedy=f"Name it, --{what} MTC, or choose another offer.",
        )
    return Tokens(max(own, least))
