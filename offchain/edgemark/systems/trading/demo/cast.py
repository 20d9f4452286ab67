"""Who stands on the stage of this system: a controller, a seller, buyers, a tower; an auditor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgemark.amounts import write_tokens
from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.evm.stage import PARTY_TOKENS, EvmStage
from edgemark.deployment.group import ContractGroup
from edgemark.deployment.settings import ChainSettings
from edgemark.identifiers import TOKEN_UNIT, Address, Tokens
from edgemark.party.evm.contracts import BaseContracts, DidContracts
from edgemark.party.evm.joining import bring_in
from edgemark.party.evm.opening import open_station
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import ServerSettings
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.evidence.controllers import ControllersContract
from edgemark.systems.trading.contract.evidence.records import Bonding
from edgemark.systems.trading.contract.market.records import OfferLimits
from edgemark.systems.trading.contract.records import Limits
from edgemark.systems.trading.contract.towers.records import Watching
from edgemark.systems.trading.demo.market import OFFER_S, SHOWN, Market, open_shop, qualify
from edgemark.systems.trading.station.contracts import CONTROLLER, WATCHTOWER, draft_contracts
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower.bonding import provide_bond, publish_terms

AUDITOR = "auditor"  # its home folder's name
DISHONEST_BUYER = "edgemark.systems.trading.demo.dishonest"
WINDOW_S = 8  # W: for a seller to see a close, respond, and have it mined
LIMITS = Limits(
    min_window=WINDOW_S,
    max_window=86_400,
    exit_grace=30 * 86_400,
    max_deposit=Tokens(1000 * TOKEN_UNIT),
)
OFFER_LIMITS = OfferLimits(min_deposit=Tokens(TOKEN_UNIT), min_seconds=600, max_seconds=30 * 86_400)
BONDING = Bonding(min_bond=Tokens(50 * TOKEN_UNIT), unbonding_seconds=86_400)
WATCHING = Watching(claim_seconds=86_400)
SELLER_SETTINGS: dict[str, object] = {
    "trading.seller.min_window_s": WINDOW_S,
    "trading.seller.min_interval_s": 1,
    "trading.seller.margin_s": 5,
    "trading.seller.patience_s": 30,  # with an overdraft, until a top-up is confirmed
    "trading.seller.checkpoint_above": write_tokens(Tokens(5 * TOKEN_UNIT // 2)),
    "trading.seller.warn_below": write_tokens(Tokens(2 * TOKEN_UNIT)),
}
BUYER_SETTINGS: dict[str, object] = {"trading.buyer.window_s": WINDOW_S}
WATCHED_WINDOW_S = (
    45  # a tower's margin, and what it takes on a chain whose pace it does not know yet
)
TOWER_SETTINGS: dict[str, object] = {"trading.tower.margin_s": 6}
TOWER_BOND = Tokens(50 * TOKEN_UNIT)
LEAST_BOND, RETAINER = Tokens(TOKEN_UNIT), Tokens(TOKEN_UNIT // 10)  # its terms
RETAINERS = Tokens(TOKEN_UNIT)  # that the seller has in the anchor
CONTROLLER_SETTINGS: dict[str, object] = {
    "trading.controller.evidence": "batch",
    "trading.controller.collect_s": 1.0,
}


@dataclass
class TradingStage(EvmStage):
    """A stage with a controller, a seller and buyers; the auditor is a guest.

    Args:
        buyers: how many.
        has_tower: whether a tower is there, bonded, with terms.
        sellers: how many; each has an offer of the same category.
        offer_s: seconds until the offers expire.
        dishonest: numbers (from 1) of buyers that run with a script of misdeeds.
        limits, offer_limits, bonding, watching: what the contracts are deployed with.
    """

    SECTIONS = TradingStation.SECTIONS

    guests: Sequence[str] = (AUDITOR,)
    buyers: int = 1
    has_tower: bool = False
    sellers: int = 1
    offer_s: int = OFFER_S
    dishonest: frozenset[int] = frozenset()
    limits: Limits = LIMITS
    offer_limits: OfferLimits = OFFER_LIMITS
    bonding: Bonding = BONDING
    watching: Watching = WATCHING
    seller_settings: dict[str, object] = field(default_factory=lambda: dict(SELLER_SETTINGS))
    _market: Market | None = None

    @property
    def market(self) -> Market:
        """What was prepared."""
        if self._market is None:
            raise LookupError("the stage is not set")
        return self._market

    @property
    def controller(self) -> EvmActor:
        """Who issues."""
        return self.actors[0]

    @property
    def seller(self) -> EvmActor:
        """Who works; of several the first."""
        return self.actors[1]

    @property
    def selling(self) -> list[EvmActor]:
        """The sellers, in order."""
        return self.actors[1 : 1 + self.sellers]

    @property
    def buying(self) -> list[EvmActor]:
        """The buyers, in order."""
        begin = 1 + self.sellers
        return self.actors[begin : begin + self.buyers]

    @property
    def tower(self) -> EvmActor:
        """Who watches."""
        if not self.has_tower:
            raise LookupError("no tower is on this stage")
        return self.actors[-1]

    def draft_cast(self) -> list[EvmActor]:
        """The controller first: whoever logs in needs it."""
        controller = EvmActor.draft(self.folder, "controller", 1, role=CONTROLLER)
        controller.tokens, controller.settings = PARTY_TOKENS, CONTROLLER_SETTINGS
        sellers = [
            EvmActor.draft(self.folder, "seller", number, tokens=PARTY_TOKENS)
            for number in range(1, self.sellers + 1)
        ]
        buyers = [self._draft_buyer(number) for number in range(1, self.buyers + 1)]
        return [controller, *sellers, *buyers, *self._draft_towers()]

    def draft_groups(self, operator: Address, pool: Address) -> tuple[ContractGroup, ...]:
        """With identities; the operator holds the tokens and may deprecate."""
        base, trading = draft_contracts(
            BaseContracts(operator, pool),
            guardian=operator,
            limits=self.limits,
            bonding=self.bonding,
            watching=self.watching,
            offers=self.offer_limits,
        )
        return (base, DidContracts(), trading)

    def furnish(self) -> None:
        """An auditor vouches for each seller, which posts its offer; a tower says its terms."""
        auditor = self.account_of(AUDITOR)
        for seller in self.selling:
            token = qualify(self._at_once(AUDITOR), seller.account)
            place = self._at_once(seller.home.name)
            market = open_shop(place, auditor, token, lasts_s=self.offer_s)
            self._market = self._market or market
            seller.settings = {
                **self.seller_settings,
                "trading.seller.offer": market.offer.hex(),
                "trading.seller.qualifications": seller.home / SHOWN,
            }
        if self.has_tower:
            self._furnish_tower()

    def has_settled_in(self, actor: EvmActor) -> bool:
        """A controller has its bond; a tower has it since the stage was set."""
        if actor.role is not CONTROLLER:
            return True
        bonds = ControllersContract(self.chain, self.deployment.contract("Controllers"))
        return bonds.is_in_standing(actor.account)

    def _at_once(self, name: str) -> Settings:
        """Settings of a home, for as long as there is a block for each transaction alone."""
        settings = self.settings_of(name)
        return settings.having(replace(settings.of(ChainSettings), confirmations=0))

    def _furnish_tower(self) -> None:
        """Bring its bond, and say its terms; the seller has what its retainers cost."""
        tower = self.tower
        place = (
            RegistrationSettings(provider=tower.provider),
            ServerSettings(listen_port=tower.port),
        )
        settings = self._at_once(tower.home.name).having(*place)
        with open_station(TradingStation, settings, WATCHTOWER) as station:
            provide_bond(station, TOWER_BOND)
            publish_terms(station, LEAST_BOND, RETAINER, 0)
        with TradingStation.open(self._at_once(self.seller.home.name)) as station:
            bring_in(station, RETAINERS, [], 0, lasts_s=0)

    def _draft_towers(self) -> list[EvmActor]:
        if not self.has_tower:
            return []
        tower = EvmActor.draft(self.folder, "tower", 1, role=WATCHTOWER)
        tower.tokens, tower.settings = PARTY_TOKENS, TOWER_SETTINGS
        return [tower]

    def _draft_buyer(self, number: int) -> EvmActor:
        window = {"trading.buyer.window_s": WATCHED_WINDOW_S} if self.has_tower else {}
        settings = {**BUYER_SETTINGS, **window}
        more: dict[str, Any] = {"tokens": PARTY_TOKENS, "settings": settings}
        buyer = EvmActor.draft(self.folder, "buyer", number, listens=False, **more)
        if number in self.dishonest:
            buyer.module, buyer.words = DISHONEST_BUYER, [str(buyer.home)]
        return buyer
