"""The registry as a party reads and writes it, on a real chain."""

from __future__ import annotations

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.identity.events import MemberAdmitted, ParticipantRegistered
from edgemark.identity.records import Role
from edgemark.identity.registry import EndpointInvalid, ParticipantRegistry, ServerEntry
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.sending.intent import Call

__all__ = ["small_chain"]  # the fixture

pytestmark = pytest.mark.chain
PIN = Hash32(bytes(range(32)))
SERVER = Role(16)
RESOURCES = Resources(4, 2048, 1024, 100)
PROVIDER, NODE, DEVICE, STRANGER, LIAR = 1, 2, 3, 4, 5


@pytest.fixture
def registry(small_chain: SmallChain) -> ParticipantRegistry:
    return ParticipantRegistry(
        small_chain.chain, small_chain.deployment.contract("ParticipantRegistry")
    )


def test_a_stranger__is_nobody(registry: ParticipantRegistry) -> None:
    assert registry.participant(account(STRANGER)).role is Role.NONE
    assert registry.role_of(account(STRANGER)) is Role.NONE
    with pytest.raises(RefusedInput, match="no registered server"):
        registry.server(account(STRANGER))


def test_a_device__registers_and_is_no_server(
    small_chain: SmallChain, registry: ParticipantRegistry
) -> None:
    with small_chain.lane(DEVICE) as lane:
        lane.send(registry.register_device())
    assert registry.role_of(account(DEVICE)) is Role.DEVICE
    with pytest.raises(RefusedInput) as caught:
        registry.server(account(DEVICE))
    assert caught.value.had == "device"


def test_a_node__is_admitted_registers_and_is_found(
    small_chain: SmallChain, registry: ParticipantRegistry
) -> None:
    contract = small_chain.deployment.contract("ParticipantRegistry")
    assert not registry.is_admitted(account(PROVIDER), account(NODE))
    with small_chain.lane(PROVIDER) as lane:
        small_chain.enlist_provider(lane, "Provider of the node")
        admitted = lane.send(registry.admit(account(NODE)))
    assert registry.is_admitted(account(PROVIDER), account(NODE))
    call = registry.register_server(
        SERVER, account(PROVIDER), PIN, "https://127.0.0.1:8443", RESOURCES
    )
    with small_chain.lane(NODE) as lane:
        receipt = lane.send(call)
    found = registry.participant(account(NODE))
    assert (found.role, found.tls_key_hash, found.resources) == (SERVER, PIN, RESOURCES)
    assert found.registered_at == small_chain.chain.block(receipt.block_number).timestamp
    assert registry.server(account(NODE)) == ServerEntry(
        account(NODE), account(PROVIDER), "https://127.0.0.1:8443", PIN
    )
    (event,) = receipt_events(receipt, contract)
    assert isinstance(event, ParticipantRegistered)
    assert (event.account, event.role, event.provider) == (account(NODE), 16, account(PROVIDER))
    (event,) = receipt_events(admitted, contract)
    assert isinstance(event, MemberAdmitted)
    assert (event.provider, event.account) == (account(PROVIDER), account(NODE))


def test_a_server_of_a_provider_that_does_not_know_it__is_refused(
    small_chain: SmallChain, registry: ParticipantRegistry
) -> None:
    call = registry.register_server(
        SERVER, account(PROVIDER), PIN, "https://127.0.0.1:1", RESOURCES
    )
    with (
        small_chain.lane(STRANGER) as lane,
        pytest.raises(ContractRefused, match="NotAdmitted") as caught,
    ):
        lane.send(call)
    assert caught.value.values == {"account": account(STRANGER), "provider": account(PROVIDER)}


def test_register_server__with_no_endpoint__is_refused_before_it_costs_anything(
    registry: ParticipantRegistry,
) -> None:
    with pytest.raises(RefusedInput, match="endpoint"):
        registry.register_server(SERVER, account(PROVIDER), PIN, "http://127.0.0.1", RESOURCES)


def test_a_server_that_registered_nonsense__is_the_one_to_blame(
    small_chain: SmallChain, registry: ParticipantRegistry
) -> None:
    contract = small_chain.deployment.contract("ParticipantRegistry")
    nonsense = "https://" + "a" * 64 + ".example"  # no resolver takes such a name
    with small_chain.lane(LIAR) as lane:
        small_chain.enlist_provider(lane, "Provider of itself")
        lane.send(registry.admit(account(STRANGER)))
    arguments = (int(SERVER), account(LIAR), PIN, nonsense, RESOURCES.as_abi())
    with small_chain.lane(STRANGER) as lane:
        lane.send(Call(contract, "registerServer", arguments))
    with pytest.raises(EndpointInvalid) as caught:
        registry.server(account(STRANGER))
    assert caught.value.who == account(STRANGER)
