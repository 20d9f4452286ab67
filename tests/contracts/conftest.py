"""Contracts deployed once; every test starts from the same state (ape restores it)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils import keccak
from tools.compile_contracts import ROOT, compile_all

pytest.register_assert_rewrite("tests.contracts.world")

from tests.contracts.states import Made, State  # noqa: E402
from tests.contracts.thrift import thrifty  # noqa: E402
from tests.contracts.world import (  # noqa: E402 - after the line above, or its assertions say nothing
    COMMUNITY,
    COMPUTE_NODE,
    ENCLAVE,
    JUDGES,
    LIMITS,
    MIN_STAKE,
    NODES,
    PAUSE,
    UNBONDING,
    WEALTH,
    World,
    plans_of,
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
    nodes = accounts[5:11]
    # in the order in which a job names their nodes
    node_providers = sorted(accounts[11:17], key=lambda each: int(str(each), 16))
    judges, judge_providers = accounts[17:21], accounts[21:25]
    token = token or deploy_coin(project, deployer, pool)
    anchor = deployer.deploy(project.AssetAnchor, token)
    registry = deployer.deploy(project.ParticipantRegistry, anchor, MIN_STAKE, UNBONDING, PAUSE)
    enclaves = deployer.deploy(project.EnclaveManager, judges)
    settlement = deployer.deploy(
        project.JobSettlement, anchor, registry, enclaves, pool, guardian, LIMITS
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
    token.approve(anchor, WEALTH * 20, sender=deployer)
    for number in range(NODES):
        register_server(world, "compute", COMPUTE_NODE, nodes[number], node_providers[number])
    for number in range(JUDGES):
        register_server(world, "judging", ENCLAVE, judges[number], judge_providers[number])
    registry.registerDevice(sender=payer)
    for account in [payer, *nodes]:
        anchor.deposit(account, WEALTH, sender=deployer)
        world.allow(account, settlement, WEALTH)
    return world


def deploy_settlement(
    world: World, project: Any, limits: tuple[int, ...] = LIMITS, **changes: Any
) -> Any:
    """Another JobSettlement beside the world's, with a change of pool or enclaves."""
    return world.deployer.deploy(
        project.JobSettlement,
        world.anchor,
        world.registry,
        changes.get("enclaves", world.enclaves),
        changes.get("pool", world.pool),
        world.guardian,
        limits,
    )


def deploy_coin(project: Any, holder: Any, pool: Any) -> Any:
    """MetaCoin, of which the holder has the community's part."""
    coin = holder.deploy(project.MetaCoin, plans_of(holder, pool), pool)
    project.Allocations.at(coin.allocations()).release(COMMUNITY, sender=holder)
    return coin


def register_server(world: World, kind: str, role: int, server: Any, provider: Any) -> None:
    """Register a provider with its stake, admit its server and register that."""
    register_provider(world, world.registry, f"{kind} of {provider}"[:64], provider)
    world.registry.admit(server, sender=provider)
    world.registry.registerServer(
        role,
        provider,
        keccak(text=f"TLS key of {server}"),
        "https://127.0.0.1:8443",
        (2, 1024, 1024, 100),
        sender=server,
    )


def register_provider(world: World, registry: Any, name: str, provider: Any) -> None:
    """Register an organisation and bring the least stake."""
    registry.registerProvider(name, sender=provider)
    world.anchor.deposit(provider, MIN_STAKE, sender=world.deployer)
    world.allow(provider, registry, MIN_STAKE)
    registry.stake(MIN_STAKE, sender=provider)


@pytest.fixture(scope="session", autouse=True)
def _thrift(chain: Any) -> Iterator[None]:
    with thrifty(chain.provider):
        yield


@pytest.fixture(scope="session")
def deployed(chain: Any, project: Any, accounts: Any) -> World:
    return deploy_world(chain, project, accounts)


@pytest.fixture(scope="session")
def compiled() -> dict[str, dict[str, Any]]:
    """The deployed contracts as the package's own compiler run makes them from the sources."""
    return compile_all(ROOT)


@pytest.fixture(scope="module")
def states(request: pytest.FixtureRequest, deployed: World) -> dict[State, Made]:
    """A job in each of the states that the module names."""
    deployed.nonce = 0
    deployed.named, deployed.made = {}, {}
    return {state: state.make(deployed) for state in getattr(request.module, "STATES", ())}


@pytest.fixture
def world(deployed: World, states: dict[State, Made]) -> World:
    deployed.nonce = len(states)
    deployed.named = {made.job: list(deployed.nodes) for made in states.values()}
    deployed.made = dict(states)
    return deployed


@pytest.fixture
def outsider(world: World) -> Any:
    return world.outsider


@pytest.fixture
def payer(world: World) -> Any:
    return world.payer
