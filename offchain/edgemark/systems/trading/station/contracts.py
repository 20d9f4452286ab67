"""The contracts of this system: what they log, how they are made, what is decided for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from edgemark.anchoring.events import WorkStopped
from edgemark.deployment.group import ContractGroup, integers_of
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Tokens, parse_address
from edgemark.identity.records import Role, name_role
from edgemark.ledger.evm.contract.kind import Addresses, ContractKind
from edgemark.ledger.evm.contract.token_values import BOUNDS
from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.trading.contract import events
from edgemark.systems.trading.contract.evidence import events as evidence_events
from edgemark.systems.trading.contract.evidence.records import Bonding
from edgemark.systems.trading.contract.market import events as market_events
from edgemark.systems.trading.contract.market.records import OfferLimits
from edgemark.systems.trading.contract.records import Limits
from edgemark.systems.trading.contract.terms import AMOUNTS
from edgemark.systems.trading.contract.towers import events as tower_events
from edgemark.systems.trading.contract.towers.records import Watching
from edgemark.token.plans import DEFAULT_MIN_STAKE

DEFAULT_LIMITS = Limits(
    min_window=3600,  # for a tower that was restarted, a chain that was busy, a reorganisation
    max_window=7 * 86_400,
    exit_grace=30 * 86_400,  # for anybody to settle; then the anchor returns what is left
    max_deposit=Tokens(10**5 * 10**18),  # early releases hold little
)
DEFAULT_BONDING = Bonding(
    min_bond=DEFAULT_MIN_STAKE,  # as much as a provider has
    unbonding_seconds=90 * 86_400,  # for parties to compare what they hold, after the last issuance
)
DEFAULT_WATCHING = Watching(claim_seconds=90 * 86_400)  # for a seller that was long away
DEFAULT_OFFER_LIMITS = OfferLimits(
    min_deposit=Tokens(100 * 10**18),  # 256 of them fill a category for `min_seconds` at least
    min_seconds=86_400,  # whoever throws another's offer out has its deposit locked for a day
    max_seconds=30 * 86_400,
)
CONTROLLER = name_role(48, "CONTROLLER")  # as `TradingRoles` has them
WATCHTOWER = name_role(49, "WATCHTOWER", "tower")
RESPONDING_BLOCKS = 4  # to see a window, choose what to show, and have it mined


TEMPLATE_REGISTRY = ContractKind(
    "TemplateRegistry",
    events=(market_events.TemplateRegistered, market_events.TemplateDeprecated),
)


def _of_offers(at: Addresses, decided: Any) -> tuple[object, ...]:
    wired = (at["AssetAnchor"], at["TemplateRegistry"])
    return (*wired, decided.guardian, decided.offers.as_abi())


def _fixed_of_offers(decided: Any) -> Mapping[str, object]:
    return {"guardian": decided.guardian, "limits": decided.offers.as_abi()}


OFFER_BOOK = ContractKind(
    "OfferBook",
    events=(
        market_events.OfferPosted,
        market_events.OfferRenewed,
        market_events.OfferWithdrawn,
        market_events.OfferDisplaced,
        market_events.OfferCleared,
        market_events.CapacityReleased,
        WorkStopped,
    ),
    constructor=_of_offers,
    wired=(("anchor", "AssetAnchor"), ("templates", "TemplateRegistry")),
    fixed=_fixed_of_offers,
    amounts={
        **{f"OutOfBounds.{field}": BOUNDS for field in ("deposit", "price", "minDeposit")},
        "CategoryFull": ("had", "needed"),
        "limits": ("min_deposit",),
    },
)


def _of_escrow(at: Addresses, decided: Any) -> tuple[object, ...]:
    wired = (at["AssetAnchor"], at["OfferBook"])
    return (*wired, decided.guardian, decided.limits.as_abi())


def _fixed_of_escrow(decided: Any) -> Mapping[str, object]:
    return {"guardian": decided.guardian, "limits": decided.limits.as_abi()}


CHANNEL_ESCROW = ContractKind(
    "ChannelEscrow",
    events=(
        events.ChannelOpened,
        events.DepositAdded,
        events.DepositReduced,
        events.AmountPaid,
        events.ChannelAmended,
        events.ChannelClosed,
        events.ResponseShown,
        events.ChannelEnded,
        WorkStopped,
    ),
    constructor=_of_escrow,
    wired=(("anchor", "AssetAnchor"), ("offers", "OfferBook")),
    fixed=_fixed_of_escrow,
    amounts={**AMOUNTS, "limits": ("max_deposit",)},
)


def _of_controllers(at: Addresses, decided: Any) -> tuple[object, ...]:
    wired = (at["AssetAnchor"], at["ParticipantRegistry"])
    return (*wired, decided.pool, decided.bonding.min_bond, decided.bonding.unbonding_seconds)


def _fixed_of_controllers(decided: Any) -> Mapping[str, object]:
    return {
        "pool": decided.pool,
        "minBond": decided.bonding.min_bond,
        "unbondingSeconds": decided.bonding.unbonding_seconds,
    }


CONTROLLERS = ContractKind(
    "Controllers",
    events=(
        evidence_events.ControllerBonded,
        evidence_events.ControllerUnbonding,
        evidence_events.BondReleased,
        evidence_events.ControllerConvicted,
    ),
    constructor=_of_controllers,
    wired=(("anchor", "AssetAnchor"), ("registry", "ParticipantRegistry")),
    fixed=_fixed_of_controllers,
    amounts={"OutOfBounds.minBond": BOUNDS, "minBond": ()},
)
EVIDENCE_REGISTRY = ContractKind(
    "EvidenceRegistry",
    events=(evidence_events.EvidenceRecorded, evidence_events.RootAnchored),
    constructor=lambda at, _: (at["ChannelEscrow"], at["Controllers"]),
    wired=(("escrow", "ChannelEscrow"), ("controllers", "Controllers")),
)


def _of_watchtowers(at: Addresses, decided: Any) -> tuple[object, ...]:
    wired = (at["AssetAnchor"], at["ParticipantRegistry"], at["ChannelEscrow"])
    return (*wired, decided.watching.claim_seconds)


WATCHTOWERS = ContractKind(
    "Watchtowers",
    events=(
        tower_events.TowerBonded,
        tower_events.TermsPublished,
        tower_events.ChannelCovered,
        tower_events.ChannelUncovered,
        tower_events.SellerCompensated,
        tower_events.TowerRetired,
        tower_events.TowerReleased,
    ),
    constructor=_of_watchtowers,
    wired=(
        ("anchor", "AssetAnchor"),
        ("registry", "ParticipantRegistry"),
        ("escrow", "ChannelEscrow"),
    ),
    fixed=lambda decided: {"claimSeconds": decided.watching.claim_seconds},
    amounts={
        "OutOfBounds.cover": BOUNDS,
        "StillCovering": ("covered",),
        "NothingDue": ("amount", "had"),
    },
)


@dataclass(frozen=True)
class TradingContracts(ContractGroup):
    """Templates, offers, escrow, bonds of controllers and towers, evidence, and what is decided.

    Args:
        guardian: may stop new offers and new channels.
        offers: bounds of every offer.
        limits: bounds of every channel.
        pool: receives the bonds of convicted controllers.
        bonding: what controllers have at stake.
        watching: what towers hold to.
    """

    NAME = "trading"
    KINDS = (
        TEMPLATE_REGISTRY,
        OFFER_BOOK,
        CHANNEL_ESCROW,
        CONTROLLERS,
        EVIDENCE_REGISTRY,
        WATCHTOWERS,
    )
    LOCKERS = (OFFER_BOOK.name, CHANNEL_ESCROW.name, CONTROLLERS.name, WATCHTOWERS.name)
    ROLES: ClassVar[Mapping[str, Role]] = {"controller": CONTROLLER, "tower": WATCHTOWER}

    guardian: Address
    offers: OfferLimits
    limits: Limits
    pool: Address
    bonding: Bonding
    watching: Watching

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> TradingContracts:
        """Of a manifest; raises as `ContractGroup.from_dict`."""
        return cls(
            guardian=parse_address(facts["guardian"], who="guardian"),
            offers=OfferLimits(**integers_of(OfferLimits, facts["offers"])),
            limits=Limits(**integers_of(Limits, facts["limits"])),
            pool=parse_address(facts["pool"], who="pool"),
            bonding=Bonding(**integers_of(Bonding, facts["bonding"])),
            watching=Watching(**integers_of(Watching, facts["watching"])),
        )

    def check_pace(self, confirmations: int, block_s: int) -> None:
        """Check that whoever watches can respond within the shortest window.

        Raises:
            RefusedInput: the window is over before a response can have been mined.
        """
        needed = (confirmations + RESPONDING_BLOCKS) * block_s
        if self.limits.min_window < needed:
            raise RefusedInput(
                "shortest window is over before anybody can respond",
                who="deployment",
                had=f"{self.limits.min_window} s",
                needed=f"{needed} s: {confirmations} + {RESPONDING_BLOCKS} blocks of {block_s} s",
                remedy="Deploy with a longer window, or wait for fewer confirmations.",
            )


def draft_contracts(
    base: BaseContracts,
    guardian: Address,
    limits: Limits = DEFAULT_LIMITS,
    bonding: Bonding = DEFAULT_BONDING,
    watching: Watching = DEFAULT_WATCHING,
    offers: OfferLimits = DEFAULT_OFFER_LIMITS,
) -> Sequence[ContractGroup]:
    """This system with the contracts it stands on."""
    return (base, TradingContracts(guardian, offers, limits, base.pool, bonding, watching))
