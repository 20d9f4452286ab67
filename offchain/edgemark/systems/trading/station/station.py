"""What every shell of this system stands on: its contracts, its deals, and who its peers are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identity.did.identifier import Did, make_did
from edgemark.ledger.evm.development.node import DEV_CHAIN_ID
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.loop.replay import list_keys
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.station import EvmStation
from edgemark.party.settings import PartySettings
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.settings import Settings
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.escrow import EscrowContract
from edgemark.systems.trading.contract.evidence.controllers import ControllersContract
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain, EvidenceDomain
from edgemark.systems.trading.contract.history.marks import ChannelMarks
from edgemark.systems.trading.contract.market.offers import OfferContract
from edgemark.systems.trading.contract.market.registry import TemplateRegistry
from edgemark.systems.trading.contract.terms import check_answering, compute_bringing_s
from edgemark.systems.trading.contract.towers.watchtowers import TowersContract
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.settings import ALWAYS, IN_DEVELOPMENT, SECTIONS, BuyerSettings
from edgemark.systems.trading.station.contracts import TradingContracts
from edgemark.systems.trading.station.deals import FOLDER as DEALS
from edgemark.systems.trading.station.deals import DealBook
from edgemark.systems.trading.station.documents import Documents
from edgemark.systems.trading.station.templates import FOLDER
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.broker.settings import BrokerSettings


@dataclass(frozen=True)
class TradingStation(EvmStation):
    """Everything a shell of this system uses.

    Attributes:
        escrow, offers, templates, evidence, controllers, towers: the contracts.
        content: texts by their CID.
        deals: what was agreed on, by channel.
        marks: when channels were opened, who closed them, how they ended.
        documents: keys and services of identities, whose chain may be another one.
        strangers: asks whom no registry vouches for, where its own document says that it is.
    """

    SECTIONS = (*SECTIONS, IdentitySettings, BrokerSettings, *EvmStation.SECTIONS)
    GROUPS = (BaseContracts, TradingContracts)
    CONTRACTS = ("ChannelEscrow", "OfferBook", "EvidenceRegistry", "Controllers", "Watchtowers")
    MATTERS = "channels"

    escrow: EscrowContract
    offers: OfferContract
    templates: TemplateRegistry
    evidence: EvidenceContract
    controllers: ControllersContract
    towers: TowersContract
    content: LocalStore
    deals: DealBook
    marks: ChannelMarks
    documents: Documents
    strangers: HttpClient

    @classmethod
    def furnish(
        cls, settings: Settings, chain: EvmChain, deployment: Deployment
    ) -> Mapping[str, Any]:
        """The contracts, and the folders of texts and deals; identities are opened when asked."""
        escrow = EscrowContract(chain, deployment.contract("ChannelEscrow"))
        offers = OfferContract(chain, deployment.contract("OfferBook"), escrow.address)
        return {
            "escrow": escrow,
            "offers": offers,
            "templates": TemplateRegistry(chain, deployment.contract("TemplateRegistry")),
            "evidence": EvidenceContract(chain, deployment.contract("EvidenceRegistry")),
            "controllers": ControllersContract(chain, deployment.contract("Controllers")),
            "towers": TowersContract(chain, deployment.contract("Watchtowers")),
            "content": LocalStore(settings.home / FOLDER),
            "deals": DealBook(settings.home / DEALS, chain.chain_id, escrow.address),
            "marks": ChannelMarks(chain, escrow.contract, deployment.block),
            "documents": Documents(settings),
            "strangers": make_client(settings, chain.chain_id),
        }

    def close(self) -> None:
        """Look at no identities any more, and let another process send for this account."""
        self.documents.close()
        self.strangers.close()
        super().close()

    @property
    def did(self) -> Did:
        """This account's identity; raises as `Documents.chain_id`."""
        return make_did(self.documents.chain_id, self.address)

    @property
    def domain(self) -> ChannelDomain:
        """Of what parties of a channel sign, on the chain and beside it."""
        return ChannelDomain(self.chain.chain_id, self.escrow.address)

    @property
    def controllers_domain(self) -> ControllersDomain:
        """Of what controllers sign for the chain."""
        return self.controllers.domain

    @property
    def evidence_domain(self) -> EvidenceDomain:
        """Of what is signed for evidence of first credentials and of qualifications."""
        return self.evidence.domain

    @property
    def decided(self) -> TradingContracts:
        """What was decided for the contracts when they were deployed."""
        return self.deployment.group(TradingContracts)

    def bringing_s(self) -> int:
        """Seconds until this party sees what stands in a block, and has answered it in another."""
        block_s, poll_s = self.block_s(), self.paces.poll_s
        return compute_bringing_s(self.chain.confirmations, poll_s, block_s)

    def may_answer(self, had_s: int) -> bool:
        """Whether so many seconds leave time to answer what is seen, as far as the pace is known.

        Args:
            had_s: of a window, or whatever is left to answer.
        """
        return not self.block_s() or had_s > self.bringing_s()

    def check_answering(self, setting: str, had_s: int) -> None:
        """Check that a setting leaves time to answer what is seen, where the pace is known.

        Who has taken channels before begins all the same: nobody else answers for them. It takes
        nothing more where it could not (`pace.answering`).

        Args:
            setting: of a party, by its whole name: `trading.PARTY.NAME`.
            had_s: what it says.

        Raises:
            RefusedInput: it does not.
        """
        if not self.block_s():
            return
        try:
            check_answering(setting, had_s, self.bringing_s(), who=self.address)
        except RefusedInput:
            if not list_keys(self.home, setting.split(".")[1]):
                raise

    def head(self) -> Head:
        """The time by this machine's clock, and by the chain's newest block.

        Raises:
            LedgerUnavailable: the chain does not answer.
        """
        newest = self.clock()
        return Head(self.clock.believed, newest)


def make_client(settings: Settings, chain_id: int) -> HttpClient:
    """Of a party, for endpoints that strangers name (`trading.buyer.inner_sellers`)."""
    rule, paces = settings.of(BuyerSettings).inner_sellers, settings.of(PartySettings)
    is_inner = rule == ALWAYS or (rule == IN_DEVELOPMENT and chain_id == DEV_CHAIN_ID)
    seconds = paces.request_timeout_s
    return HttpClient(timeout_s=seconds, is_blind=True, is_outside=not is_inner)
