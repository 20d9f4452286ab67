"""What a seller does with its offers: lists, renews, withdraws them, has deposits back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.party.evm.joining import bring_in, send_as_asked
from edgemark.systems.trading.contract.market.events import OfferPosted
from edgemark.systems.trading.contract.market.records import Offer, OfferDraft
from edgemark.systems.trading.identifiers import OfferId
from edgemark.systems.trading.station.station import TradingStation

DAY_S = 86_400
SPARE_S = 3600  # that an allowance lasts longer than the lock, as blocks come when they come


class NotYours(RefusedInput):
    """An offer of another seller."""


class DepositTooSmall(RefusedInput):
    """A deposit that gives a new offer no place in its category."""


@dataclass(frozen=True)
class Posted:
    """An offer that is listed.

    Attributes:
        id: that it has now.
        deposit: that is locked for its place.
    """

    id: OfferId
    deposit: Tokens


def expiry_of(station: TradingStation, days: int) -> Timestamp:
    """So many days from now, by the chain's newest block."""
    return Timestamp(station.chain.block("latest").timestamp + days * DAY_S)


def post(station: TradingStation, draft: OfferDraft, deposit: Tokens | None) -> Posted:
    """List an offer, and lock its deposit until it expires.

    Args:
        station: of the seller.
        draft: what it says; `expires_at` from now on.
        deposit: smallest units; None: what gives it a place now.

    Raises:
        DepositTooSmall: another deposit than None, below what a place costs now.
        VersionUnknown: nobody registered its template.
        RefusedInput: the wallet holds too few tokens, or the book refuses it; with why.
    """
    offers = station.offers
    station.templates.version_of(draft.template)
    room = offers.room(draft.category)
    locked = room.needed if deposit is None else deposit
    if locked < room.needed:
        raise DepositTooSmall(
            "gives no place in this category",
            who="deposit",
            had=Amount(locked),
            needed=f"{Amount(room.needed)} or more",
        )
    lasts_s = draft.expires_at - station.chain.block("latest").timestamp + SPARE_S
    bring_in(station, locked, [offers.address], locked, lasts_s=lasts_s)
    remedy = "An offer names a TIT of its seller that is not deprecated."
    receipt = send_as_asked(station, offers.post(draft, locked, room.place), remedy)
    return Posted(_posted_in(station, receipt), locked)


def _posted_in(station: TradingStation, receipt: Receipt) -> OfferId:
    for event in decode_logs([station.offers.contract], receipt.logs):
        if isinstance(event, OfferPosted):
            return event.offer
    raise RefusedInput("lists no offer", who=f"transaction {receipt.tx_hash.hex()}")


def renew(station: TradingStation, offer: OfferId, days: int) -> Offer:
    """List an offer for so many days from now, and lock its deposit as long; answers it so.

    Raises:
        OfferUnknown, NotYours: it is not listed, or is another's.
        RefusedInput: the book refuses it: it lasts as long, or longer, already.
    """
    found = check_own(station, offer)
    held = station.accounts.place(station.offers.address, offer, 0).amount
    until = expiry_of(station, days)
    bring_in(station, 0, [station.offers.address], held, lasts_s=days * DAY_S + SPARE_S)
    remedy = "A new expiry is later than the one before, within what the book allows."
    send_as_asked(station, station.offers.renew(offer, until), remedy)
    return replace(found, draft=replace(found.draft, expires_at=until))


def withdraw(station: TradingStation, offer: OfferId) -> Offer:
    """Take an offer off the list; its deposit stays until its expiry, its channels go on.

    Raises:
        OfferUnknown, NotYours: it is not listed, or is another's.
    """
    found = check_own(station, offer)
    send_as_asked(station, station.offers.withdraw(offer), "Nothing was changed.")
    return found


def clear(station: TradingStation, offers: Sequence[OfferId]) -> None:
    """Give the deposits of offers back that have expired, to their sellers; anyone may.

    Raises:
        RefusedInput: too many, or one has not expired, or has no deposit any more.
    """
    remedy = "A deposit comes back once the offer has expired, once."
    send_as_asked(station, station.offers.clear(offers), remedy)


def check_own(station: TradingStation, offer: OfferId) -> Offer:
    """The offer, when it is this account's.

    Raises:
        OfferUnknown: it is not listed.
        NotYours: it is another's.
    """
    found = station.offers.offer(offer)
    if found.seller != station.address:
        raise NotYours(
            "is another seller's",
            who=f"offer {offer.hex()}",
            had=found.seller,
            needed=station.address,
        )
    return found
