"""N4: counts of an account's nonces that a node says wrongly, more than once; what is left then.

Each row is tried on a planted copy of the lane as it was, too: there the account stays blocked.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import KEY, Chain, Nodes, View, other_payment
from tests.offchain.ledger.evm.sending.scripted_lane import (
    OTHER,
    PATIENT,
    PAYEE,
    SOON,
    lane_over,
    one_node,
    persist,
)

from edgemark.ledger.evm.faults import NodeBehind, NotYetMined
from edgemark.ledger.evm.sending import drafting
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.drafting import JUMP_LOOKS, Drafter
from edgemark.ledger.evm.sending.fillers import HOUR_S, MOST_HOLES, FillerBudget
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import Entry
from edgemark.ledger.evm.sending.spaced_looks import SpacedLooks

FAR = 500


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)
    monkeypatch.setattr(drafting, "JUMP_APART_S", 0.002)
    monkeypatch.setattr(drafting, "HOLE_APART_S", 0.002)


def counting(used: int, times: int) -> Callable[[str, object], str | None]:
    """A node that counts wrongly, so many times in a row, of whichever block."""
    left = [times]

    def count(method: str, _: object) -> str | None:
        if method != "eth_getTransactionCount" or not left[0]:
            return None
        left[0] -= 1
        return hex(used)

    return count


def as_it_was(_: Drafter, used: int, floor: int, held: set[int]) -> int:
    """Planted: above all that is held, whatever a count and its confirmation say."""
    return max(used, floor, max(held, default=-1) + 1)


def sign_far_above(nodes: Nodes, folder: Path, monkeypatch: pytest.MonkeyPatch, used: int) -> None:
    """A payment of 2 that was signed where a node's counts pointed, and cannot be mined."""
    with lane_over(nodes, folder, limits=SOON) as lane, monkeypatch.context() as planted:
        persist(lambda: lane.transfer(PAYEE, 1, key=b"1"))
        planted.setattr(Drafter, "_next_nonce", as_it_was)
        nodes.before = counting(used, 1)
        with pytest.raises(NotYetMined):
            lane.transfer(PAYEE, 2, key=b"2")
        assert list(lane._pending.entries) == [used]
    nodes.before = lambda *_: None


# --- before it is signed -------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 2, 2 * JUMP_LOOKS - 1])
def test_n4_a_high_count__of_both_blocks_for_a_moment__is_not_believed(
    tmp_path: Path, times: int
) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path) as lane:
        lane.transfer(PAYEE, 1, key=b"1")
        nodes.before = counting(FAR, times)
        for value in (2, 3):
            assert lane.transfer(PAYEE, value, key=bytes([value])).is_success
    assert chain.paid(PAYEE) == [1, 2, 3]
    assert chain.used(len(chain.blocks) - 1) == 3


def test_n4_a_high_count__of_both_blocks__in_the_lane_as_it_was__stalls_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "JUMP_LOOKS", 1)
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        persist(lambda: lane.transfer(PAYEE, 1, key=b"1"))
        monkeypatch.setattr(Drafter, "_next_nonce", as_it_was)
        nodes.before = counting(FAR, 2)
        for value in (2, 3):
            with pytest.raises(NotYetMined):
                lane.transfer(PAYEE, value, key=bytes([value]))
    assert chain.paid(PAYEE) == [1]


def test_n4_a_key__that_was_used_elsewhere_for_long__is_taken_up(tmp_path: Path) -> None:
    chain, nodes = one_node()
    chain.pool = {nonce: other_payment(nonce, OTHER) for nonce in range(FAR)}
    for _ in range(4):
        chain.mine()
    with lane_over(nodes, tmp_path) as lane:
        assert lane.transfer(PAYEE, 1, key=b"1").is_success
    assert chain.used(len(chain.blocks) - 1) == FAR + 1


@pytest.mark.parametrize(
    ("known", "jump", "looks"),
    [
        (0, MOST_HOLES - 1, 1),
        (0, MOST_HOLES, JUMP_LOOKS),
        (1, 1, JUMP_LOOKS),
        (1, MOST_HOLES - 1, JUMP_LOOKS),
    ],
)
def test_n4_a_jump__that_costs_fees_or_cannot_be_filled__takes_looks_that_lie_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int, jump: int, looks: int
) -> None:
    monkeypatch.setattr(drafting, "JUMP_APART_S", 0.0)
    _, nodes = one_node()
    with lane_over(nodes, tmp_path) as lane:
        nodes.before = counting(known + jump, 1000)
        for _ in range(looks - 1):
            with pytest.raises(NodeBehind):
                lane._drafter._next_nonce(known + jump, known, set())
        assert lane._drafter._next_nonce(known + jump, known, set()) == known + jump


def believe_at_once(*_: object) -> None:
    """Planted: whatever can be filled is believed at the first look."""


