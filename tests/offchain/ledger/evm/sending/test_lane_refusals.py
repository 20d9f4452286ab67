"""N2, F7: a passing refusal is waited for; what no node takes is told, and never paid twice."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import Chain, Nodes, Says
from tests.offchain.ledger.evm.sending.scripted_lane import (
    OTHER,
    PASSING,
    PAYEE,
    SOON,
    OldLane,
    lane_over,
    one_node,
    pay_again_and_again,
    persist,
    refusing_once,
)

from edgemark.ledger.evm.faults import (
    NoFunds,
    NonceTaken,
    NotYetMined,
    TransactionRefused,
)
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.lane import TransactionLane

FINAL = ["invalid sender", "exceeds block gas limit", "intrinsic gas too low", "invalid chain id"]


@pytest.fixture(autouse=True)
def resend_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


@pytest.mark.parametrize(("message", "code"), PASSING)
@pytest.mark.parametrize("times", [1, 3])
def test_n2_f7_a_passing_refusal__is_waited_for(
    tmp_path: Path, message: str, code: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemark.ledger.evm.reading.wire.FIRST_QUIET_S", 0.001)
    chain, nodes = one_node()
    left = [times]

    def refuse(method: str, _: object) -> None:
        if method == "eth_sendRawTransaction" and left[0] > 0:
            left[0] -= 1
            raise Says(message, code)

    nodes.before = refuse
    with lane_over(nodes, tmp_path) as lane:
        assert pay_again_and_again(lane) == ["paid"] * 3
    assert left == [0]
    assert chain.paid(PAYEE) == [5]


def test_n2_f7_a_passing_refusal__in_the_lane_as_it_was__is_final(tmp_path: Path) -> None:
    _, nodes = one_node()
    nodes.before = refusing_once("txpool is full")
    with lane_over(nodes, tmp_path, kind=OldLane) as lane:
        assert pay_again_and_again(lane, 1) == ["TransactionRefused"]


@pytest.mark.parametrize(
    "method",
    [
        "eth_blockNumber",
        "eth_getBlockByNumber",
        "eth_getTransactionCount",
        "eth_getBalance",
        "eth_estimateGas",
        "eth_getTransactionReceipt",
    ],
)
def test_n2_a_passing_refusal_of_any_other_method__is_waited_for(
    tmp_path: Path, method: str
) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path) as lane:
        nodes.before = refusing_once("internal error, try once more", method)
        assert pay_again_and_again(lane) == ["paid"] * 3
    assert chain.paid(PAYEE) == [5]


def test_n2_a_node_that_is_always_full__is_not_yet_mined_at_the_deadline(tmp_path: Path) -> None:
    chain, nodes = one_node()

    def refuse(method: str, _: object) -> None:
        if method == "eth_sendRawTransaction":
            raise Says("txpool is full")

    nodes.before = refuse
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        with pytest.raises(NotYetMined):
            lane.transfer(PAYEE, 5, key=b"once")
        nodes.before = lambda *_: None
        assert persist(lambda: lane.transfer(PAYEE, 5, key=b"once")).is_success
    assert chain.paid(PAYEE) == [5]


@pytest.mark.parametrize("message", FINAL)
def test_n2_what_can_never_pass__is_refused_and_its_nonce_serves_the_next(
    tmp_path: Path, message: str
) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path) as lane:
        nodes.before = refusing_once(message)
        with pytest.raises(TransactionRefused):
            lane.transfer(PAYEE, 5, key=b"once")
        assert lane.transfer(OTHER, 6, key=b"other").is_success
        assert lane.transfer(PAYEE, 5, key=b"once").is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5], [6])


@pytest.mark.parametrize("message", [*FINAL, "insufficient funds for gas * price + value"])
@pytest.mark.parametrize("is_reopened", [False, True])
def test_n2_refused_for_good_but_in_a_pool_all_the_same__is_paid_once(
    tmp_path: Path, message: str, is_reopened: bool
) -> None:
    chain, nodes = one_node()
    kept: list[bytes] = []

    def refuse(method: str, params: Any) -> None:
        if method == "eth_sendRawTransaction" and not kept:
            kept.append(bytes.fromhex(params[0][2:]))
            raise Says(message)

    nodes.before = refuse
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        with pytest.raises((TransactionRefused, NoFunds)):
            lane.transfer(PAYEE, 5, key=b"once")
        nodes.block_every = 0
        chain.pool[0] = kept[0]  # another node had it
        with pytest.raises(NotYetMined):
            lane.transfer(OTHER, 6, key=b"other")  # waits with the same nonce, underpriced
        if not is_reopened:
            check_the_refused_one_counts(lane, chain, nodes)
    if is_reopened:
        with lane_over(nodes, tmp_path, limits=SOON) as lane:
            check_the_refused_one_counts(lane, chain, nodes)


def check_the_refused_one_counts(lane: TransactionLane, chain: Chain, nodes: Nodes) -> None:
    with pytest.raises(NotYetMined):
        lane.transfer(PAYEE, 5, key=b"once")
    for _ in range(4):
        chain.mine()
    nodes.block_every = 5
    assert persist(lambda: lane.transfer(PAYEE, 5, key=b"once")).is_success
    assert chain.paid(PAYEE) == [5]
    with suppress(NonceTaken):
        persist(lambda: lane.transfer(OTHER, 6, key=b"other"))
    assert persist(lambda: lane.transfer(OTHER, 6, key=b"other")).is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5], [6])
