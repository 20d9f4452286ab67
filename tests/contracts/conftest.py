"""Contracts deployed once; every test starts from the same state (ape restores it)."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils import keccak

pytest.register_assert_rewrite("tests.contracts.world")

from tests.contracts.world import (  # noqa: E402 - after the line above, or its assertions say nothing
    JUDGES,
    LIMITS,
    NODES,
    WEALTH,
    World,
)


def deploy_world(chain: Any, project: Any, accounts: Any, token: Any | None = None) -> World:
    """Deploy the contracts, register everybody, fill the accounts in the anchor.

    Args:
        chain: the chain manager.
        project: the project with its contracts.
        accounts: at least 30 test accounts.
        token: the token to use; MetaCoin when none is given.
    """
    deployer, payer, outsider, pool, guardian = accounts[:5]
    nodes, node_providers = accounts[5:11], accounts[11:17]
    judges, judge_providers = accounts[17:21], accounts[21:25]
    token = token or deployer.deploy(project.MetaCoin, deployer)
    registry = deployer.deploy(project.ParticipantRegistry)
    anchor = deployer.deploy(project.AssetAnchor, token)
    enclaves = deployer.deploy(project.EnclaveManager, judges)
    settlement = deployer.deploy(
        project.Settlement, anchor, registry, enclaves, pool, guardian, LIMITS
    )
    world = World(
        chain=chain,
        token=token,
        registry=registry,
        anchor=anchor,
        enclaves=enclaves,
        settlement=settlement,
        deployer=deployer,
        payer=payer,
        outsider=outsider,
        pool=pool,
        guardian=guardian,
        nodes=list(nodes),
        node_providers=list(node_providers),
        judges=list(judges),
        judge_providers=list(judge_providers),
    )
    for number in range(NODES):
        register_server(world, "compute", 2, nodes[number], node_providers[number])
    for number in range(JUDGES):
        register_server(world, "judging", 3, judges[number], judge_providers[number])
    registry.registerDevice(sender=payer)
    token.approve(anchor, WEALTH * 20, sender=deployer)
    for account in [payer, *nodes]:
        anchor.deposit(account, WEALTH, sender=deployer)
        anchor.allowLocker(settlement, WEALTH, sender=account)
    return world


def register_server(world: World, kind: str, role: int, server: Any, provider: Any) -> None:
    """Register a provider, admit its server and register that."""
    world.registry.registerProvider(f"{kind} of {provider}"[:64], sender=provider)
    world.registry.admit(server, sender=provider)
    world.registry.registerServer(
        role,
        provider,
        keccak(text=f"TLS key of {server}"),
        "https://127.0.0.1:8443",
        (2, 1024, 1024, 100),
        sender=server,
    )


@pytest.fixture(scope="session")
def deployed(chain: Any, project: Any, accounts: Any) -> World:
    return deploy_world(chain, project, accounts)


@pytest.fixture
def world(deployed: World) -> World:
    deployed.nonce = 0
    return deployed


@pytest.fixture
def outsider(world: World) -> Any:
    return world.outsider


@pytest.fixture
def payer(world: World) -> Any:
    return world.payer
