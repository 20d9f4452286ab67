"""What is left of an account's nonces: holes, refusals nobody asks about, calls without a key.

Each row is tried on a planted copy of the lane as it was, too: there it falls.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import Nodes
from tests.offchain.ledger.evm.sending.scripted_lane import (
    OTHER,
    PATIENT,
    PAYEE,
    SOON,
    lane_over,
    one_node,
    persist,
    refusing_once,
)

from edgemark.cli.catalogue import KINDS
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.faults import NoFunds, NotYetMined
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.drafting import Drafter
from edgemark.ledger.evm.sending.fillers import MOST_HOLES
from edgemark.ledger.evm.sending.intent import Call, LaneLimits
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import Entry, PendingFile
from edgemark.ledger.evm.sending.transaction import parse_raw

RAISING = LaneLimits(wait_s=0.2, bump_after_s=0.0, poll_s=0.0)
THIRD = parse_address("0x" + "99" * 20)
APPROVE = Call(KINDS["MetaCoin"].at(OTHER), "approve", (PAYEE, 5))


@pytest.fixture(autouse=True)
def resend_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


class LaneAsItWas(TransactionLane):
    """Planted: only what somebody has is helped on, and only what was answered is crossed out."""

    def _help_up_to(self, last: int, used: int, followed: Entry | None = None) -> None:
        self._make_dearer(used)
        for nonce in self._pending.nonces():
            if used <= nonce <= last:
                self._help(nonce, followed)

    def _help_holder(self, identity: bytes) -> None:
        pass

    def _cross_out_final(self) -> None:
        for entry in [e for e in self._pending.entries.values() if e.is_answered]:
            self._look_after(entry)


def counting_once(used: int) -> Callable[[str, object], str | None]:
    """A node that counts wrongly, one time."""
    left = [1]

    def count(method: str, _: object) -> str | None:
        if method != "eth_getTransactionCount" or not left:
            return None
        left.clear()
        return hex(used)

    return count


def ignore_the_bound(*_: object) -> None:
    """Planted: one count is believed."""


def leave_a_hole(nodes: Nodes, folder: Path, monkeypatch: pytest.MonkeyPatch, used: int) -> None:
    """A payment of 2 that was signed far above the account's nonces, and cannot be mined."""
    with lane_over(nodes, folder, limits=SOON) as lane, monkeypatch.context() as planted:
        persist(lambda: lane.transfer(PAYEE, 1, key=b"1"))
        planted.setattr(Drafter, "_check_nonce", ignore_the_bound)
        planted.setattr(TransactionLane, "_help_up_to", lambda *_: None)
        nodes.before = counting_once(used)
        with pytest.raises(NotYetMined):
            lane.transfer(PAYEE, 2, key=b"2")
        assert list(lane._pending.entries) == [used]
    nodes.before = lambda *_: None


# --- a count that is wrong -----------------------------------------------------------------------


def test_n4_one_wrong_count_of_nonces__is_not_believed(tmp_path: Path) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path) as lane:
        lane.transfer(PAYEE, 1, key=b"1")
        nodes.before = counting_once(50)
        assert lane.transfer(PAYEE, 2, key=b"2").is_success
        assert lane.transfer(PAYEE, 3, key=b"3").is_success
    assert chain.paid(PAYEE) == [1, 2, 3]
    assert chain.used(len(chain.blocks) - 1) == 3


def test_n4_a_hole_that_a_wrong_count_left__is_filled_with_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, nodes = one_node()
    leave_a_hole(nodes, tmp_path, monkeypatch, 9)
    with lane_over(nodes, tmp_path) as lane:
        assert lane.transfer(PAYEE, 2, key=b"2").is_success
        assert lane.transfer(PAYEE, 3, key=b"3").is_success
    assert chain.paid(PAYEE) == [1, 2, 3]
    assert chain.used(len(chain.blocks) - 1) == 11


def test_n4_a_hole__in_the_lane_as_it_was__stalls_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, nodes = one_node()
    leave_a_hole(nodes, tmp_path, monkeypatch, 9)
    with lane_over(nodes, tmp_path, limits=SOON, kind=LaneAsItWas) as lane:
        for key in (b"2", b"3"):
            with pytest.raises(NotYetMined):
                lane.transfer(PAYEE, 2, key=key)
    assert chain.paid(PAYEE) == [1]


def test_n4_a_hole_wider_than_anybody_pays_for__is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, nodes = one_node()
    leave_a_hole(nodes, tmp_path, monkeypatch, MOST_HOLES + 1)
    with lane_over(nodes, tmp_path, limits=SOON) as lane, pytest.raises(NotYetMined):
        lane.transfer(PAYEE, 2, key=b"2")
    assert chain.used(len(chain.blocks) - 1) == 1


# --- a refused intention, and what has its nonce -------------------------------------------------


