"""A posting that was signed before may be mined yet: no refusal of a later attempt is proof."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import Nodes, Says
from tests.offchain.ledger.evm.sending.scripted_lane import SOON, lane_over, one_node
from tests.offchain.systems.outsourcing.cast import small_order

from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.contract.interface import Contract, Interface
from edgemark.ledger.evm.faults import ConnectionLost, NoFunds, TransactionRefused
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.station import EvmStation
from edgemark.systems.outsourcing.contract.records import JobPhase
from edgemark.systems.outsourcing.contract.terms import hash_nodes
from edgemark.systems.outsourcing.device import beginning
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.protocol import events as on

ORDER = small_order()
SETTLEMENT = parse_address("0x" + "99" * 20)
NO_INPUT = {"name": "post", "type": "function", "inputs": [], "outputs": []}
POST = Call(Contract("JobSettlement", SETTLEMENT, Interface("post", [NO_INPUT])), "post")
REFUSALS = {"insufficient funds for gas * price + value": TryAgain, "rlp: no": TransactionRefused}


@pytest.fixture(autouse=True)
def allowed_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "allow_what_is_due", lambda *_: None)


def make_device(lane: Any, *, phase: JobPhase = JobPhase.NONE, now: int = 0) -> Device:
    """A device of which only what posts is there."""
    device: Any = Device.__new__(Device)
    posted = SimpleNamespace(
        phase=phase,
        root=ORDER.root,
        terms_hash=ORDER.terms.hash,
        nodes_hash=hash_nodes(ORDER.nodes),
    )
    device.station = SimpleNamespace(
        chain=SimpleNamespace(confirmed=lambda: 1),
        clock=lambda: now,
        time_of=lambda _: now,
        lane=lane,
        push=lambda call: EvmStation.push(device.station, call),
        settlement=SimpleNamespace(post=lambda *_: POST, job=lambda *_, **__: posted),
    )
    found: Device = device
    return found


def post_by(device: Device) -> Sequence[on.DeviceEvent]:
    """Let it post the job."""
    return beginning.post(device.station, ORDER, list)


def refuse_sending(nodes: Nodes, message: str) -> None:
    def refuse(method: str, _: object) -> None:
        if method == "eth_sendRawTransaction":
            raise Says(message)

    nodes.before = refuse


def lose_the_answer(nodes: Nodes, device: Device) -> None:
    """The posting reaches a node that says nothing and shows nothing."""
    nodes.block_every = 0

    def lose(method: str, params: Any) -> None:
        if method == "eth_sendRawTransaction":
            nodes.views[0].answer(method, params)
            raise ConnectionLost("connection lost", who="node")

    nodes.before = lose
    with pytest.raises(ConnectionLost):
        post_by(device)


@pytest.mark.parametrize("message", REFUSALS)
def test_a_posting__refused_after_its_first_answer_was_lost__is_not_failed_and_comes(
    tmp_path: Path, message: str
) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        lose_the_answer(nodes, make_device(lane))
        sent = dict(chain.pool)
        chain.pool.clear()  # another node has it; ours does not know
        refuse_sending(nodes, message)
    with lane_over(nodes, tmp_path, limits=SOON) as lane:  # the next life set it aside
        with pytest.raises(REFUSALS[message]):
            post_by(make_device(lane))
        chain.pool.update(sent)
        for _ in range(5):
            chain.mine()
        assert post_by(make_device(lane)) == []
    assert chain.paid(SETTLEMENT) == [0]


def test_a_posting__refused_before_anything_was_signed__is_failed(tmp_path: Path) -> None:
    _, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        nodes.views[0].more = {"eth_estimateGas": lambda *_: hex(10**9)}
        (found,) = post_by(make_device(lane))
    assert isinstance(found, on.FoundPostingRefused)


def test_a_posting__undecided_when_nobody_can_accept_any_more__is_failed(tmp_path: Path) -> None:
    _, nodes = one_node()
    refuse_sending(nodes, "rlp: no")
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        with pytest.raises(RefusedInput):
            post_by(make_device(lane))
        (found,) = post_by(make_device(lane, now=ORDER.terms.accept_by + 1))
    assert isinstance(found, on.FoundPostingRefused)


def test_a_posting__on_the_chain_but_refused_for_lack_of_funds__is_not_failed(
    tmp_path: Path,
) -> None:
    """An earlier life posted it, and did not live to write that down."""
    _, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        nodes.views[0].more = {"eth_getBalance": lambda *_: "0x0"}
        with pytest.raises(NoFunds):
            post_by(make_device(lane, phase=JobPhase.POSTED, now=10**12))
