"""Threat A28: two chains with the same addresses; what one takes, the other refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.offchain.ledger.conftest import HASTE, Start, World, account

from edgemark.cli.catalogue import GROUPS
from edgemark.deployment.deployment import Deployment, ManifestInvalid, deploy
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.faults import ChainIdMismatch, NoCode, NodeRefused, OtherChainsFile
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.transaction import Transaction
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.station.contracts import draft_contracts

pytestmark = pytest.mark.chain

PAYEE = parse_address("0x" + "77" * 20)
LIMITS = Limits(12, 10**20, 1, 1, 2, 86_400, 8, 60)


def put_contracts(world: World) -> Deployment:
    """Deploy from account 0, whose first transactions they are: the addresses are the same."""
    owner = account(0).address
    judges = tuple(account(number).address for number in range(1, 5))
    with world.lane(0) as lane:
        groups = draft_contracts(owner, judges, PAYEE, owner, LIMITS)
        return deploy(world.chain, lane, groups)


@pytest.fixture
def here(start_world: Start) -> World:
    return start_world(confirmations=0, extra=(), chain_id=31337)


@pytest.fixture
def there(start_world: Start) -> World:
    return start_world(confirmations=0, extra=(), chain_id=31338)


def test_a28_the_same_addresses__are_there_on_both_chains(here: World, there: World) -> None:
    one, two = put_contracts(here), put_contracts(there)
    assert one.contracts == two.contracts
    assert one.chain_id != two.chain_id


def test_a28_a_client_of_one_chain__refuses_the_other(here: World, there: World) -> None:
    with pytest.raises(ChainIdMismatch):
        EvmChain(there.node.url, chain_id=31337).connect()
    with pytest.raises(ChainIdMismatch):
        EvmChain(here.node.url, chain_id=31338).connect()


def test_a28_a_signed_transaction_of_one_chain__is_refused_by_the_other(
    here: World, there: World
) -> None:
    gas, fee = 21_000, 10**11
    raw = Transaction(31337, 0, fee, fee, gas, PAYEE, 5, b"").sign(account(0))
    with pytest.raises(NodeRefused):
        there.chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())
    assert there.chain.balance(PAYEE) == 0
    here.chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())
    here.wait_for_nonces(account(0).address, 1)
    assert here.chain.balance(PAYEE) == 5


def test_a28_the_lane_of_one_chain__does_not_send_on_the_other(here: World, there: World) -> None:
    with here.lane(0) as lane:
        lane.transfer(PAYEE, 5)
    with pytest.raises(OtherChainsFile) as refused:
        TransactionLane(there.chain, account(0), here.folder / "lane-0", limits=HASTE)
    assert refused.value.had != refused.value.needed
    assert there.nonces_used(account(0).address) == 0


def test_a28_the_lane_of_a_chain_with_the_same_id__does_not_send_on_another(
    start_world: Start, here: World
) -> None:
    with here.lane(0) as lane:
        lane.transfer(PAYEE, 5)
    again = start_world(confirmations=0, extra=("--timestamp", "1700000000"))
    assert again.chain.chain_id == here.chain.chain_id
    with pytest.raises(OtherChainsFile):
        TransactionLane(again.chain, account(0), here.folder / "lane-0", limits=HASTE)


def test_a28_the_manifest_of_one_chain__is_refused_with_the_other(
    here: World, there: World, tmp_path: Path
) -> None:
    deployment = put_contracts(here)
    put_contracts(there)
    path = tmp_path / "manifest.json"
    deployment.save(path)
    Deployment.load(path, GROUPS, 31337).verify(here.chain)
    with pytest.raises(ManifestInvalid, match="another chain"):
        Deployment.load(path, GROUPS, 31338)
    with pytest.raises(ChainIdMismatch):
        Deployment.load(path, GROUPS).verify(there.chain)


def test_a_manifest_without_its_contracts__is_refused(start_world: Start, here: World) -> None:
    deployment = put_contracts(here)
    empty = start_world(confirmations=0, extra=())
    with pytest.raises(NoCode) as refused:
        deployment.verify(empty.chain)
    assert "deploy" in refused.value.remedy.lower()


def test_a_manifest_with_a_contract_of_another_deployment__is_refused(here: World) -> None:
    one, two = put_contracts(here), put_contracts(here)
    for name in ("MetaCoin", "ParticipantRegistry", "AssetAnchor", "EnclaveManager"):
        mixed = Deployment(
            31337, one.block, {**one.contracts, name: two.contracts[name]}, one.groups
        )
        with pytest.raises(ManifestInvalid, match=name):
            mixed.verify(here.chain)
    coin = one.contract("MetaCoin")
    with here.lane(0) as lane:
        assert lane.send(Call(coin, "transfer", (PAYEE, 1))).is_success