def refuse_one_and_leave_another_on_its_nonce(nodes: Nodes, lane: TransactionLane) -> None:
    """A was refused, B has its nonce and is too cheap by now."""
    nodes.before = refusing_once("insufficient funds for gas * price + value")
    with pytest.raises(NoFunds):
        lane.transfer(PAYEE, 1, key=b"A")
    nodes.before, blocks, nodes.block_every = (lambda *_: None), nodes.block_every, 0
    with pytest.raises(NotYetMined):
        lane.transfer(OTHER, 2, key=b"B")
    nodes.views[0].chain.base_fee *= 40
    nodes.block_every = blocks


def test_a_refused_intention__helps_on_what_has_its_nonce(tmp_path: Path) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        refuse_one_and_leave_another_on_its_nonce(nodes, lane)
        lane._limits = RAISING
        assert persist(lambda: lane.transfer(PAYEE, 1, key=b"A")).is_success
    assert (chain.paid(OTHER), chain.paid(PAYEE)) == ([2], [1])


def test_a_refused_intention__in_the_lane_as_it_was__waits_for_ever(tmp_path: Path) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON, kind=LaneAsItWas) as lane:
        refuse_one_and_leave_another_on_its_nonce(nodes, lane)
        lane._limits = RAISING
        for _ in range(3):
            with pytest.raises(NotYetMined):
                lane.transfer(PAYEE, 1, key=b"A")
    assert (chain.paid(OTHER), chain.paid(PAYEE)) == ([], [])


def test_a_cancelling_transaction__of_an_earlier_life__is_crossed_out(tmp_path: Path) -> None:
    chain, nodes = one_node()
    nodes.block_every = 0
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        for to, key in ((PAYEE, b"A"), (OTHER, b"B")):
            with pytest.raises(NotYetMined):
                lane.transfer(to, 1, key=key)
        chain.pool.pop(0)
        lane._pending.refuse(lane._pending.entries[0])
        lane._fill(0)
        assert parse_raw(chain.pool[0]).value == 0
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        assert lane._pending.entries[0].is_answered


# --- calls without a key -------------------------------------------------------------------------


def leave_a_payment_and_ask_for_it_long_after(folder: Path, kind: type[TransactionLane]) -> Any:
    chain, nodes = one_node()
    nodes.block_every = 0
    with lane_over(nodes, folder, limits=SOON) as lane, pytest.raises(NotYetMined):
        lane.transfer(PAYEE, 5)
    with lane_over(nodes, folder, kind=kind) as lane:  # the next life, a daemon's
        for _ in range(50):
            chain.mine()
        nodes.block_every = 5
        lane.transfer(PAYEE, 5)  # wanted anew
    return chain.paid(PAYEE)


def test_without_a_key__a_payment_of_an_earlier_life_that_is_final__swallows_no_new_one(
    tmp_path: Path,
) -> None:
    assert leave_a_payment_and_ask_for_it_long_after(tmp_path, TransactionLane) == [5, 5]


def test_without_a_key__in_the_lane_as_it_was__it_swallows_one(tmp_path: Path) -> None:
    assert leave_a_payment_and_ask_for_it_long_after(tmp_path, LaneAsItWas) == [5]


def test_without_a_key__asked_again_in_the_same_life__is_not_sent_twice(tmp_path: Path) -> None:
    chain, nodes = one_node()
    nodes.block_every = 0
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        for payments in ([(OTHER, 5)], [(PAYEE, 5), (PAYEE, 5)]):
            with pytest.raises(NotYetMined) as late:
                lane.transfer_many(payments)
            assert "after a restart look first" in str(late.value)
        for _ in range(50):
            chain.mine()
        nodes.block_every = 5
        persist(lambda: lane.transfer(THIRD, 7))  # what is final is crossed out
        assert lane._pending.nonces() == []
        receipts = lane.transfer_many([(PAYEE, 5), (PAYEE, 5)])
        assert receipts[0] != receipts[1]
        lane.transfer(OTHER, 5)
        assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5, 5], [5])
        persist(lambda: lane.transfer(OTHER, 5))  # the other was told: this is one more
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5, 5], [5, 5])


def approve_in_two_lives(folder: Path) -> int:
    """Answered at once, and not final when the same is wanted anew: how many were sent."""
    chain, nodes = one_node()
    for nodes.block_every, limits in ((3, PATIENT), (0, SOON)):
        with lane_over(nodes, folder, limits=limits) as lane, suppress(NotYetMined):
            lane.send(APPROVE, confirmations=0)
    return chain.used(len(chain.blocks) - 1) + len(chain.pool)


def test_without_a_key__answered_before_it_is_final__is_another_one_in_the_next_life(
    tmp_path: Path,
) -> None:
    assert approve_in_two_lives(tmp_path) == 2


def test_without_a_key__as_it_was__an_answer_was_forgotten_with_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PendingFile, "note_answer", lambda *_: None)
    assert approve_in_two_lives(tmp_path) == 1
