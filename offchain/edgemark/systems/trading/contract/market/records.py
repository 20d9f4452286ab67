"""What TemplateRegistry and OfferBook store and take, as values: pure.

Amounts are in the token's smallest unit, times in Unix seconds of chain time. Sellers register and
post with these, buyers demand; which rooms do so is said in `systems/trading/__init__.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import (
    NO_TIME,
    NOBODY,
    Address,
    Hash32,
    Timestamp,
    Tokens,
    parse_address,
)
from edgemark.identity.resources import Resources
from edgemark.systems.trading.identifiers import (
    NO_TEMPLATE,
    OfferId,
    TemplateVersionId,
    pack_name,
)
from edgemark.systems.trading.templates.fields import TemplateKind
from edgemark.systems.trading.templates.template import Template

MAX_LOCATOR_BYTES = 128  # a CID has 59
MAX_PLACES = 256  # of a category
MAX_QUALIFICATIONS = 4  # of an offer
MAX_ISSUERS = 4  # of a demand
MAX_PRICE = Tokens(2**88 - 1)
NOTHING = Resources(0, 0, 0, 0)
MAX_OFFER_PIECES = 32  # in one call
_KINDS = (TemplateKind.INITIATION, TemplateKind.SETTLEMENT)
OUTBIDS = 2  # times the deposit of an offer, and another one takes its place


@dataclass(frozen=True)
class TemplateDraft:
    """A version to be registered, in the order of `ITemplateRegistry.Draft`.

    Args:
        name: of the template, see `pack_name`.
        kind: of all its versions.
        number: 1, or one more than the last.
        content_hash: keccak256 of the text.
        text_bytes: its length, 1 .. `MAX_TEXT_BYTES`.
        locator: where the text is, such as a CID; 1 .. `MAX_LOCATOR_BYTES` bytes.
        settlement: of an initiation template, the settlement template of its trades.
    """

    name: str
    kind: TemplateKind
    number: int
    content_hash: Hash32
    text_bytes: int
    locator: str
    settlement: TemplateVersionId = NO_TEMPLATE

    @classmethod
    def of(cls, template: Template, settlement: TemplateVersionId = NO_TEMPLATE) -> TemplateDraft:
        """The draft of a template that was read, whose text lies in content storage.

        Args:
            template: as `read_template` answers it: of at most `MAX_TEXT_BYTES`.
            settlement: of an initiation template, the version of its settlement template.
        """
        label, text = template.label, template.text
        head = (label.name, label.kind, label.version, template.content_hash)
        return cls(*head, len(text), str(template.cid), settlement)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes; raises as `pack_name`."""
        head = (pack_name(self.name), number_of(self.kind), self.number, self.content_hash)
        return (*head, self.text_bytes, self.locator, self.settlement)


@dataclass(frozen=True)
class Qualification:
    """Evidence that an offer names, in the order of `IOfferBook.Qualification`.

    Args:
        issuer: who signed it; compared to a demand.
        credential_hash: of the credential.
    """

    issuer: Address
    credential_hash: Hash32

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return (self.issuer, self.credential_hash)


@dataclass(frozen=True)
class OfferDraft:
    """What a seller offers, in the order of `IOfferBook.Draft`.

    Args:
        escrow: at which its channels are opened.
        category: what is sold, and in which unit it is priced, see `compute_category`.
        template: TIT, with its version.
        specification: Q, what one channel is served with.
        price: P, for one unit of the category; 1 .. `MAX_PRICE`.
        capacity: R, channels at once; at least 1.
        expires_at: last second at which it is listed.
        qualifications: at most `MAX_QUALIFICATIONS`.
    """

    escrow: Address
    category: Hash32
    template: TemplateVersionId
    specification: Resources
    price: Tokens
    capacity: int
    expires_at: Timestamp
    qualifications: tuple[Qualification, ...] = ()

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        head = (self.escrow, self.category, self.template, self.specification.as_abi())
        named = tuple(each.as_abi() for each in self.qualifications)
        return (*head, self.price, self.capacity, self.expires_at, named)


@dataclass(frozen=True)
class Offer:
    """An offer as the chain has it.

    Args:
        id: names its seller.
        draft: what it says.
        taken: how many of its capacity channels hold.
        place: in its category.
    """

    id: OfferId
    draft: OfferDraft
    taken: int = 0
    place: int = 0

    @property
    def seller(self) -> Address:
        """Whose it is."""
        return seller_of(self.id)

    @property
    def free(self) -> int:
        """How many channels may still be opened with it."""
        return self.draft.capacity - self.taken


@dataclass(frozen=True)
class Demand:
    """What a buyer needs, in the order of `IOfferBook.Demand`; zeros ask for nothing.

    Args:
        escrow: at which it opens channels.
        category: what it buys.
        template: TIT that it wants.
        least: what a channel needs.
        most_price: the most that it pays for a unit.
        channels: how many it will open.
        until: until when an offer has to be listed at least.
        evidence: EvidenceRegistry that it trusts.
        issuers: of each of them an offer names a qualification; at most `MAX_ISSUERS`.
    """

    escrow: Address
    category: Hash32
    template: TemplateVersionId = NO_TEMPLATE
    least: Resources = NOTHING
    most_price: Tokens = MAX_PRICE
    channels: int = 1
    until: Timestamp = NO_TIME
    evidence: Address = NOBODY
    issuers: tuple[Address, ...] = ()

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        head = (self.escrow, self.category, self.template, self.least.as_abi(), self.most_price)
        return (*head, self.channels, self.until, self.evidence, list(self.issuers))


@dataclass(frozen=True)
class OfferLimits:
    """Bounds of all offers, in the order of `IOfferBook.Limits`.

    Args:
        min_deposit: least deposit of an offer.
        min_seconds, max_seconds: from now to its expiry.
    """

    min_deposit: Tokens
    min_seconds: int
    max_seconds: int

    def as_abi(self) -> tuple[int, ...]:
        """The tuple that the constructor takes."""
        return (self.min_deposit, self.min_seconds, self.max_seconds)


def number_of(kind: TemplateKind) -> int:
    """Of a kind of templates, as `ITemplateRegistry.TemplateKind` has it."""
    return _KINDS.index(kind) + 1


def compute_category(text: str) -> Hash32:
    """The category that a text describes: what is sold, and the unit of its price.

    Args:
        text: such as "CPU time of x86-64, price of a core-second".
    """
    return Hash32(keccak256(text.encode()))


def make_offer_id(seller: Address, number: int) -> OfferId:
    """Id of a seller's offer; the first has the number 1."""
    return OfferId(bytes.fromhex(seller[2:]) + number.to_bytes(12, "big"))


def seller_of(offer: OfferId) -> Address:
    """Whose offer it is."""
    return parse_address(offer[:20])
