"""Threat A30 at the registry: who sees a registration first gains nothing by it.

Names, endpoints and TLS keys are not unique and an account registers by its own key alone, so there
is nothing to squat; a signed statement does the same whoever sends it, once, here, in time. In the
planted registry the first one keeps what it took.
"""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.conftest import register_provider
from tests.contracts.world import (
    CURVE_ORDER,
    MIN_STAKE,
    PAUSE,
    UNBONDING,
    World,
    compact_of,
    refused,
    sign,
    signer_of,
    twin_of,
)

DEVICE, PROVIDER, NODE = 1, 2, 16
NOBODY = "0x" + "00" * 20
PIN, URL, RESOURCES = keccak(b"key"), "https://127.0.0.1:8443", (1, 1, 1, 1)
AS_DEVICE = (DEVICE, NOBODY, b"\0" * 32, "", "", (0, 0, 0, 0))


@pytest.fixture
def registry(world: World, project):
    facts = (world.anchor, MIN_STAKE, UNBONDING, PAUSE)
    return world.deployer.deploy(project.ParticipantRegistry, *facts)


def statement_of(world: World, registry, account, wanted=AS_DEVICE, deadline=None):
    deadline = world.now() + 100 if deadline is None else deadline
    return deadline, sign(account, registry.registrationDigest(account, wanted, deadline))


def test_a30_a_name_that_somebody_took_first__is_still_free(world: World, registry):
    squatter, provider = world.node_providers[:2]
    registry.registerProvider("Edge Ltd", sender=squatter)
    registry.registerProvider("Edge Ltd", sender=provider)
    assert registry.nameOf(squatter) == registry.nameOf(provider) == "Edge Ltd"


def test_a30_a_name_or_account_that_somebody_took_first__is_lost_in_the_planted_registry(
    world: World, project
):
    planted = world.deployer.deploy(project.PlantedFirstCome, world.token)
    squatter, provider, victim = world.node_providers[:3]
    planted.register(squatter, "Edge Ltd", sender=squatter)
    with refused(planted.NameTaken, account=squatter):
        planted.register(provider, "Edge Ltd", sender=provider)
    planted.register(victim, "Whatever", sender=squatter)
    with refused(planted.AlreadyRegistered, account=victim):
        planted.register(victim, "Own name", sender=victim)


def test_a30_an_endpoint_and_key_that_somebody_claimed_first__are_still_free(
    world: World, registry
):
    squatter, provider = world.node_providers[:2]
    register_provider(world, registry, "Squatter", squatter)
    register_provider(world, registry, "Edge Ltd", provider)
    for organisation, node in ((squatter, world.nodes[0]), (provider, world.nodes[1])):
        registry.admit(node, sender=organisation)
        registry.registerServer(NODE, organisation, PIN, URL, RESOURCES, sender=node)
    assert registry.participant(world.nodes[1]).endpoint == URL


def test_a30_a_relayed_registration_sent_first_by_another__has_the_same_effect(
    world: World, registry, outsider
):
    signer = world.nodes[0]
    statement = statement_of(world, registry, signer)
    registry.registerSigned(signer, AS_DEVICE, *statement, sender=outsider)
    assert registry.roleOf(signer) == DEVICE
    # The relayer that comes second is told that it is done, and can neither redo nor undo it.
    with refused(registry.AlreadyRegistered, account=signer, role=DEVICE):
        registry.registerSigned(signer, AS_DEVICE, *statement, sender=world.payer)


def test_a30_a_relayed_registration__with_anything_changed__is_refused(
    world: World, registry, outsider
):
    signer = world.nodes[0]
    deadline, signature = statement_of(world, registry, signer)
    as_provider = (PROVIDER, NOBODY, b"\0" * 32, "", "Stolen Ltd", (0, 0, 0, 0))
    for account, wanted, until in (
        (outsider, AS_DEVICE, deadline),
        (signer, as_provider, deadline),
        (signer, AS_DEVICE, deadline + 1),
    ):
        digest = registry.registrationDigest(account, wanted, until)
        with refused(
            registry.StatementNotSigned, signer=signer_of(digest, signature), needed=account
        ):
            registry.registerSigned(account, wanted, until, signature, sender=world.payer)
    assert registry.roleOf(signer) == registry.roleOf(outsider) == 0


