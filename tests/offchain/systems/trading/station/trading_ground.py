"""A chain with this system's contracts, and stations of a payer, a seller and whoever else comes.

Every transaction is a block of its own; time is set forward where a test needs it. The signing
keys of a channel are the accounts' own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import (
    LIMITS,
    OFFER_LIMITS,
    TEMPLATE,
    draft_terms,
)
from tests.waiting import wait_until

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.deployment.settings import ChainSettings
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts, DidContracts
from edgemark.party.evm.steady_time import TimeInDoubt
from edgemark.party.settings import PartySettings
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.escrow import (
    BroughtAmendment,
    BroughtClosing,
    BroughtOpening,
    BroughtReduction,
    BroughtResponse,
    BroughtVoucher,
)
from edgemark.systems.trading.contract.market.records import (
    OfferDraft,
    TemplateDraft,
    compute_category,
    make_offer_id,
)
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import (
    NO_TEMPLATE,
    OfferId,
    TemplateVersionId,
    compute_template_id,
    compute_version_id,
)
from edgemark.systems.trading.station.contracts import draft_contracts
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.fields import TemplateKind

WEALTH = 10**6
UNTIL_S = 10**6
PEOPLE = ("payer", "seller", "outsider")


@dataclass
class TradingGround:
    """The chain, its contracts, and stations of `PEOPLE`, each in a home of its own.

    Attributes:
        operator: deployed the contracts, and holds all other tokens.
    """

    chain: EvmChain
    deployment: Deployment
    operator: TransactionLane
    folder: Path
    stations: dict[str, TradingStation] = field(default_factory=dict)
    nonce: int = 0
    offered: int = 0

    def settings(self, role: str) -> Settings:
        """Of somebody's home."""
        manifest = self.folder / "deployment.json"
        self.deployment.save(manifest)
        sections = (kind() for kind in TradingStation.SECTIONS)
        at = ChainSettings(url=self.chain.url, confirmations=0, manifest=str(manifest))
        return Settings(self.folder / role, tuple(sections)).having(at, PartySettings(poll_s=0.02))

    def enter(self, role: str) -> TradingStation:
        """A station with gas and tokens in the anchor, all of which the escrow may lock."""
        station = TradingStation.open(self.settings(role))
        self.operator.transfer_many([(station.address, 10**18)])
        anchor = station.accounts
        self.operator.send(station.token.approve(anchor.contract.address, WEALTH))
        self.operator.send(anchor.deposit(station.address, WEALTH))
        until = self.now() + UNTIL_S
        station.lane.send(anchor.allow_locker(station.escrow.address, WEALTH, until))
        self.stations[role] = station
        return station

    def __getitem__(self, role: str) -> TradingStation:
        return self.stations[role]

    def address(self, role: str) -> Address:
        """Somebody's account."""
        return self.stations[role].address

    def key(self, role: str) -> SecretKey:
        """Somebody's key."""
        return self.stations[role].keys.account

    # Time.

    def now(self) -> int:
        """Of the newest block."""
        return self.chain.now()

    def pass_to(self, second: int) -> None:
        """Mine a block of this second, and let everybody believe it."""
        self.chain.rpc("evm_setNextBlockTimestamp", second)
        self.chain.rpc("evm_mine")
        for station in self.stations.values():
            wait_until("time", lambda station=station: believes(station))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside did not happen afterwards."""
        snapshot = self.chain.rpc("evm_snapshot")
        yield
        assert self.chain.rpc("evm_revert", snapshot) is True

    # A channel, and what is signed about it.

    def terms(self, **changes: Any) -> Terms:
        """Good terms from now on."""
        self.nonce += 1
        people = {role: self.address(role) for role in PEOPLE}
        keys = {"payer_key": people["payer"], "seller_key": people["seller"]}
        return replace(draft_terms(people, self.now(), self.nonce), **(keys | changes))

    def opening(self, terms: Terms) -> BroughtOpening:
        """With the seller's word."""
        domain, until = self["seller"].escrow.domain, Timestamp(self.now() + UNTIL_S)
        channel = self["seller"].escrow.id_of(terms)
        return BroughtOpening(terms, until, self.key("seller").sign(domain.opening(channel, until)))

    def open(self, terms: Terms | None = None, **changes: Any) -> Terms:
        """A channel that the payer opened."""
        terms = terms or self.terms(**changes)
        self["payer"].lane.send(self["payer"].escrow.open([self.opening(terms)]))
        return terms

    def voucher(self, terms: Terms, amount: int, index: int = 1) -> BroughtVoucher:
        """Signed by both."""
        escrow = self["payer"].escrow
        voucher = Voucher(index, Tokens(amount), TEMPLATE, terms.controller)
        digest = escrow.domain.voucher(escrow.id_of(terms), voucher)
        signed = (self.key(role).sign(digest) for role in ("payer", "seller"))
        return BroughtVoucher(terms, voucher, *signed)

    def response(self, terms: Terms, amount: int) -> BroughtResponse:
        """The same, shown in a window."""
        both = self.voucher(terms, amount)
        return BroughtResponse(terms, both.voucher, both.payer_signature)

    def closing(self, terms: Terms, amount: int) -> BroughtClosing:
        """Signed by both."""
        escrow, until = self["payer"].escrow, Timestamp(self.now() + UNTIL_S)
        digest = escrow.domain.closing(escrow.id_of(terms), Tokens(amount), until)
        signed = (self.key(role).sign(digest) for role in ("payer", "seller"))
        return BroughtClosing(terms, Tokens(amount), until, *signed)

    def reduction(self, terms: Terms, number: int, amount: int) -> BroughtReduction:
        """Signed by both."""
        escrow, until = self["payer"].escrow, Timestamp(self.now() + UNTIL_S)
        digest = escrow.domain.reduction(escrow.id_of(terms), number, Tokens(amount), until)
        signed = (self.key(role).sign(digest) for role in ("payer", "seller"))
        return BroughtReduction(terms, number, Tokens(amount), until, *signed)

    def amendment(
        self, terms: Terms, number: int, amount: int, signers: Signers
    ) -> BroughtAmendment:
        """Signed by both."""
        escrow, until = self["payer"].escrow, Timestamp(self.now() + UNTIL_S)
        told = (number, Tokens(amount), signers, until)
        digest = escrow.domain.amendment(escrow.id_of(terms), *told)
        signed = (self.key(role).sign(digest) for role in ("payer", "seller"))
        return BroughtAmendment(terms, *told, *signed)

    def post_offer(self, **changes: Any) -> OfferId:
        """An offer of the seller's, whose templates are registered with the first."""
        station = self["seller"]
        book, last = station.offers, self.offered
        if not last:
            until = self.now() + UNTIL_S
            allowed = station.accounts.allow_locker(book.address, WEALTH, until)
            station.lane.send(allowed)
            for draft in self.draft_templates():
                station.lane.send(station.templates.register(draft))
        self.offered += 1
        draft = OfferDraft(
            escrow=book.escrow,
            category=compute_category("products, price of one"),
            template=self.version_of(TemplateKind.INITIATION),
            specification=Resources(1, 1, 1, 1),
            price=Tokens(100),
            capacity=2,
            expires_at=Timestamp(self.now() + 2000),
        )
        draft = replace(draft, **changes)
        room = book.room(draft.category)
        station.lane.send(book.post(draft, OFFER_LIMITS.min_deposit, room.place))
        return make_offer_id(station.address, self.offered)

    def draft_templates(self) -> Iterator[TemplateDraft]:
        """Of the seller: TST, then TIT; nobody reads their texts."""
        text = Hash32(keccak256(b"text"))
        for kind in (TemplateKind.SETTLEMENT, TemplateKind.INITIATION):
            is_first = kind is TemplateKind.INITIATION
            named = self.version_of(TemplateKind.SETTLEMENT) if is_first else NO_TEMPLATE
            yield TemplateDraft(kind.value, kind, 1, text, 4, "somewhere", named)

    def version_of(self, kind: TemplateKind) -> TemplateVersionId:
        """Of one of these."""
        return compute_version_id(compute_template_id(self.address("seller"), kind.value), 1)

    def send(self, role: str, call: Callable[..., Any], *items: Any) -> None:
        """A call of the escrow's, by somebody, with one list."""
        self[role].lane.send(call(list(items)))


def believes(station: TradingStation) -> bool:
    """Whether a station takes the chain's time for true; that takes some looks."""
    try:
        station.clock()
    except TimeInDoubt:
        return False
    return True


@contextmanager
def raise_ground(folder: Path) -> Iterator[TradingGround]:
    """A chain of its own, with a block for each transaction."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        options = AnvilOptions(block_time_s=None)
        node = stack.enter_context(AnvilNode.start(folder / "anvil", options))
        chain = EvmChain(node.url, chain_id=31337, confirmations=0).connect()
        deployer = SecretKey(dev_key(0))
        lane = stack.enter_context(TransactionLane(chain, deployer, folder / "lane.journal"))
        base = BaseContracts(deployer.address, SecretKey(dev_key(9)).address)
        groups = draft_contracts(base, deployer.address, LIMITS, offers=OFFER_LIMITS)
        deployment = deploy(chain, lane, (groups[0], DidContracts(), *groups[1:]))
        ground = TradingGround(chain, deployment, lane, folder)
        for role in PEOPLE:
            stack.enter_context(ground.enter(role))
        yield ground


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradingGround]:
    """One chain for the tests of a file."""
    with raise_ground(tmp_path_factory.mktemp("trading")) as raised:
        yield raised
