"""Templates and offers, and the opening of a channel that takes one of the capacity of an offer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.systems.trading.contract.market.records import (
    MAX_OFFER_PIECES,
    MAX_PLACES,
    MAX_QUALIFICATIONS,
    OfferDraft,
    Qualification,
    TemplateDraft,
    compute_category,
    make_offer_id,
)
from edgemark.systems.trading.contract.records import MAX_CHANNELS
from edgemark.systems.trading.identifiers import (
    OfferId,
    compute_template_id,
    compute_version_id,
)
from edgemark.systems.trading.station.contracts import DEFAULT_OFFER_LIMITS
from edgemark.systems.trading.templates.fields import TemplateKind

if TYPE_CHECKING:
    from tools.gas_of_trading import Channels

TEMPLATES, BOOK, ESCROW = "TemplateRegistry", "OfferBook", "ChannelEscrow"
DEPOSIT = DEFAULT_OFFER_LIMITS.min_deposit
TEXT_HASH = Hash32(keccak256(b"text of a template"))
LOCATOR = "b" * 59  # CIDs of version 1 have 59 letters


class Market:
    """What one seller registers and posts."""

    def __init__(self, channels: Channels) -> None:
        self.channels = channels
        self.seller = channels.key("seller").address
        self.escrow = channels.deployment.contracts[ESCROW]
        self.posted = 0

    def template(self, kind: TemplateKind, number: int = 1) -> TemplateDraft:
        """A version of the initiation template, or of the settlement template."""
        draft = TemplateDraft(kind.value, kind, number, TEXT_HASH, 1000, LOCATOR)
        if kind is TemplateKind.SETTLEMENT:
            return draft
        template = compute_template_id(self.seller, TemplateKind.SETTLEMENT.value)
        return replace(draft, settlement=compute_version_id(template, 1))

    def draft(self, qualifications: int = 0, category: str = "CPU") -> OfferDraft:
        """An offer of many channels."""
        template = compute_template_id(self.seller, TemplateKind.INITIATION.value)
        named = Qualification(self.seller, Hash32(keccak256(b"audited")))
        return OfferDraft(
            escrow=self.escrow,
            category=compute_category(category),
            template=compute_version_id(template, 1),
            specification=Resources(16, 65_536, 1_000_000, 10_000),
            price=Tokens(10**15),
            capacity=1000,
            expires_at=Timestamp(self.channels.lab.now() + 20 * 86_400),
            qualifications=(named,) * qualifications,
        )

    def post(
        self,
        case: str | None,
        draft: OfferDraft,
        deposit: int = DEPOSIT,
        role: str = "seller",
        place: int = 0,
    ) -> OfferId:
        """Post an offer, measured where it has a case."""
        arguments = (draft.as_abi(), deposit, place)
        if case is None:
            self.channels.send(role, BOOK, "post", *arguments)
        else:
            self.channels.measure_of(BOOK, case, role, "post", *arguments)
        self.posted += 1
        return make_offer_id(self.seller, self.posted)


def run_offers(channels: Channels) -> None:
    """A seller registers its templates, posts, is bought from, and leaves."""
    market = Market(channels)
    run_templates(market)
    offer = market.post("first", market.draft())
    with channels.lab.undone():
        case = f"again, {MAX_QUALIFICATIONS} qualifications"
        market.post(case, market.draft(MAX_QUALIFICATIONS))
    with channels.lab.undone():
        run_full_class(market)
    run_capacity(channels, market, offer)
    run_leaving(channels, market)


def run_templates(market: Market) -> None:
    """One of each kind, the next version, and its end."""
    for kind in (TemplateKind.SETTLEMENT, TemplateKind.INITIATION):
        said = market.template(kind).as_abi()
        case = f"{kind.value}, first"
        market.channels.measure_of(TEMPLATES, case, "seller", "register", said)
    again = market.template(TemplateKind.SETTLEMENT, 2)
    measure = market.channels.measure_of
    measure(TEMPLATES, "settlement, again", "seller", "register", again.as_abi())
    measure(TEMPLATES, "", "seller", "deprecate", again.as_abi()[0], 2)


def run_full_class(market: Market) -> None:
    """The offer that comes when all places of a category are taken."""
    for _ in range(MAX_PLACES):
        market.post(None, market.draft(category="full"))
    market.post("into a full category", market.draft(category="full"), 2 * DEPOSIT, place=255)


def run_capacity(channels: Channels, market: Market, offer: OfferId) -> None:
    """Channels that take of an offer, and give it back after their end."""
    first = channels.terms(offer)
    opening = [channels.opening(first)]
    channels.measure("one channel of an offer", "payer", "open", opening)
    with channels.lab.undone():
        many = [channels.terms(offer) for _ in range(MAX_CHANNELS)]
        openings = [channels.opening(terms) for terms in many]
        case = f"{MAX_CHANNELS} channels of an offer"
        channels.measure(case, "payer", "open", openings)
        closings = [channels.closing(terms) for terms in many]
        channels.send("outsider", ESCROW, "closeTogether", closings)
        released = (market.escrow, [terms.as_abi() for terms in many])
        case = f"{MAX_OFFER_PIECES} channels"
        channels.measure_of(BOOK, case, "outsider", "release", *released)
    channels.send("outsider", ESCROW, "closeTogether", [channels.closing(first)])
    with channels.lab.undone():  # what an escrow's call alone costs
        pretended = replace(market.draft(), escrow=channels.key("outsider").address)
        market.post(None, pretended)
        second = make_offer_id(market.seller, 2)  # others were undone
        channels.measure_of(BOOK, "", "outsider", "take", second, market.seller)
    released = (market.escrow, [first.as_abi()])
    channels.measure_of(BOOK, "one channel", "outsider", "release", *released)


def run_leaving(channels: Channels, market: Market) -> None:
    """An offer lasts longer, is withdrawn, or expires."""
    offer = make_offer_id(market.seller, 1)
    until = channels.lab.now() + 25 * 86_400
    channels.measure_of(BOOK, "", "seller", "renew", market.escrow, offer, until)
    with channels.lab.undone():
        channels.measure_of(BOOK, "", "seller", "withdraw", market.escrow, offer)
    channels.measure_of(BOOK, "", "guardian", "deprecate")
    with channels.lab.undone():
        channels.lab.wait_until(until + 1)
        channels.measure_of(BOOK, "one offer", "outsider", "clear", market.escrow, [offer])
