"""OfferBook on one chain: offers, which of them suit a demand, and the calls that change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.client import ContractClient
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.answers import reading
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.market.records import (
    MAX_OFFER_PIECES,
    Demand,
    Offer,
    OfferDraft,
    OfferLimits,
    Qualification,
)
from edgemark.systems.trading.contract.records import check_list
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId, OfferId, TemplateVersionId

MAX_PAGE = 64  # offers of one answer


class OfferUnknown(RefusedInput):
    """No such offer is listed for this escrow: it was taken down, or never was there."""


@dataclass(frozen=True)
class Room:
    """Where a new offer has room, and the least deposit that gives it that."""

    place: int
    needed: Tokens


class OfferContract(ContractClient):
    """Reads at the head unless told otherwise, and makes calls for a lane to send.

    Args:
        chain: where the contract is.
        contract: its address and interface.
        escrow: at which channels of its offers are opened.
    """

    def __init__(self, chain: EvmChain, contract: Contract, escrow: Address) -> None:
        super().__init__(chain, contract)
        self.escrow = escrow

    def head(self) -> int:
        """The newest block, at which all pages of one list are read."""
        return self._chain.head()

    def limits(self) -> OfferLimits:
        """Bounds of all offers, fixed at deployment."""
        return OfferLimits(*self._chain.call(self.contract, "limits", block="latest"))

    def offer(self, offer: OfferId, *, block: int | str = "latest") -> Offer:
        """An offer as it is listed.

        Raises:
            OfferUnknown: it is not.
        """
        found = self._chain.call(self.contract, "offerOf", self.escrow, offer, block=block)
        if not found.price:
            raise OfferUnknown(
                "is not listed for this escrow",
                who=f"offer {offer.hex()}",
                needed="an offer of `edgemark index offers` that is listed",
            )
        return self._offer_of(offer, found)

    def listed(self, category: Hash32, *, block: int | str = "latest") -> list[OfferId]:
        """All offers of a category, those that have expired and were not cleared included."""
        found = self._chain.call(self.contract, "listedIn", self.escrow, category, block=block)
        return [OfferId(bytes(each)) for each in found]

    def room(self, category: Hash32) -> Room:
        """Where a new offer of this category has room."""
        found = self._chain.call(self.contract, "roomIn", self.escrow, category, block="latest")
        place, needed = found
        return Room(int(place), Tokens(needed))

    def recommend(
        self, demand: Demand, first: int = 0, count: int = MAX_PAGE, *, block: int | str = "latest"
    ) -> tuple[list[Offer], int]:
        """Offers that suit a demand, the lowest price first, and how many there are in all.

        Args:
            demand: what is needed.
            first: how many are left out.
            count: how many are shown at most, 1 .. `MAX_PAGE`.
            block: where to read; all pages of one list at the same.
        """
        if not 1 <= count <= MAX_PAGE:
            raise RefusedInput(
                "shows no page of this length", who="offers", had=count, needed=f"1..{MAX_PAGE}"
            )
        asked = (demand.as_abi(), first, count)
        page, fitting = self._chain.call(self.contract, "recommend", *asked, block=block)
        return [self._offer_of(each.id, each.offer) for each in page], int(fitting)

    def recommend_all(self, demand: Demand, most: int) -> tuple[list[Offer], int]:
        """The best offers that suit a demand, page by page at one block; and how many there are.

        Args:
            demand: what is needed.
            most: how many are shown at most, >= 1.
        """
        block, found, many = self.head(), list[Offer](), 1
        while len(found) < min(most, many):
            wanted = min(MAX_PAGE, most - len(found))
            page, many = self.recommend(demand, len(found), wanted, block=block)
            if not page:
                break
            found += page
        return found, many

    def is_released(self, channel: ChannelId, *, block: int | str = "latest") -> bool:
        """Whether a channel's capacity was given back."""
        asked = (self.escrow, channel)
        return bool(self._chain.call(self.contract, "isReleased", *asked, block=block))

    def post(self, draft: OfferDraft, deposit: Tokens, place: int) -> Call:
        """List an offer of the sender's, which lets the book lock the deposit; `place`: `room`."""
        return self._call("post", draft.as_abi(), deposit, place)

    def renew(self, offer: OfferId, expires_at: Timestamp) -> Call:
        """List an offer of the sender's for longer."""
        return self._call("renew", self.escrow, offer, expires_at)

    def withdraw(self, offer: OfferId) -> Call:
        """Take an offer of the sender's off the list; the deposit stays until the expiry."""
        return self._call("withdraw", self.escrow, offer)

    def clear(self, offers: Sequence[OfferId]) -> Call:
        """Take offers off the list that have expired; their deposits go back."""
        check_list("clear", offers, MAX_OFFER_PIECES)
        return self._call("clear", self.escrow, list(offers))

    def release(self, channels: Sequence[Terms]) -> Call:
        """Give back the capacity of channels that ended."""
        check_list("release", channels, MAX_OFFER_PIECES)
        return self._call("release", self.escrow, [terms.as_abi() for terms in channels])

    def _offer_of(self, offer: bytes, raw: Any) -> Offer:
        return offer_of(self.escrow, offer, raw)


def offer_of(escrow: Address, offer: bytes, raw: Any) -> Offer:
    """Of a view, or of what `OfferPosted` says.

    Args:
        escrow: that it stands under.
        offer: its id.
        raw: with the fields of `IOfferBook.Offer`.

    Raises:
        NodeAnswerMalformed: it is something else.
    """
    with reading("offer", raw):
        named = tuple(
            Qualification(e.issuer, Hash32(e.credential_hash)) for e in raw.qualifications
        )
        draft = OfferDraft(
            escrow=escrow,
            category=Hash32(raw.category),
            template=TemplateVersionId(raw.template),
            specification=Resources(*raw.specification),
            price=Tokens(raw.price),
            capacity=int(raw.capacity),
            expires_at=Timestamp(raw.expires_at),
            qualifications=named,
        )
        return Offer(OfferId(offer), draft, int(raw.taken), int(raw.place))
