"""An escrow deployed once; every test starts from the same state (ape restores it)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.conftest import deploy_coin

pytest.register_assert_rewrite(
    "tests.contracts.trading.escrow_world",
    "tests.contracts.trading.evidence_world",
    "tests.contracts.trading.market_world",
    "tests.contracts.trading.tower_world",
)

from tests.contracts.trading.escrow_world import (  # noqa: E402 - after the line above
    ALLOWED_SECONDS,
    WEALTH,
    EscrowWorld,
)
from tests.contracts.trading.evidence_world import (  # noqa: E402
    EvidenceWorld,
    deploy_evidence,
)
from tests.contracts.trading.market_world import MarketWorld  # noqa: E402
from tests.contracts.trading.tower_world import TowerWorld, deploy_towers  # noqa: E402
from tests.offchain.systems.trading.channel_cast import (  # noqa: E402
    LIMITS,
    OFFER_LIMITS,
    ROLES,
)


def deploy_escrow(
    chain: Any, project: Any, accounts: Any, token: Any | None = None, kind: str = "ChannelEscrow"
) -> EscrowWorld:
    """Deploy an escrow and what it stands on, and fill the accounts of all people in the anchor."""
    deployer, guardian, pool = accounts[:3]
    people = dict(zip(ROLES, accounts[3 : 3 + len(ROLES)], strict=True))
    token = token or deploy_coin(project, deployer, pool)
    anchor = deployer.deploy(project.AssetAnchor, token)
    templates = deployer.deploy(project.TemplateRegistry)
    offers = deployer.deploy(project.OfferBook, anchor, templates, guardian, OFFER_LIMITS.as_abi())
    escrow = deployer.deploy(getattr(project, kind), anchor, offers, guardian, LIMITS.as_abi())
    world = EscrowWorld(chain, token, anchor, templates, offers, escrow, deployer, guardian, people)
    token.approve(anchor, 2 * WEALTH, sender=deployer)
    for role in ("payer", "seller"):
        anchor.deposit(people[role], WEALTH, sender=deployer)
    until = world.now() + ALLOWED_SECONDS
    anchor.allowLocker(escrow, WEALTH, until, sender=people["payer"])
    return world


@pytest.fixture(scope="session")
def deployed_escrow(chain: Any, project: Any, accounts: Any) -> EscrowWorld:
    return deploy_escrow(chain, project, accounts)


@pytest.fixture
def world(deployed_escrow: EscrowWorld) -> EscrowWorld:
    deployed_escrow.nonce, deployed_escrow.books = 0, {}
    # Whatever else the session has deployed stakes in the same anchor.
    deployed_escrow.locked_by_others = deployed_escrow.anchor.totalLocked()
    return deployed_escrow


@pytest.fixture(scope="session")
def deployed_evidence(project: Any, accounts: Any, deployed_escrow: EscrowWorld) -> EvidenceWorld:
    return deploy_evidence(project, accounts, deployed_escrow, accounts[2])


@pytest.fixture
def trade(deployed_evidence: EvidenceWorld) -> EvidenceWorld:
    return deployed_evidence


@pytest.fixture(scope="session")
def deployed_towers(project: Any, deployed_evidence: EvidenceWorld) -> TowerWorld:
    return deploy_towers(project, deployed_evidence)


@pytest.fixture
def watch(world: EscrowWorld, deployed_towers: TowerWorld) -> TowerWorld:
    return deployed_towers


@pytest.fixture(scope="session")
def deployed_market(chain: Any, project: Any, accounts: Any) -> MarketWorld:
    """With an anchor of its own: what is held for offers is in no other test's sums."""
    escrow = deploy_escrow(chain, project, accounts)
    return MarketWorld(deploy_evidence(project, accounts, escrow, accounts[2]))


@pytest.fixture
def market(deployed_market: MarketWorld) -> MarketWorld:
    deployed_market.begin()
    return deployed_market
