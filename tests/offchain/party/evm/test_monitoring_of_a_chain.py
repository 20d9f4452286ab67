"""What a real node on a real chain tells its operator, and what it says when the chain is gone."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.offchain.small_chain import LIMITS, account, set_up_provider
from tests.waiting import wait_until

from edgemark.amounts import write_tokens
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import deploy
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.opening import open_station
from edgemark.party.running import Monitor
from edgemark.settings.loading import load_settings
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, draft_contracts
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.token.metacoin import MetaCoin

pytestmark = pytest.mark.chain

DEPOSIT = 1000
WALLET = 1500
PATIENCE_S = 30


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[AnvilNode]:
    with AnvilNode.start(tmp_path / "anvil", AnvilOptions(block_time_s=None)) as node:
        yield node


@pytest.fixture
def settings(tmp_path: Path, anvil: AnvilNode) -> Settings:
    """Of a node that its provider admitted and somebody funded."""
    chain = EvmChain(anvil.url, confirmations=0).connect()
    me = KeyStore.open(tmp_path / "node" / "keys").account.address
    with TransactionLane(chain, SecretKey(dev_key(0)), tmp_path / "operator.journal") as lane:
        judges = tuple(account(number) for number in range(1, 5))
        groups = draft_contracts(account(0), judges, account(9), account(0), LIMITS)
        deployment = deploy(chain, lane, groups)
        deployment.save(tmp_path / "deployment.json")
        lane.transfer_many([(me, 10**18)])
        lane.send(MetaCoin(chain, deployment.contract("MetaCoin")).transfer(me, WALLET))
        registry = ParticipantRegistry(chain, deployment.contract("ParticipantRegistry"))
        path = tmp_path / "provider.journal"
        with TransactionLane(chain, SecretKey(dev_key(8)), path) as provider:
            set_up_provider(chain, deployment, lane, provider, "Provider")
            provider.send(registry.admit(me))
    overrides = {
        "home": tmp_path / "node",
        "chain.url": anvil.url,
        "chain.confirmations": 0,
        "chain.manifest": tmp_path / "deployment.json",
        "registration.advertise": "https://127.0.0.1:9",
        "registration.provider": account(8),
        "registration.deposit": write_tokens(DEPOSIT),
        "party.poll_s": 0.1,
    }
    sections = OutsourcingStation.SECTIONS
    return load_settings(file=None, environ={}, overrides=overrides, sections=sections)


@pytest.fixture
def node(settings: Settings) -> Iterator[ComputeNode]:
    with (
        open_station(OutsourcingStation, settings, COMPUTE_NODE) as station,
        ComputeNode(station) as running,
    ):
        yield running


def ask(monitor: Monitor, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(monitor.url).netloc, timeout=PATIENCE_S)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def wait_for_health(monitor: Monitor, status: int) -> list[str]:
    """Its faults, once it answers with this status."""
    heard: list[str] = []

    def is_there() -> bool:
        seen, body = ask(monitor, "/healthz")
        heard[:] = json.loads(body)["faults"]
        return seen == status

    wait_until(f"health {status}", is_there, look_s=0.1)
    return heard


def test_a_node__is_healthy_once_it_runs_and_ill_when_its_chain_is_gone(
    node: ComputeNode, anvil: AnvilNode
) -> None:
    with Monitor(node, 0) as monitor:
        assert ask(monitor, "/healthz")[0] == 503  # not started yet
        node.start()
        assert wait_for_health(monitor, 200) == []

        metrics = ask(monitor, "/metrics")[1].splitlines()
        assert 'edgemark_info{kernel="' in "".join(metrics)
        for line in (
            "edgemark_chain_up 1.0",
            "edgemark_journal_records 0.0",
            f'edgemark_account_tokens{{where="free"}} {DEPOSIT:.1f}',
            f'edgemark_account_tokens{{where="wallet"}} {WALLET - DEPOSIT:.1f}',
            'edgemark_account_tokens{where="locked"} 0.0',
        ):
            assert line in metrics

        anvil.close()
        assert wait_for_health(monitor, 503) == ["chain: connection lost"]
        after = ask(monitor, "/metrics")[1].splitlines()
        assert "edgemark_chain_up 0.0" in after
        assert "edgemark_journal_records 0.0" in after


def test_the_pages__hold_no_key(node: ComputeNode) -> None:
    with Monitor(node, 0) as monitor:
        node.start()
        told = ask(monitor, "/metrics")[1] + ask(monitor, "/healthz")[1]
    key = node.station.keys.account.reveal()
    assert key.hex() not in told.lower()
    assert str(int.from_bytes(key, "big")) not in told