def test_a30_a_relayed_registration__counts_until_its_deadline(world: World, registry, outsider):
    deadline = world.now() + 100
    late, timely = world.nodes[:2]
    _, signature = statement_of(world, registry, timely, deadline=deadline)
    world.at(deadline)
    registry.registerSigned(timely, AS_DEVICE, deadline, signature, sender=outsider)
    _, signature = statement_of(world, registry, late, deadline=deadline)
    world.at(deadline + 1)
    with refused(registry.StatementExpired, deadline=deadline, nowAt=deadline + 1):
        registry.registerSigned(late, AS_DEVICE, deadline, signature, sender=outsider)


def test_a30_a_registration_for_another_registry_or_chain__is_refused(
    world: World, registry, project, outsider
):
    signer = world.nodes[0]
    deadline, signature = statement_of(world, world.registry, signer)
    digest = registry.registrationDigest(signer, AS_DEVICE, deadline)
    with refused(registry.StatementNotSigned, signer=signer_of(digest, signature), needed=signer):
        registry.registerSigned(signer, AS_DEVICE, deadline, signature, sender=outsider)
    # The domain's separator is derived from the chain id that the block has, not one it remembers.
    fields, name, version, chain_id, contract, _, _ = registry.eip712Domain()
    assert (bytes(fields), name, version) == (b"\x0f", "Edgemark Participants", "1")
    assert (chain_id, contract) == (world.chain.provider.web3.eth.chain_id, registry)


@pytest.mark.parametrize("other", [twin_of, compact_of])
def test_a30_the_other_forms_of_a_signature__are_refused(world: World, registry, outsider, other):
    signer = world.nodes[0]
    deadline, signature = statement_of(world, registry, signer)
    changed = other(signature)
    length = len(changed)
    if length == 65:
        s = changed[32:64]
        assert int.from_bytes(s, "big") > CURVE_ORDER // 2
        expected = refused(registry.ECDSAInvalidSignatureS, s=s)
    else:
        expected = refused(registry.ECDSAInvalidSignatureLength, length=length)
    with expected:
        registry.registerSigned(signer, AS_DEVICE, deadline, changed, sender=outsider)
    assert registry.nonces(signer) == 0


def test_a30_a_succession__is_of_the_successor_that_was_named(world: World, registry, outsider):
    account, successor = world.nodes[:2]
    registry.registerDevice(sender=account)
    deadline = world.now() + 100
    signature = sign(account, registry.successionDigest(account, successor, deadline))
    digest = registry.successionDigest(account, outsider, deadline)
    with refused(registry.StatementNotSigned, signer=signer_of(digest, signature), needed=account):
        registry.succeed(account, deadline, signature, sender=outsider)
    # The front-runner may register as what it likes: the successor's place is not its to take.
    registry.registerDevice(sender=outsider)
    registry.succeed(account, deadline, signature, sender=successor)
    assert registry.roleOf(successor) == DEVICE


def test_a30_a_used_succession__is_no_registration_and_not_used_twice(world: World, registry):
    account, successor = world.nodes[:2]
    registry.registerDevice(sender=account)
    deadline = world.now() + 100
    signature = sign(account, registry.successionDigest(account, successor, deadline))
    registry.succeed(account, deadline, signature, sender=successor)
    with refused(registry.AlreadyRegistered, account=successor, role=DEVICE):
        registry.succeed(account, deadline, signature, sender=successor)
    assert registry.nonces(account) == 1


def test_a30_a_dismissal_outrun_by_a_succession__leaves_no_member_in_standing(
    world: World, registry
):
    """Who sees its dismissal coming cannot hand its standing to an account nobody admitted."""
    provider, node, successor = world.node_providers[0], *world.nodes[:2]
    register_provider(world, registry, "Edge Ltd", provider)
    registry.admit(node, sender=provider)
    registry.registerServer(NODE, provider, PIN, URL, RESOURCES, sender=node)
    deadline = world.now() + 100
    signature = sign(node, registry.successionDigest(node, successor, deadline))
    registry.succeed(node, deadline, signature, sender=successor)
    registry.dismiss(node, sender=provider)
    for account in (node, successor):
        assert registry.standingOf(account) == (NODE, provider, False)
    assert not registry.isAdmitted(provider, successor)