def pay_five_times(lane: TransactionLane, nodes: Nodes, chain: Chain, lies: int) -> None:
    """Before each payment a node counts 63 too many, so many times in a row."""
    for value in range(1, 6):
        real = chain.used(len(chain.blocks) - 1)
        nodes.before = counting(real + MOST_HOLES - 1, lies) if real else nodes.before
        assert lane.transfer(PAYEE, value, key=bytes([value])).is_success


def test_n4_a_count_a_little_too_high__for_a_moment_at_each_payment__costs_nothing(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path) as lane:
        pay_five_times(lane, nodes, chain, lies=4)
    assert chain.used(len(chain.blocks) - 1) == 5


def test_n4_a_count_a_little_too_high__by_the_planted_rule__costs_63_fees_a_payment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drafter, "_check_nonce", believe_at_once)
    monkeypatch.setattr(FillerBudget, "left", MOST_HOLES)
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path) as lane:
        pay_five_times(lane, nodes, chain, lies=4)
    assert len(chain.paid(KEY.address)) == 4 * (MOST_HOLES - 1)


def test_n4_a_count_too_high__again_and_again__costs_no_more_than_the_hour_has(
    tmp_path: Path,
) -> None:
    """And all is paid: later transactions take what nobody pays to fill."""
    chain, nodes = one_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        persist(lambda: lane.transfer(PAYEE, 1, key=b"1"))
        for value in (2, 3):
            used = chain.used(len(chain.blocks) - 1)
            nodes.before = counting(used + MOST_HOLES - 1, 2 * JUMP_LOOKS)
            with suppress(NotYetMined):
                persist_a_little(lane, value)
        nodes.before = lambda *_: None
        for value in range(4, 4 + MOST_HOLES):
            persist(lambda value=value: lane.transfer(OTHER, value, key=b"other %d" % value))
        persist(lambda: lane.transfer(PAYEE, 3, key=b"\3"))
    assert MOST_HOLES - 1 <= len(chain.paid(KEY.address)) <= MOST_HOLES
    assert (chain.paid(PAYEE), len(chain.paid(OTHER))) == ([1, 2, 3], MOST_HOLES)


def persist_a_little(lane: TransactionLane, value: int) -> None:
    for _ in range(20):
        with suppress(NodeBehind):
            lane.transfer(PAYEE, value, key=bytes([value]))
            return


def test_fillers__are_so_many_in_any_hour() -> None:
    now = [0.0]
    budget = FillerBudget(clock=lambda: now[0])
    for _ in range(MOST_HOLES - 1):
        assert budget.left and not budget.is_wide(1)
        budget.note()
    assert budget.left == 1 and budget.is_wide(1) and not budget.is_wide(0)
    budget.note()
    assert budget.left == 0 and budget.is_wide(1) and not budget.is_wide(0)
    now[0] = HOUR_S
    assert budget.left == MOST_HOLES


def test_looks__that_do_not_lie_apart_or_differ__do_not_count() -> None:
    now = [0.0]
    looks = SpacedLooks(3, 2.0, clock=lambda: now[0])
    assert not any(looks.agree("a") for _ in range(9))
    for at, claim, believed in [
        (2.0, "a", False),
        (3.9, "a", False),
        (4.0, "a", True),
        (4.0, "b", False),
        (6.0, "a", False),
        (8.0, "a", False),
        (10.0, "a", True),
    ]:
        now[0] = at
        assert looks.agree(claim) is believed
    looks.disagree()
    assert not looks.agree("a")


# --- when it was signed all the same -------------------------------------------------------------


def test_n4_a_hole_nobody_pays_for__is_filled_by_work_and_what_waits_above_is_paid_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, nodes = one_node()
    sign_far_above(nodes, tmp_path, monkeypatch, 1 + MOST_HOLES + 2)
    with lane_over(nodes, tmp_path) as lane:
        for value in (3, 4, 5):
            assert lane.transfer(OTHER, value, key=bytes([value])).is_success
        assert lane.transfer(PAYEE, 2, key=b"2").is_success
        assert lane.transfer(OTHER, 6, key=b"6").is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([1, 2], [3, 4, 5, 6])
    assert len(chain.paid(KEY.address)) == MOST_HOLES - 1


def test_n4_a_hole_nobody_pays_for__in_the_lane_as_it_was__stalls_all_that_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, nodes = one_node()
    sign_far_above(nodes, tmp_path, monkeypatch, 1 + MOST_HOLES + 2)
    monkeypatch.setattr(Drafter, "_next_nonce", as_it_was)
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        for value in (3, 4):
            with pytest.raises(NotYetMined):
                lane.transfer(OTHER, value, key=bytes([value]))
    assert chain.paid(OTHER) == []


def test_n4_what_waits_far_above__is_never_signed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, nodes = one_node()
    sign_far_above(nodes, tmp_path, monkeypatch, FAR)
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        for _ in range(2):
            with pytest.raises(NotYetMined):
                lane.transfer(PAYEE, 2, key=b"2")
        lane._limits = PATIENT
        assert lane.transfer(OTHER, 3, key=b"3").is_success
        assert list(lane._pending.entries) == [FAR]
        assert len(lane._pending.entries[FAR].raws) == 1
    assert chain.paid(PAYEE) == [1]


