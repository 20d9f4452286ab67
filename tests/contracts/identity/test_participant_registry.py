"""ParticipantRegistry: one role an account, providers admit their members."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.conftest import register_provider
from tests.contracts.world import MIN_STAKE, PAUSE, UNBONDING, World, refused, term_name

DEVICE, PROVIDER, NODE, ENCLAVE, CONSENSUS = 1, 2, 16, 17, 32
PIN = keccak(b"SubjectPublicKeyInfo")
URL = "https://127.0.0.1:8443"
RESOURCES = (4, 8192, 100_000, 1000)
NOBODY = "0x" + "00" * 20


@pytest.fixture
def registry(world: World, project):
    facts = (world.anchor, MIN_STAKE, UNBONDING, PAUSE)
    return world.deployer.deploy(project.ParticipantRegistry, *facts)


@pytest.fixture
def provider(world: World, registry):
    account = world.node_providers[0]
    register_provider(world, registry, "Edge Ltd", account)
    return account


@pytest.fixture
def node(world: World, registry, provider):
    account = world.nodes[0]
    registry.admit(account, sender=provider)
    return account


def test_register_device__records_a_role_and_nothing_to_connect_to(world: World, registry):
    tx = registry.registerDevice(sender=world.payer)
    (log,) = tx.decode_logs(registry.ParticipantRegistered)
    assert (log.account, log.role, log["provider"]) == (world.payer, DEVICE, NOBODY)
    entry = registry.participant(world.payer)
    assert (entry.role, entry.registeredAt) == (DEVICE, tx.timestamp)
    assert (entry.endpoint, bytes(entry.tlsKeyHash)) == ("", bytes(32))


def test_register_provider__records_its_name(registry, provider):
    assert registry.nameOf(provider) == "Edge Ltd"
    assert registry.roleOf(provider) == PROVIDER
    assert registry.providerOf(provider) == provider


def test_register_provider__emits_both_events(world: World, registry):
    account = world.node_providers[1]
    tx = registry.registerProvider("x", sender=account)
    (named,) = tx.decode_logs(registry.ProviderNamed)
    assert (named["provider"], named.name) == (account, "x")
    (log,) = tx.decode_logs(registry.ParticipantRegistered)
    assert (log.account, log.role, log["provider"]) == (account, PROVIDER, account)


@pytest.mark.parametrize("name", ["", "n" * 65])
def test_register_provider__name_too_short_or_long__reverts(world: World, registry, name):
    field = term_name("name")
    with refused(registry.OutOfBounds, field=field, had=len(name), least=1, most=64):
        registry.registerProvider(name, sender=world.payer)


@pytest.mark.parametrize("role", [NODE, ENCLAVE, CONSENSUS, 2**16 - 1])
def test_register_server__admitted__is_recorded_whole(registry, provider, node, role):
    tx = registry.registerServer(role, provider, PIN, URL, RESOURCES, sender=node)
    (log,) = tx.decode_logs(registry.ParticipantRegistered)
    assert (log.account, log.role, log["provider"]) == (node, role, provider)
    assert (log.tlsKeyHash, log.endpoint) == (PIN, URL)
    entry = registry.participant(node)
    assert (entry.role, entry.provider, entry.registeredAt) == (role, provider, tx.timestamp)
    assert (entry.endpoint, bytes(entry.tlsKeyHash)) == (URL, PIN)
    assert tuple(entry.resources) == RESOURCES
    assert registry.roleOf(node) == role
    assert registry.providerOf(node) == provider


@pytest.mark.parametrize("role", [0, DEVICE, PROVIDER, NODE - 1])
def test_register_server__role_that_serves_nothing__reverts(registry, provider, node, role):
    with refused(registry.RoleNotAllowed, role=role):
        registry.registerServer(role, provider, PIN, URL, RESOURCES, sender=node)


def test_register_server__not_admitted__reverts(world: World, registry, provider, outsider):
    with refused(registry.NotAdmitted, account=outsider, provider=provider):
        registry.registerServer(NODE, provider, PIN, URL, RESOURCES, sender=outsider)


def test_register_server__provider_that_is_none__reverts(world: World, registry, outsider):
    for provider in (outsider, NOBODY):
        with refused(registry.NotAdmitted, account=outsider, provider=provider):
            registry.registerServer(NODE, provider, PIN, URL, RESOURCES, sender=outsider)


def test_register_server__without_tls_key__reverts(registry, provider, node):
    with refused(registry.TlsKeyMissing, account=node):
        registry.registerServer(NODE, provider, b"\0" * 32, URL, RESOURCES, sender=node)


@pytest.mark.parametrize("length", [0, 201])
def test_register_server__endpoint_length_out_of_range__reverts(registry, provider, node, length):
    field = term_name("endpoint")
    with refused(registry.OutOfBounds, field=field, had=length, least=1, most=200):
        registry.registerServer(NODE, provider, PIN, "u" * length, RESOURCES, sender=node)


def test_register_server__endpoint_of_200_bytes__is_taken(registry, provider, node):
    registry.registerServer(NODE, provider, PIN, "u" * 200, RESOURCES, sender=node)
    assert registry.participant(node).endpoint == "u" * 200


def test_register__twice_in_any_way__reverts(registry, provider, node):
    registry.registerServer(NODE, provider, PIN, URL, RESOURCES, sender=node)
    for again in (
        lambda: registry.registerDevice(sender=node),
        lambda: registry.registerProvider("me", sender=node),
        lambda: registry.registerServer(ENCLAVE, provider, PIN, URL, RESOURCES, sender=node),
    ):
        with refused(registry.AlreadyRegistered, account=node, role=NODE):
            again()


def test_admit__by_a_provider__emits_once(world: World, registry, provider):
    tx = registry.admit(world.nodes[1], sender=provider)
    (log,) = tx.decode_logs(registry.MemberAdmitted)
    assert (log["provider"], log.account) == (provider, world.nodes[1])
    assert log.countsFrom == tx.timestamp == registry.admittedFrom(provider, world.nodes[1])
    assert registry.admittedFrom(provider, world.nodes[2]) == 0
    assert registry.isAdmitted(provider, world.nodes[1])
    assert not registry.isAdmitted(provider, world.nodes[2])
    again = registry.admit(world.nodes[1], sender=provider)
    assert again.decode_logs(registry.MemberAdmitted) == []


def test_admit__by_anybody_else__reverts(world: World, registry, node, outsider):
    with refused(registry.NotRegistered, account=outsider, needed=PROVIDER, had=0):
        registry.admit(node, sender=outsider)
    registry.registerDevice(sender=world.payer)
    with refused(registry.NotRegistered, account=world.payer, needed=PROVIDER, had=DEVICE):
        registry.admit(node, sender=world.payer)


def test_participant__unknown__is_empty(registry, outsider):
    entry = registry.participant(outsider)
    assert (entry.role, entry.registeredAt, entry.provider) == (0, 0, NOBODY)
