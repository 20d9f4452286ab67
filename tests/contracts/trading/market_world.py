"""Templates and offers of a seller beside the escrow, for the tests of the market.

What a recommendation should be, says `edgemark.systems.trading.contract.market.matching`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from eth_utils import encode_hex, keccak
from tests.contracts.thrift import GAS
from tests.contracts.trading.escrow_world import ALLOWED_SECONDS, WEALTH, EscrowWorld, address
from tests.contracts.trading.evidence_world import EvidenceWorld
from tests.offchain.systems.trading.channel_cast import OFFER_LIMITS

from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.market.records import (
    Demand,
    OfferDraft,
    Qualification,
    TemplateDraft,
    compute_category,
    make_offer_id,
)
from edgemark.systems.trading.identifiers import (
    NO_TEMPLATE,
    OfferId,
    TemplateVersionId,
    compute_template_id,
    compute_version_id,
)
from edgemark.systems.trading.templates.fields import TemplateKind

CATEGORY = compute_category("CPU time, price of a core-second")
SPECIFICATION = Resources(16, 65_536, 1000, 100)
LOCATOR = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
DEPOSIT = OFFER_LIMITS.min_deposit
LIFE = 2000  # seconds of an offer


@dataclass
class MarketWorld:
    """The deployed contracts; the seller's templates are registered, and it may post."""

    evidence: EvidenceWorld
    numbers: dict[str, int] = field(default_factory=dict)  # of the last offer of each seller
    posted: Any = None  # receipt of the last one
    settlement: TemplateVersionId = NO_TEMPLATE
    initiation: TemplateVersionId = NO_TEMPLATE

    def __post_init__(self) -> None:
        for role in ("seller", "rival"):
            account = self.people[role]
            self.anchor.deposit(account, WEALTH, sender=self.escrow.deployer)
            until = self.escrow.now() + ALLOWED_SECONDS
            self.anchor.allowLocker(self.book, WEALTH, until, sender=account)
        settlement = self.draft_template(TemplateKind.SETTLEMENT)
        self.templates.register(settlement.as_abi(), sender=self.people["seller"])
        self.settlement = self.version_of(settlement)
        initiation = self.draft_template(TemplateKind.INITIATION)
        self.templates.register(initiation.as_abi(), sender=self.people["seller"])
        self.initiation = self.version_of(initiation)

    def begin(self) -> None:
        """As it was deployed."""
        self.numbers, self.escrow.nonce, self.escrow.books = {}, 0, {}

    @property
    def escrow(self) -> EscrowWorld:
        return self.evidence.escrow

    @property
    def anchor(self) -> Any:
        return self.escrow.anchor

    @property
    def templates(self) -> Any:
        return self.escrow.templates

    @property
    def book(self) -> Any:
        return self.escrow.offers

    @property
    def people(self) -> dict[str, Any]:
        return self.escrow.people

    @property
    def at(self) -> Any:
        """The escrow under which offers stand."""
        return self.escrow.escrow

    # Templates.

    def draft_template(self, kind: TemplateKind, number: int = 1, **changes: Any) -> TemplateDraft:
        """A version of the seller's template of a kind."""
        text = Hash32(keccak(text="text"))
        draft = TemplateDraft(kind.value, kind, number, text, 4, LOCATOR)
        if kind is TemplateKind.INITIATION:
            draft = replace(draft, settlement=self.settlement)
        return replace(draft, **changes)

    def version_of(self, draft: TemplateDraft, role: str = "seller") -> TemplateVersionId:
        """Id of a version of an account's."""
        template = compute_template_id(self.escrow.who(role), draft.name)
        return compute_version_id(template, draft.number)

    # Offers.

    def draft(self, **changes: Any) -> OfferDraft:
        """A good offer from now on, with changes."""
        draft = OfferDraft(
            escrow=address(self.at),
            category=CATEGORY,
            template=self.initiation,
            specification=SPECIFICATION,
            price=Tokens(100),
            capacity=2,
            expires_at=Timestamp(self.escrow.now() + LIFE),
        )
        return replace(draft, **changes)

    def post(
        self, role: str = "seller", deposit: int = DEPOSIT, place: int = 0, **changes: Any
    ) -> OfferId:
        """Post an offer; its id."""
        draft = self.draft(**changes)
        self.posted = self.book.post(draft.as_abi(), deposit, place, sender=self.people[role])
        self.numbers[role] = self.numbers.get(role, 0) + 1
        return make_offer_id(self.escrow.who(role), self.numbers[role])

    def fill(self, role: str, count: int, deposit: int = DEPOSIT, **changes: Any) -> list[OfferId]:
        """Many offers, quickly."""
        data = self.book.post.encode_input(self.draft(**changes).as_abi(), deposit, 0)
        sender = self.escrow.who(role)
        fields = {"from": sender, "to": str(self.book.address), "data": encode_hex(data)}
        first = self.numbers.get(role, 0) + 1
        for _ in range(count):
            mined = self.escrow.chain.provider.make_request(
                "eth_sendTransactionSync", [{**fields, "gas": hex(GAS)}]
            )
            assert int(mined["status"], 16)
        self.numbers[role] = first + count - 1
        return [make_offer_id(sender, first + each) for each in range(count)]

    def open(self, offer: OfferId, **changes: Any) -> Channel:
        """A channel with an offer."""
        return self.escrow.open(offer=offer, **changes)

    def end(self, channel: Channel) -> None:
        """Both end it."""
        closing = self.escrow.closing(channel, 9)
        self.at.closeTogether([closing], sender=self.people["outsider"])

    def release(self, *channels: Channel) -> Any:
        """A stranger gives back what they took."""
        terms = [channel.terms.as_abi() for channel in channels]
        return self.book.release(self.at, terms, sender=self.people["outsider"])

    def taken(self, offer: OfferId) -> int:
        """How much of an offer's capacity channels hold."""
        return int(self.book.offerOf(self.at, offer).taken)

    def held(self, offer: OfferId) -> int:
        """What the lock of an offer's deposit holds."""
        return int(self.anchor.placeOf(self.book, offer, 0)[1])

    # Demands.

    def demand(self, **changes: Any) -> Demand:
        """Anything of the category, with changes."""
        wanted = Demand(address(self.at), CATEGORY, evidence=address(self.evidence.evidence))
        return replace(wanted, **changes)

    def recommend(
        self, demand: Demand | None = None, start: int = 0, count: int = 256
    ) -> tuple[list[OfferId], int]:
        """Ids of a page, and how many fit in all."""
        wanted = (demand or self.demand()).as_abi()
        page, fitting = self.book.recommend(wanted, start, count)
        return [OfferId(bytes(each[0])) for each in page], int(fitting)

    def qualify(self, text: str, by: Any) -> Qualification:
        """Evidence of an issuer's word about the seller, recorded."""
        said = self.evidence.qualification(text, by)
        self.evidence.evidence.recordQualifications([said], sender=self.people["outsider"])
        return Qualification(by.address, Hash32(keccak(text=text)))
