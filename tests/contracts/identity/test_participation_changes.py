"""ParticipantRegistry: rotation, retirement, dismissal, succession; registration by signature."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.conftest import register_provider
from tests.contracts.world import (
    MIN_STAKE,
    PAUSE,
    UNBONDING,
    World,
    refused,
    sign,
    signer_of,
    term_name,
)

DEVICE, PROVIDER, NODE = 1, 2, 16
NOBODY = "0x" + "00" * 20
PIN, OTHER_PIN = keccak(b"key"), keccak(b"another key")
URL, OTHER_URL = "https://127.0.0.1:8443", "https://127.0.0.1:9443"
RESOURCES, OTHER_RESOURCES = (4, 8192, 100_000, 1000), (1, 2, 3, 4)


@pytest.fixture
def registry(world: World, project):
    facts = (world.anchor, MIN_STAKE, UNBONDING, PAUSE)
    return world.deployer.deploy(project.ParticipantRegistry, *facts)


@pytest.fixture
def provider(world: World, registry):
    register_provider(world, registry, "Edge Ltd", world.node_providers[0])
    return world.node_providers[0]


@pytest.fixture
def node(world: World, registry, provider):
    account = world.nodes[0]
    registry.admit(account, sender=provider)
    registry.registerServer(NODE, provider, PIN, URL, RESOURCES, sender=account)
    return account


def pass_to(world: World, second: int) -> None:
    """Let the latest block be at that second."""
    world.at(second)
    world.chain.mine()


def wish(role, provider=NOBODY, pin=b"\0" * 32, endpoint="", name="", resources=(0, 0, 0, 0)):
    return (role, provider, pin, endpoint, name, resources)


def signed(world: World, registry, account, wanted):
    """Deadline and signature of a registration."""
    deadline = world.now() + 100
    return deadline, sign(account, registry.registrationDigest(account, wanted, deadline))


def succession(world: World, registry, account, successor):
    """Deadline and signature by which an account gives its place away."""
    deadline = world.now() + 100
    return deadline, sign(account, registry.successionDigest(account, successor, deadline))


# Rotation.


def test_update_server__puts_key_endpoint_and_resources_in_place(registry, provider, node):
    tx = registry.updateServer(OTHER_PIN, OTHER_URL, OTHER_RESOURCES, sender=node)
    (log,) = tx.decode_logs(registry.ServerUpdated)
    assert (log.account, log.tlsKeyHash, log.endpoint) == (node, OTHER_PIN, OTHER_URL)
    entry = registry.participant(node)
    assert (bytes(entry.tlsKeyHash), entry.endpoint) == (OTHER_PIN, OTHER_URL)
    assert tuple(entry.resources) == OTHER_RESOURCES
    assert (entry.role, entry.provider) == (NODE, provider)


def test_update_server__by_who_is_no_server_or_with_bad_facts__reverts(
    world: World, registry, provider, node, outsider
):
    facts = (OTHER_PIN, OTHER_URL, OTHER_RESOURCES)
    with refused(registry.NotAParticipant, account=outsider):
        registry.updateServer(*facts, sender=outsider)
    with refused(registry.RoleNotAllowed, role=PROVIDER):
        registry.updateServer(*facts, sender=provider)
    with refused(registry.TlsKeyMissing, account=node):
        registry.updateServer(b"\0" * 32, OTHER_URL, OTHER_RESOURCES, sender=node)
    with refused(registry.OutOfBounds, field=term_name("endpoint"), had=201, least=1, most=200):
        registry.updateServer(OTHER_PIN, "u" * 201, OTHER_RESOURCES, sender=node)


# Retirement and dismissal.


def test_retire__of_a_server__is_for_good_and_stays_readable(registry, provider, node):
    assert registry.standingOf(node) == (NODE, provider, True)
    tx = registry.retire(sender=node)
    (log,) = tx.decode_logs(registry.ParticipantRetired)
    assert log.account == node
    assert registry.standingOf(node) == (NODE, provider, False)
    assert registry.participant(node).retiredAt == tx.timestamp
    assert registry.participant(node).endpoint == URL
    for again in (
        lambda: registry.retire(sender=node),
        lambda: registry.updateServer(OTHER_PIN, OTHER_URL, RESOURCES, sender=node),
    ):
        with refused(registry.HasRetired, account=node, retiredAt=tx.timestamp):
            again()


def test_retire__of_a_stranger__reverts(registry, outsider):
    with refused(registry.NotAParticipant, account=outsider):
        registry.retire(sender=outsider)


def test_retire__of_a_provider__takes_no_members_any_more(world: World, registry, provider):
    registry.admit(world.nodes[1], sender=provider)
    retired = registry.retire(sender=provider).timestamp
    with refused(registry.HasRetired, account=provider, retiredAt=retired):
        registry.admit(world.nodes[2], sender=provider)
    with refused(registry.HasRetired, account=provider, retiredAt=retired):
        registry.registerServer(NODE, provider, PIN, URL, RESOURCES, sender=world.nodes[1])


def test_dismiss__ends_new_work_until_the_pause_after_the_next_admission(
    world: World, registry, provider, node
):
    tx = registry.dismiss(node, sender=provider)
    (log,) = tx.decode_logs(registry.MemberDismissed)
    assert (log["provider"], log.account) == (provider, node)
    assert registry.standingOf(node) == (NODE, provider, False)
    again = registry.dismiss(node, sender=provider)
    assert again.decode_logs(registry.MemberDismissed) == []
    back = registry.admit(node, sender=provider)
    (log,) = back.decode_logs(registry.MemberAdmitted)
    assert log.countsFrom == back.timestamp + PAUSE == registry.admittedFrom(provider, node)
    assert registry.isAdmitted(provider, node)
    assert registry.standingOf(node) == (NODE, provider, False)
    again = registry.admit(node, sender=provider)
    assert again.decode_logs(registry.MemberAdmitted) == []
    pass_to(world, log.countsFrom)
    assert registry.standingOf(node) == (NODE, provider, True)
    with refused(registry.NotRegistered, account=world.outsider, needed=PROVIDER, had=0):
        registry.dismiss(node, sender=world.outsider)


def test_retire__of_one_who_was_dismissed__makes_nobody_wait(
    world: World, registry, provider, node
):
    dismissed = registry.dismiss(node, sender=provider).timestamp
    pass_to(world, dismissed + PAUSE)
    registry.retire(sender=node)
    tx = registry.admit(world.nodes[1], sender=provider)
    assert registry.admittedFrom(provider, world.nodes[1]) == tx.timestamp


# Succession.


def test_succeed__a_server__has_its_place_once_it_is_admitted(
    world: World, registry, provider, node
):
    successor = world.outsider
    tx = registry.succeed(node, *succession(world, registry, node, successor), sender=successor)
    (log,) = tx.decode_logs(registry.ParticipantSucceeded)
    assert (log.account, log.successor, log["provider"]) == (node, successor, provider)
    assert registry.standingOf(successor) == (NODE, provider, False)
    registry.admit(successor, sender=provider)
    assert registry.standingOf(successor) == (NODE, provider, False)
    pass_to(world, tx.timestamp + PAUSE)
    assert registry.standingOf(successor) == (NODE, provider, True)
    assert registry.standingOf(node) == (NODE, provider, False)
    entry = registry.participant(successor)
    assert (bytes(entry.tlsKeyHash), entry.endpoint) == (PIN, URL)
    assert (tuple(entry.resources), entry.retiredAt) == (RESOURCES, 0)
    assert registry.participant(node).retiredAt == tx.timestamp


def test_succeed__one_admitted_before__has_its_place_after_the_pause(
    world: World, registry, provider, node
):
    registry.admit(world.outsider, sender=provider)
    statement = succession(world, registry, node, world.outsider)
    tx = registry.succeed(node, *statement, sender=world.outsider)
    assert registry.standingOf(world.outsider) == (NODE, provider, False)
    pass_to(world, tx.timestamp + PAUSE)
    assert registry.standingOf(world.outsider) == (NODE, provider, True)


def test_succeed__one_who_was_dismissed__gains_no_admission(world: World, registry, provider, node):
    registry.dismiss(node, sender=provider)
    statement = succession(world, registry, node, world.outsider)
    registry.succeed(node, *statement, sender=world.outsider)
    assert registry.standingOf(world.outsider) == (NODE, provider, False)


def test_succeed__a_provider__acts_for_the_same_organisation(
    world: World, registry, provider, node
):
    successor = world.outsider
    statement = succession(world, registry, provider, successor)
    registry.succeed(provider, *statement, sender=successor)
    assert registry.actorOf(provider) == successor
    assert registry.providerOf(successor) == provider
    assert registry.nameOf(provider) == "Edge Ltd"
    assert registry.standingOf(node) == (NODE, provider, True)
    with refused(registry.NotRegistered, account=provider, needed=PROVIDER, had=0):
        registry.dismiss(node, sender=provider)
    third = world.nodes[3]
    again = succession(world, registry, successor, third)
    registry.succeed(successor, *again, sender=third)
    assert registry.actorOf(provider) == third
    retired = registry.retire(sender=third).timestamp
    assert registry.participant(provider).retiredAt == retired
    assert registry.standingOf(node) == (NODE, provider, False)


def test_succeed__by_somebody_registered_or_of_somebody_gone__reverts(
    world: World, registry, provider, node, outsider
):
    statement = succession(world, registry, node, provider)
    with refused(registry.AlreadyRegistered, account=provider, role=PROVIDER):
        registry.succeed(node, *statement, sender=provider)
    statement = succession(world, registry, node, outsider)
    retired = registry.retire(sender=node).timestamp
    with refused(registry.HasRetired, account=node, retiredAt=retired):
        registry.succeed(node, *statement, sender=outsider)


# Registration by signature.


def test_register_signed__by_anybody__registers_the_signer_in_any_role(
    world: World, registry, provider, outsider
):
    device, organisation, node = world.nodes[1], world.nodes[2], world.nodes[3]
    registry.admit(node, sender=provider)
    server = wish(NODE, provider, PIN, URL, "", RESOURCES)
    for account, wanted in (
        (device, wish(DEVICE)),
        (organisation, wish(PROVIDER, name="Signed Ltd")),
        (node, server),
    ):
        statement = signed(world, registry, account, wanted)
        tx = registry.registerSigned(account, wanted, *statement, sender=outsider)
        (log,) = tx.decode_logs(registry.ParticipantRegistered)
        assert (log.account, log.role) == (account, wanted[0])
        assert registry.nonces(account) == 1
        assert registry.roleOf(account) == wanted[0]
    assert registry.nameOf(organisation) == "Signed Ltd"
    assert registry.standingOf(node) == (NODE, provider, True)
    assert registry.roleOf(outsider) == 0


def test_register_signed__in_no_role__reverts(world: World, registry, outsider):
    statement = signed(world, registry, outsider, wish(0))
    with refused(registry.RoleNotAllowed, role=0):
        registry.registerSigned(outsider, wish(0), *statement, sender=world.payer)


def test_revoke_signatures__makes_void_what_was_signed(world: World, registry, outsider):
    deadline, signature = signed(world, registry, outsider, wish(DEVICE))
    tx = registry.revokeSignatures(sender=outsider)
    (log,) = tx.decode_logs(registry.SignaturesRevoked)
    assert (log.account, log.nonce) == (outsider, 0)
    assert registry.nonces(outsider) == 1
    digest = registry.registrationDigest(outsider, wish(DEVICE), deadline)
    with refused(registry.StatementNotSigned, signer=signer_of(digest, signature), needed=outsider):
        registry.registerSigned(outsider, wish(DEVICE), deadline, signature, sender=world.payer)