def test_n4_a_low_count__of_a_node_that_lags_now_and_then__is_not_signed_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program really used the nonces: of two nodes one knows it."""
    chain = Chain()
    nodes = Nodes(View(chain))
    sign_far_above_later(nodes, tmp_path, chain)
    behind = View(chain, lag=len(chain.blocks) - 2, old_states=10**6)
    ahead = View(chain, old_states=10**6)
    monkeypatch.setattr(drafting, "HOLE_APART_S", 0.0)
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        for number in range(40):
            lags = number % 3 == 0
            nodes.views = (behind,) if lags else (ahead,)
            used = lane._chain.nonces_used(KEY.address)
            if lags:
                assert used == 0
                with pytest.raises(NodeBehind):
                    lane._drafter._next_nonce(used, 0, {FAR})
            else:
                assert lane._drafter._next_nonce(used, 0, {FAR}) == FAR + 1


def sign_far_above_later(nodes: Nodes, folder: Path, chain: Chain) -> None:
    """A payment that waits behind others of another program, which are final."""
    for _ in range(5):
        chain.mine()
    chain.pool = {nonce: other_payment(nonce, OTHER) for nonce in range(FAR)}
    for _ in range(4):
        chain.mine()
    with lane_over(nodes, folder, limits=SOON) as lane:
        lane._pending.floor = FAR  # it knows of them
        with pytest.raises(NotYetMined):
            lane.transfer(PAYEE, 2, key=b"2")
        assert list(lane._pending.entries) == [FAR]


class OneHoleLane(TransactionLane):
    """Planted: what nobody waits for is helped on hole by hole, however many there are."""

    def _help_up_to(self, last: int, used: int, followed: Any = None, **_: int) -> None:
        super()._help_up_to(last, used, followed)


@pytest.mark.parametrize(("kind", "hours"), [(TransactionLane, 0), (OneHoleLane, 3)])
def test_n4_a_hole_nobody_pays_for__is_not_filled_hour_after_hour_when_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[TransactionLane], hours: int
) -> None:
    chain, nodes = one_node()
    sign_far_above(nodes, tmp_path, monkeypatch, FAR)
    now = [0.0]
    with lane_over(nodes, tmp_path, kind=kind, limits=SOON) as lane:
        lane._drafter.fillers = FillerBudget(clock=lambda: now[0])
        for _ in range(3):
            for _ in range(2 * MOST_HOLES):
                lane.keep_on()
            now[0] += HOUR_S + 1
        assert list(lane._pending.entries)[-1] == FAR
    assert len(chain.paid(KEY.address)) == hours * (MOST_HOLES - 1)


@pytest.mark.parametrize("used", [FAR + 1, FAR + 5, FAR - 10])
def test_n4_one_high_count__above_a_wide_hole__strands_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: int
) -> None:
    chain, nodes = one_node()
    sign_far_above(nodes, tmp_path, monkeypatch, FAR)
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        drafter, floor = lane._drafter, lane._pending.floor
        with pytest.raises(NodeBehind):
            drafter._next_nonce(used, floor, {FAR})
        if used <= FAR + 1:  # planted, as it was: one count was enough
            monkeypatch.setattr(Drafter, "_check_filled", lambda *_: None)
            assert drafter._next_nonce(used, floor, {FAR}) == FAR + 1
    assert chain.paid(PAYEE) == [1]


# --- a long queue --------------------------------------------------------------------------------


class DistanceLane(TransactionLane):
    """Planted: how far the last is from the first counted, whatever lies between."""

    def _help_up_to(self, last: int, used: int, followed: Entry | None = None, **_: int) -> None:
        if last - used < MOST_HOLES:
            super()._help_up_to(last, used, followed)


@pytest.mark.parametrize(("kind", "is_paid"), [(TransactionLane, True), (DistanceLane, False)])
def test_n4_one_hole_below_a_long_queue__is_filled(
    tmp_path: Path, kind: type[TransactionLane], *, is_paid: bool
) -> None:
    chain, nodes = one_node()
    nodes.block_every = 0
    many = MOST_HOLES + 10
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        with pytest.raises(NotYetMined):
            lane.transfer_many([(PAYEE, value) for value in range(1, many + 1)])
        first = lane._pending.entries[0]
        lane._pending.refuse(first)
        chain.pool.pop(0)
    nodes.block_every = 5
    with lane_over(nodes, tmp_path, kind=kind, limits=PATIENT if is_paid else SOON) as lane:
        lane._pending._set_aside(0)  # the cancelling one is lost, too
        chain.pool.pop(0, None)
        with nullcontext() if is_paid else pytest.raises(NotYetMined):
            lane.transfer(OTHER, 7, key=b"7")
    assert chain.paid(OTHER) == [7] * is_paid
