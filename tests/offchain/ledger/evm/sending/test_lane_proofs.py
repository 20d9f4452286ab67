"""N4: a keyed payment is made once, whatever the nodes behind an address say or hide.

Every law is tried on a planted copy of the lane as it was, too: there it falls.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import Chain, Nodes, Says, View, other_payment
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
    see_it_moved,
)

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.evm.faults import (
    NodeBehind,
    NodeRefused,
    NonceTaken,
    NotYetMined,
    ReorgTooDeep,
)
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending import settling
from edgemark.ledger.evm.sending.intent import LaneLimits


@pytest.fixture(autouse=True)
def resend_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


# --- N4: receipts --------------------------------------------------------------------------------


@pytest.mark.parametrize(("confirmations", "late"), [(0, 300), (1, 300), (2, 500), (2, 40)])
def test_n4_receipts__late_by_more_than_any_window__are_waited_for_and_paid_once(
    tmp_path: Path, confirmations: int, late: int
) -> None:
    chain, nodes = one_node(hides_receipts=True)

    def show_later(*_: object) -> None:
        nodes.views[0].hides_receipts = len(nodes.methods) < late

    nodes.before = show_later
    with lane_over(nodes, tmp_path, confirmations=confirmations) as lane:
        assert pay_again_and_again(lane) == ["paid"] * 3
    assert chain.paid(PAYEE) == [5]


def test_n4_receipts__that_never_come__are_not_yet_mined_and_nothing_is_sent_again(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node(hides_receipts=True)
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        assert pay_again_and_again(lane) == ["NotYetMined"] * 3
        nodes.views[0].hides_receipts = False
    with lane_over(nodes, tmp_path) as lane:  # another life takes up what the file holds
        assert pay_again_and_again(lane) == ["paid"] * 3
    assert chain.paid(PAYEE) == [5]


def test_n4_receipts__the_lane_as_it_was__pays_twice(tmp_path: Path) -> None:
    chain, nodes = one_node(hides_receipts=True)
    with lane_over(nodes, tmp_path, limits=SOON, kind=OldLane) as lane:
        assert "NonceTaken" in pay_again_and_again(lane)
    for _ in range(3):
        chain.mine()
    assert len(chain.paid(PAYEE)) > 1


# --- N4: another transaction has the nonce -------------------------------------------------------


def without_old_states(view: View) -> None:
    """It answers null where others say that they have not got the state."""

    def used(_: str, at: str) -> str | None:
        is_kept = view._height(at) >= view.head - view.old_states
        return hex(view.chain.used(view._height(at))) if is_kept else None

    view.more["eth_getTransactionCount"] = used


def take_the_nonce_elsewhere(folder: Path, looks: int) -> Chain:
    """A payment waits, another program's takes its nonce and is final; then it is asked for."""
    chain, nodes = one_node(old_states=8)
    for _ in range(200):
        chain.mine()
    with lane_over(nodes, folder, limits=SOON) as lane:
        nodes.block_every = 0
        assert pay_again_and_again(lane, 1) == ["NotYetMined"]
        chain.pool[0] = other_payment(0, OTHER)
        for _ in range(3):
            chain.mine()
        without_old_states(nodes.views[0])
        for _ in range(looks):
            with suppress(NotYetMined):
                lane.transfer(PAYEE, 5, key=b"once")
    return chain


def test_n4_a_node_that_answers_null_for_old_states__its_blocks_prove_it(tmp_path: Path) -> None:
    with pytest.raises(NonceTaken):
        take_the_nonce_elsewhere(tmp_path, 4)


