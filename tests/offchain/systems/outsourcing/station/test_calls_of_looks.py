"""What one look that is counted really asks the chain, counted at the node's own face."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.ledger.fake_chain import CHAIN_ID, FakeBlock, deployment_of
from tests.offchain.systems.outsourcing import cast

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.identifiers import NO_HASH, ShareIndex
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.reading import chain as evm
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.settings import PartySettings
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.contract.terms import hash_nodes
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.node.accepting import Accepting
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.turns import TurnBook
from edgemark.systems.outsourcing.protocol.messages import Offer
from edgemark.systems.outsourcing.settings import NodeSettings, OutsourcingSettings
from edgemark.systems.outsourcing.station.looks import CALLS_OF_CASE, CALLS_OF_OFFER
from edgemark.systems.outsourcing.station.server import Payers
from edgemark.transport.serving.server import Request

ORDER = cast.small_order()
MUCH = 10**30


class CountingChain(EvmChain):
    """Counts the questions, also those that come in one message."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", chain_id=CHAIN_ID, confirmations=2)
        self.asked = list[str]()

    def rpc(self, method: str, *params: object) -> Any:  # noqa: ARG002 - all get the same
        self.asked.append(method)
        header = FakeBlock(9, bytes(32), 0, ()).header()
        now = {"timestamp": hex(ORDER.terms.accept_by - 5)}
        return {"eth_blockNumber": "0x9", "eth_call": "0x01", "eth_chainId": hex(CHAIN_ID)}.get(
            method, {**header, **now}
        )

    def rpc_many(self, wanted: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        return [self.rpc(method) for method, _ in wanted]


def answers_of_the_contracts(phase: IndexPhase) -> dict[str, object]:
    """What they say of the small job, by function."""
    job = SimpleNamespace(
        payer=cast.PAYER.address,
        phase=1,
        started_at=0,
        node_count=len(ORDER.nodes),
        errors=0,
        accepted=0,
        charged=0,
        accept_by=ORDER.terms.accept_by,
        compute_by=0,
        collect_by=0,
        root=ORDER.root,
        terms_hash=ORDER.terms.hash,
        nodes_hash=hash_nodes(ORDER.nodes),
        posted_block=1,
    )
    times = {"served_by": 0, "answer_by": 0, "verdict_by": 0}
    index = SimpleNamespace(
        node=cast.NODES[0].address, phase=phase, kind=1, committed=True, **times
    )
    return {
        "jobOf": job,
        "indexOf": index,
        "standingOf": (0, 0, True),
        "freeBalanceOf": MUCH,
        "lockerAllowance": (MUCH, MUCH),
    }


def make_station(monkeypatch: pytest.MonkeyPatch, phase: IndexPhase) -> Any:
    """A station over a counted chain that has the small job, its first index in this phase."""
    chain, deployment = CountingChain(), deployment_of()
    chain.connect()
    chain.asked.clear()  # of the chain id, once in a process
    answers = answers_of_the_contracts(phase)
    monkeypatch.setattr(evm, "_decode", lambda _, function, __: answers[function])
    header = cast.dense_function().header
    return SimpleNamespace(
        deployment=cast.DEPLOYMENT,
        chain=chain,
        clock=chain.now,
        settlement=SettlementContract(chain, deployment, cast.JUDGE_ADDRESSES),
        registry=ParticipantRegistry(chain, deployment.contract("ParticipantRegistry")),
        accounts=AnchorAccounts(chain, deployment.contract("AssetAnchor")),
        functions=SimpleNamespace(
            using=lambda _: nullcontext(header), find=None, make_free=lambda _: MUCH
        ),
        settings=Settings(Path(), (NodeSettings(),)),
        bounds=OutsourcingSettings(max_open_jobs=9),
        paces=PartySettings(poll_s=0.01),
        block_s=lambda: 1,
        seeing_s=lambda: 2.01,
        address=cast.NODES[0].address,
    )


def nothing(*_: object, **__: object) -> None:
    pass


def test_f4_an_offer_that_is_taken__asks_as_often_as_is_counted_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = make_station(monkeypatch, IndexPhase.NAMED)
    node: Any = ComputeNode.__new__(ComputeNode)
    speed: Any = SimpleNamespace(fastest=1e-9, of=lambda _: 1e-9, time=lambda *_: 1e-9)
    looks = list[object]()
    node.station, node._speed, node._admitting = station, speed, threading.Lock()
    node.payers, node.postings = Payers(), Payers()
    node.door = SimpleNamespace(invite=nothing)
    node.looks = SimpleNamespace(check=looks.append, note_taken=nothing)
    task = SimpleNamespace(leaves_bringing=False)
    node.runtime = SimpleNamespace(
        state_at_hand=lambda _: None, is_archived=lambda _: False, ask=lambda *_: task
    )
    node._accepting = Accepting(station, list, speed, TurnBook())
    offer = Offer(ORDER.job, ShareIndex(1), ORDER.terms, ORDER.nodes).to_wire()
    node._take_offer(Request("POST", "/v1/offers", {}, offer, "127.0.0.1"))
    assert len(looks) == 1
    assert len(station.chain.asked) == CALLS_OF_OFFER


def test_f4_a_case__asks_as_often_as_is_counted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commitment was seen by the watch."""
    station = make_station(monkeypatch, IndexPhase.CHARGED)
    judge: Any = Judge.__new__(Judge)
    judge.station, judge.payers, judge._jobs = station, Payers(), {}
    judge.door = SimpleNamespace(expect=nothing)
    judge.looks = SimpleNamespace(check=nothing)
    judge.tell = nothing
    cases = iter([None, None, "case"])
    judge.runtime = SimpleNamespace(
        state_at_hand=lambda _: next(cases), is_archived=lambda _: False
    )
    monkeypatch.setattr(station.settlement, "commitment", lambda *_: NO_HASH)
    request = Request("POST", "/", {}, b"", "127.0.0.1")
    assert judge._case(request, ORDER.job, 1) == "case"
    assert len(station.chain.asked) == CALLS_OF_CASE
