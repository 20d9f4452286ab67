"""A transaction that is pushed holds no thread, happens once, and one thread helps on them all.

The planted rule is the one that was: who sends holds its thread until the transaction is final.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import (
    KEY,
    Chain,
    Nodes,
    Says,
    View,
    other_payment,
)
from tests.offchain.ledger.evm.sending.scripted_lane import (
    SERVICE,
    SOON,
    lane_over,
    mine,
    quiet_node,
    serve,
    served,
)

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.evm.faults import ContractRefused, NonceTaken, NotYetMined
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.intent import Call, LaneLimits
from edgemark.ledger.evm.sending.lane import TransactionLane

THREADS_OF_A_LANE = 16
MANY = 100


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


def test_pushes__go_out_in_a_row_without_a_block_between_them(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        assert [lane.push(serve(number)) for number in range(MANY)] == [None] * MANY
        mine(chain)
        assert served(chain) == [*range(MANY)]


def test_by_the_planted_rule__no_more_go_out_than_there_are_threads(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        for number in range(THREADS_OF_A_LANE):  # each holds one until its block is deep enough
            with pytest.raises(NotYetMined):
                lane.send(serve(number))
        assert len(chain.pool) == THREADS_OF_A_LANE


def test_what_is_under_way__asks_no_node_and_is_not_sent_again(tmp_path: Path) -> None:
    _, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        lane.push(serve(1))
        nodes.methods.clear()
        assert [lane.push(serve(1)) for _ in range(100)] == [None] * 100
    assert nodes.methods == []


def test_what_is_about_the_same__joins_what_is_under_way(tmp_path: Path) -> None:
    """As more signatures under a verdict that is sent; by its arguments it were another one."""
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        lane.push(serve(1, b"verdict"))
        lane.push(serve(2, b"verdict"))
        mine(chain)
        lane.keep_on()
        receipt = lane.push(serve(3, b"verdict"))
        assert receipt is not None and receipt.is_success
        lane.push(serve(4))
        lane.push(serve(5))
        mine(chain)
    assert served(chain) == [1, 4, 5]


def test_a_push__tells_once_what_became_of_it_and_then_is_another_one(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        lane.push(serve(1))
        mine(chain, 2)
        lane.keep_on()
        assert lane.push(serve(1)) is None  # one block is missing
        mine(chain, 1)
        lane.keep_on()
        assert lane.push(serve(1)) is not None
        assert lane.gas_used == 21_000
        assert lane.push(serve(1)) is None
        mine(chain)
    assert served(chain) == [1, 1]


def test_what_nobody_asks_for_any_more__is_crossed_out_and_counted(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        for number in range(MANY):
            lane.push(serve(number))
        mine(chain)
        for _ in range(1 + MANY // nonces_module.MOST_AT_ONCE):
            lane.keep_on()
        assert lane.gas_used == MANY * 21_000
        nodes.methods.clear()
        lane.keep_on()
    assert nodes.methods == []


def test_a_push_that_reverts__is_told_when_it_is_final(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    view = nodes.views[0]

    def reverted(shown: str) -> Any:
        found = view._receipt(shown)
        return found and {**found, "status": "0x0"}

    view.more = {"eth_getTransactionReceipt": reverted, "eth_call": lambda *_: "0x"}
    with lane_over(nodes, tmp_path) as lane:
        lane.push(serve(1))
        mine(chain)
        lane.keep_on()
        with pytest.raises(ContractRefused):
            lane.push(serve(1))


def test_a_push_whose_nonce_another_program_used__is_void_then_goes_anew(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        lane.push(serve(1))
        chain.pool[0] = other_payment(0, KEY.address)
        mine(chain)
        lane.keep_on()
        with pytest.raises(NonceTaken):
            lane.push(serve(1))
        lane.push(serve(1))
        mine(chain)
    assert served(chain) == [1]


# --- what a thread did that waited ---------------------------------------------------------------


def test_what_a_node_forgot__is_sent_again_though_nobody_waits(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        for number in range(MANY):
            lane.push(serve(number))
        chain.pool.clear()
        for _ in range(1 + 2 * MANY // nonces_module.MOST_AT_ONCE):
            lane.keep_on()
            chain.mine()
        assert served(chain) == [*range(MANY)]


def test_what_blocks_took_back__is_sent_again_though_nobody_waits(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        lane.push(serve(1))
        lane.push(serve(2))
        chain.mine()
        chain.take_back(1)
        assert served(chain) == []
        lane.keep_on()
        mine(chain)
    assert served(chain) == [1, 2]


def test_the_lowest__is_made_dearer_though_nobody_waits(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    limits = LaneLimits(wait_s=20.0, bump_after_s=0.0, poll_s=0.0)
    with lane_over(nodes, tmp_path, limits=limits) as lane:
        for number in range(3):
            lane.push(serve(number))
        chain.base_fee *= 6  # more than any of them pays
        for _ in range(60):
            lane.keep_on()
            chain.mine()
        assert served(chain) == [0, 1, 2]


def test_one_turn_of_keeping_on__asks_little_however_much_is_under_way(tmp_path: Path) -> None:
    _, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        for number in range(MANY):
            lane.push(serve(number))
        nodes.methods.clear()
        lane.keep_on()
    assert len(nodes.methods) < 4 * nonces_module.MOST_AT_ONCE


# --- N4, as `test_lane_proofs.py` does for payments that are waited for ---------------------------


@pytest.mark.parametrize("seed", range(25))
def test_n4_nodes_that_disagree__and_reorganisations__every_push_happens_once(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    chain = Chain()
    lags = View(chain, lag=draw.randrange(4), hides_receipts=draw.random() < 0.5)
    lags.is_deaf, lags.old_states = draw.random() < 0.5, draw.choice([2, 16, 10**6])
    nodes = Nodes(View(chain), lags)
    nodes.choose = lambda _: draw.randrange(2)
    nodes.block_every = draw.choice([3, 7, 20])

    def disturb(method: str, _: object) -> None:
        if draw.random() < 0.01:
            chain.take_back(draw.randrange(3), forgets=draw.random() < 0.5)
        if draw.random() < 0.05:
            raise Says("header not found")
        if method == "eth_sendRawTransaction" and draw.random() < 0.3:
            raise Says("txpool is full")

    nodes.before = disturb
    told: set[int] = set()
    while len(told) < 3 and len(nodes.methods) < 50_000:  # lives of the process
        with suppress(LedgerUnavailable), lane_over(nodes, tmp_path) as lane:
            for _ in range(draw.choice([2, 8, 32])):
                push_all(lane, told)
    assert told == {1, 2, 3}
    assert sorted(served(chain)) == [1, 2, 3]


def push_all(lane: TransactionLane, told: set[int]) -> None:
    """What the contract refuses a second time is not asked of it: each has a key."""
    lane.keep_on()
    for number in {1, 2, 3} - told:
        with suppress(LedgerUnavailable):
            if lane.push(Call(SERVICE, "serve", (number,), key=b"%d" % number)) is not None:
                told.add(number)