def test_n4_a_node_that_answers_null_for_old_states__as_it_was__stalls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: only a refusal was taken for a state that is not kept."""
    monkeypatch.setattr(settling, "NodeAnswerMalformed", NodeRefused)
    take_the_nonce_elsewhere(tmp_path, 4)


@pytest.mark.parametrize("old_states", [10**6, 2])
@pytest.mark.parametrize("before", [0, 200])
def test_n4_the_nonce_is_used_elsewhere__only_a_final_transaction_proves_it(
    tmp_path: Path, old_states: int, before: int
) -> None:
    chain, nodes = one_node(old_states=old_states)
    for _ in range(before):
        chain.mine()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        nodes.block_every = 0
        assert pay_again_and_again(lane, 1) == ["NotYetMined"]
        chain.pool[0] = other_payment(0, OTHER)
        chain.mine()
        assert pay_again_and_again(lane, 2) == ["NotYetMined"] * 2  # not deep enough: may go again
        chain.mine()
        chain.mine()
        with pytest.raises(NonceTaken):
            persist(lambda: lane.transfer(PAYEE, 5, key=b"once"))
        nodes.block_every = 5
        assert persist(lambda: lane.transfer(PAYEE, 5, key=b"once")).is_success
    assert (chain.paid(OTHER), chain.paid(PAYEE)) == ([1], [5])


def test_n4_the_nonce_is_used_elsewhere__long_before_it_was_signed__is_found(
    tmp_path: Path,
) -> None:
    """A node that lags gave a nonce that others had seen used for long."""
    chain = Chain()
    chain.pool[0] = other_payment(0, OTHER)
    for _ in range(300):
        chain.mine()
    behind = View(chain, lag=300, old_states=10**6)
    nodes = Nodes(behind, View(chain, old_states=2))
    nodes.choose = lambda _: 0
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        assert pay_again_and_again(lane, 1) == ["NotYetMined"]
        nodes.choose = lambda _: 1
        with pytest.raises(NonceTaken):
            persist(lambda: lane.transfer(PAYEE, 5, key=b"once"))
    assert chain.paid(OTHER) == [1]


# --- N4: two nodes, reorganisations --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(25))
def test_n4_two_nodes_that_disagree__and_reorganisations__every_payment_is_made_once(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    chain = Chain()
    nodes = Nodes(
        View(chain),
        View(
            chain,
            lag=draw.randrange(6),
            hides_receipts=draw.random() < 0.5,
            is_deaf=draw.random() < 0.5,
            old_states=draw.choice([2, 16, 10**6]),
        ),
    )
    nodes.choose = lambda _: draw.randrange(2)
    nodes.block_every = draw.choice([3, 7, 20])
    nodes.takes_batches = seed % 2 == 0

    def disturb(method: str, _: object) -> None:
        if draw.random() < 0.01:
            chain.take_back(draw.randrange(3), forgets=draw.random() < 0.5)
        if draw.random() < 0.05:
            raise Says("header not found")
        if method == "eth_sendRawTransaction" and draw.random() < 0.3:
            raise Says(draw.choice(PASSING[:1] + PASSING[3:])[0])

    nodes.before = disturb
    limits = LaneLimits(wait_s=draw.choice([0.0, 0.02, 0.2]), bump_after_s=60.0, poll_s=0.0)
    for number in range(3):  # three lives of the process, each asks for everything again
        persist_lives(nodes, tmp_path, limits, number)
    assert sorted(chain.paid(PAYEE)) == [1, 2, 3]


def persist_lives(nodes: Nodes, folder: Path, limits: LaneLimits, life: int) -> None:
    for _ in range(400):
        with suppress(LedgerUnavailable), lane_over(nodes, folder, limits=limits) as lane:
            for value in range(1, life + 2):
                lane.transfer(PAYEE, value, key=b"%d" % value)
            return
    pytest.fail("never all paid")


def test_n4_a_node_that_knows_less_than_was_final__signs_nothing(tmp_path: Path) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        persist(lambda: lane.transfer(PAYEE, 5, key=b"once"))
        nodes.views[0].lag = len(chain.blocks) - 1  # knows of no transaction at all
        nodes.block_every = 0
        signed = nodes.methods.count("eth_sendRawTransaction")
        with pytest.raises(NodeBehind):
            lane.transfer(PAYEE, 6, key=b"next")
    assert nodes.methods.count("eth_sendRawTransaction") == signed
    assert chain.paid(PAYEE) == [5]


def test_n4_a_final_receipt_that_is_gone__is_waited_for_while_its_block_stands(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        persist(lambda: lane.transfer(PAYEE, 5, key=b"once"))
        nodes.views[0].hides_receipts = True
        with pytest.raises(NodeBehind):
            lane.transfer(PAYEE, 5, key=b"once")
        nodes.views[0].hides_receipts = False
        chain.take_back(len(chain.blocks) - 1)
        see_it_moved(lane)
        with pytest.raises(ReorgTooDeep):
            lane.transfer(PAYEE, 5, key=b"once")


def test_n4_a_final_transaction_is_gone_at_some_looks__is_there_again_at_the_next(
    tmp_path: Path,
) -> None:
    """A node on a branch of its own, behind the same address, ends no process."""
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        receipt = persist(lambda: lane.transfer(PAYEE, 5, key=b"once"))
        branch = Chain()
        while len(branch.blocks) < len(chain.blocks):
            branch.mine(salt=9)
        own, nodes.views = nodes.views, (View(branch),)
        for _ in range(2):
            see_it_moved(lane)
            others, nodes.views = nodes.views, own
            assert lane.transfer(PAYEE, 5, key=b"once") == receipt
            nodes.views = others
