"""A submission says what it costs before it is paid; a dry one does all of it but send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.cli.town import MTC, Town, town
from tests.offchain.small_chain import JUDGES, SmallChain, account, small_chain
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import Finished

from edgemark.amounts import Amount
from edgemark.cli.outsourcing.placing import submission
from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, Hash32
from edgemark.identity.registry import ParticipantRegistry
from edgemark.identity.resources import Resources
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.systems.outsourcing.order.rehearsing import compute_later_gas
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, ENCLAVE

__all__ = ["small_chain", "town"]  # the fixtures

pytestmark = pytest.mark.chain
GAS = json.loads((Path(__file__).parents[4] / "contracts" / "gas.json").read_text())["gas"]
FEES = 60 * MTC
BOND = 125 * MTC // 10  # of a charge: a fee, and the least that judges take here
MOST_BOND = 10 * MTC + 10 * MTC // 3  # the same where judges take most
NODES = 6  # d = 2, t = 1, e = 1


def open_lane(ground: SmallChain, number: int) -> TransactionLane:
    """Of an account that has some coin."""
    key = SecretKey(bytes([200 + number] * 32))
    ground.operator.transfer(key.address, 10**18)
    return TransactionLane(ground.chain, key, ground.folder / f"party-{number}.journal")


def register_all(ground: SmallChain) -> list[Address]:
    """Judges of one organisation, and nodes of as many, none of which serves; the nodes."""
    contract = ground.deployment.contract("ParticipantRegistry")
    registry = ParticipantRegistry(ground.chain, contract)
    with open_lane(ground, 0) as provider:
        ground.enlist_provider(provider)
        for number in range(1, 1 + JUDGES):
            provider.send(registry.admit(account(number)))
            with ground.lane(number) as judge:
                pin, endpoint = Hash32(bytes([99] * 32)), f"https://127.0.0.1:{8000 + number}"
                who = (ENCLAVE, provider.address, pin, endpoint)
                judge.send(registry.register_server(*who, Resources(1, 1, 1, 1)))
    nodes = []
    for number in range(1, NODES + 1):
        with open_lane(ground, number) as provider, open_lane(ground, number + NODES) as node:
            ground.enlist_provider(provider)
            provider.send(registry.admit(node.address))
            pin, endpoint = Hash32(bytes([number] * 32)), f"https://127.0.0.1:{9000 + number}"
            who = (COMPUTE_NODE, provider.address, pin, endpoint)
            node.send(registry.register_server(*who, Resources(1, 1, 1, 1)))
            nodes.append(node.address)
    return nodes


@pytest.fixture(scope="module")
def nodes(small_chain: SmallChain) -> list[Address]:
    return register_all(small_chain)


class Desk:
    """A device with coin and tokens, and a submission of its."""

    def __init__(self, town: Town, nodes: list[Address], folder: Path) -> None:
        self.town, self.nodes = town, nodes
        (folder / "f.function").write_bytes(cast.dense_function().to_bytes())
        (folder / "inputs.json").write_text(json.dumps([[2, 5]]))
        self.asking = ("--function", folder / "f.function", "--input", folder / "inputs.json")
        town.enrich("device", 100 * MTC)

    @property
    def home(self) -> Path:
        return self.town.folder / "device"

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.home.rglob("*") if path.is_file()}

    def submit(self, *words: str) -> Finished:
        named = [word for node in self.nodes for word in ("--node", node)]
        job = ("outsourcing", "submit", *self.asking, *named)
        return self.town.run("device", *job, *words)


@pytest.fixture
def desk(
    town: Town, nodes: list[Address], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """All nodes that are asked say yes."""

    def choose(_: object, __: object, ___: object, asked: Any, ____: object) -> Any:
        return asked

    monkeypatch.setattr(submission, "choose_nodes", choose)
    yield Desk(town, nodes, tmp_path)


def test_dry_submission__is_told_with_its_price_and_leaves_nothing(desk: Desk) -> None:
    before = desk.files()
    done = desk.submit("--dry-run")
    assert done.status == Exit.DONE, done.error
    facts = done.value
    assert facts["calls"] == [
        "ParticipantRegistry.registerDevice",
        "AssetAnchor.depositWithPermit",
        "AssetAnchor.allowLocker",
        "JobSettlement.post",
    ]
    assert facts["leaves_wallet"] == str(FEES + MOST_BOND)
    (lock,) = facts["locked"]
    assert (lock["by"], lock["amount"]) == ("JobSettlement", str(FEES))
    assert f"lock {Amount(BOND)} more at most" in facts["later"][1]
    assert sorted(facts["nodes"]) == sorted(desk.nodes)
    assert desk.files() == before
    assert desk.town.ground.chain.nonces_used(desk.town.address("device")) == 0


def test_dry_submission__that_finds_its_nodes__leaves_the_index_of_the_home_as_it_is(
    desk: Desk,
) -> None:
    words = ("outsourcing", "submit", *desk.asking, "--nodes", "auto", "--dry-run")
    for _ in range(2):
        before = desk.files()
        assert sorted(desk.town.do("device", *words)["nodes"]) == sorted(desk.nodes)
        assert desk.files() == before
        desk.town.do("device", "index", "sync")
    assert any(path.suffix == ".sqlite" for path in before)


def test_submission__pays_what_it_said(desk: Desk) -> None:
    me, chain = desk.town.address("device"), desk.town.ground.chain
    coin, price = chain.balance(me), desk.submit("--dry-run").value
    done = desk.submit("--no-wait")
    assert done.status == Exit.DONE, done.error
    assert (
        f"Price: {Amount(FEES + MOST_BOND)} leave the wallet for its free balance in the anchor; "
        in done.error
    )
    assert "60 MTC are locked by JobSettlement until " in done.error
    assert f"; {Amount(MOST_BOND)} stay free in the anchor, for what may be locked" in done.error
    assert "gas follow, to bring acceptances and to pay." in done.error
    assert abs(int(price["gas_wei"]) / (coin - chain.balance(me)) - 1) < 0.2
    assert desk.town.anchor.free_balance(me) == MOST_BOND
    desk.town.enrich("device", 60 * MTC)
    again = desk.submit("--dry-run").value  # beside the bond, which is kept for the open job
    assert again["leaves_wallet"] == str(FEES + BOND)
    assert again["calls"][-1] == "JobSettlement.post"


def test_dry_submission__that_would_not_go__is_refused(desk: Desk) -> None:
    poor = desk.submit("--dry-run", "--fee", "15")
    assert poor.status == Exit.REFUSED_INPUT
    assert "wallet holds too few tokens" in poor.error
    desk.nodes = [*desk.nodes[:5], account(9)]
    stranger = desk.submit("--dry-run")
    assert stranger.status == Exit.REFUSED_INPUT
    assert "Nothing is locked" in stranger.error
    with Journal.open(desk.home / "lane.journal"):
        held = desk.submit("--dry-run")
        assert (held.status, held.value["error"]) == (Exit.REFUSED_INPUT, "JournalInUse")


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"logs": []}, "sent no simulation of this job; had '0 MTC locked'; needed 60 MTC"),
        ({"gasUsed": "0x0"}, "sent no gas of a transaction"),
    ],
)
def test_node_of_a_chain__that_makes_a_job_look_cheap__is_not_believed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, lie: dict[str, object], words: str
) -> None:
    ask = EvmChain.rpc

    def rpc(chain: EvmChain, method: str, *parameters: Any) -> Any:
        answer = ask(chain, method, *parameters)
        if method == "eth_simulateV1":
            for call in [call for block in answer for call in block["calls"]]:
                call.update(lie)
        return answer

    monkeypatch.setattr(EvmChain, "rpc", rpc)
    done = desk.submit("--dry-run")
    assert done.status == Exit.LEDGER_UNAVAILABLE
    assert words in done.error


@pytest.mark.parametrize(("shape", "nodes_of_it"), [("m = 6", 6), ("m = 64", 64)])
def test_gas_that_follows__is_as_measured(shape: str, nodes_of_it: int) -> None:
    def measured(function: str, words: str) -> int:
        (found,) = [
            each["osaka"]
            for case, each in GAS[f"JobSettlement.{function}"].items()
            if case.startswith(f"{shape},") and case.endswith(words)
        ]
        return int(found)

    later = measured("accept", "all in one call") + measured("approve", "all")
    assert abs(compute_later_gas(nodes_of_it) / later - 1) < 0.02
