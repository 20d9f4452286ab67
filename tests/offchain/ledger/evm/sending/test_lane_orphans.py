"""What nobody follows any more, or no node takes, must not block the account's other transactions.

Each row is tried on a planted copy of the lane as it was, too: there the account stays blocked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import KEY, Nodes, Says
from tests.offchain.ledger.evm.sending.scripted_lane import (
    OTHER,
    PATIENT,
    PAYEE,
    SOON,
    lane_over,
    leave_two_waiting,
    one_node,
    pay_again_and_again,
    persist,
)

from edgemark.ledger.evm.faults import NodeRefused, NonceTaken, NotYetMined, TransactionRefused
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.intent import LaneLimits
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import Entry
from edgemark.ledger.evm.sending.transaction import parse_raw

GWEI = 10**9
RAISING = LaneLimits(wait_s=0.2, bump_after_s=0.0, poll_s=0.0)
NEVER = "exceeds block gas limit"


@pytest.fixture(autouse=True)
def resend_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


class LaneForItself(TransactionLane):
    """Planted: the lane as it was helps none but the followed transaction."""

    def _make_dearer(self, used: int) -> list[int]:  # noqa: ARG002
        return []

    def _help(self, nonce: int, followed: Entry | None, *, is_dearer: bool = False) -> None:
        if followed is not None and nonce == followed.nonce:
            super()._help(nonce, followed, is_dearer=is_dearer)
        elif nonce in self._pending.entries:
            self._send_again(self._pending.entries[nonce])

    def _fill(self, nonce: int) -> None:
        pass

    def _set_aside_if_final(self, entry: Entry, refusal: NodeRefused) -> bool:
        if max(self._pending.entries) > entry.nonce or entry.sent_at == 0.0:
            return False
        return super()._set_aside_if_final(entry, refusal)

    def _recover(self) -> None:
        for entry in self._pending.entries.values():
            self._look_after(entry)


def refusing(*values: int) -> Callable[[str, Any], None]:
    """A node that takes no payment of these amounts."""

    def refuse(method: str, params: Any) -> None:
        if method == "eth_sendRawTransaction":
            sent = parse_raw(bytes.fromhex(params[0][2:]))
            if sent.value in values:
                raise Says(NEVER)

    return refuse


def leave_an_orphan(nodes: Nodes, folder: Path) -> None:
    """A payment of 5 whose caller was told that it takes long, and went away."""
    blocks, nodes.block_every = nodes.block_every, 0
    with lane_over(nodes, folder, limits=SOON) as lane, pytest.raises(NotYetMined):
        lane.transfer(PAYEE, 5, key=b"once")
    nodes.block_every = blocks


def die_before_sending(nodes: Nodes, folder: Path, value: int = 5) -> None:
    """A payment that is on the disk and was never sent."""

    class Dying(TransactionLane):
        def _send_first(self, _: Entry) -> None:
            raise KeyboardInterrupt

    with lane_over(nodes, folder, kind=Dying) as lane, pytest.raises(KeyboardInterrupt):
        lane.transfer(PAYEE, value, key=b"once")


# --- fees ----------------------------------------------------------------------------------------


def test_an_orphan_below__the_base_fee_rose__its_fees_are_raised_and_both_are_mined(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node()
    leave_an_orphan(nodes, tmp_path)
    chain.base_fee = 40 * GWEI
    with lane_over(nodes, tmp_path, limits=RAISING) as lane:
        assert persist(lambda: lane.transfer(OTHER, 6, key=b"other")).is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5], [6])


def test_an_orphan_below__in_the_lane_as_it_was__blocks_the_account(tmp_path: Path) -> None:
    chain, nodes = one_node()
    leave_an_orphan(nodes, tmp_path)
    chain.base_fee = 40 * GWEI
    for _ in range(2):
        opened = lane_over(nodes, tmp_path, limits=RAISING, kind=LaneForItself)
        with opened as lane, pytest.raises(NotYetMined):
            lane.transfer(OTHER, 6, key=b"other")
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([], [])


def test_an_orphan_below__dearer_than_the_cap__is_raised_up_to_it_and_no_further(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node()
    leave_an_orphan(nodes, tmp_path)
    chain.base_fee = 99 * GWEI
    with lane_over(nodes, tmp_path, limits=RAISING) as lane:
        lane.transfer(OTHER, 6, key=b"other")
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5], [6])
    sent = [parse_raw(raw) for block in chain.blocks for raw in block.raws]
    assert all(each.max_fee <= 100 * GWEI for each in sent)


# --- what no node takes --------------------------------------------------------------------------


def test_killed_before_it_was_set_aside__the_next_life_sets_it_aside(tmp_path: Path) -> None:
    chain, nodes = one_node()
    nodes.before = refusing(5)
    die_before_sending(nodes, tmp_path)
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        assert lane._pending.entries == {}
        assert persist(lambda: lane.transfer(OTHER, 6, key=b"other")).is_success
        nodes.before = lambda *_: None
        assert persist(lambda: lane.transfer(PAYEE, 5, key=b"once")).is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5], [6])


def test_killed_before_it_was_set_aside__in_the_lane_as_it_was__blocks_the_account(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node()
    nodes.before = refusing(5)
    die_before_sending(nodes, tmp_path)
    opened = lane_over(nodes, tmp_path, limits=SOON, kind=LaneForItself)
    with opened as lane, pytest.raises(NotYetMined):
        lane.transfer(OTHER, 6, key=b"other")
    assert chain.paid(OTHER) == []


def test_killed_without_funds__the_next_life_sets_it_aside(tmp_path: Path) -> None:
    _, nodes = one_node()
    die_before_sending(nodes, tmp_path)

    def refuse(method: str, _: object) -> None:
        if method == "eth_sendRawTransaction":
            raise Says("insufficient funds for gas * price + value")

    nodes.before = refuse
    with lane_over(nodes, tmp_path) as lane:
        assert (lane._pending.entries, len(lane._pending.holders(0))) == ({}, 1)


@pytest.mark.parametrize("is_reopened", [False, True])
def test_refused_for_good_below_others__nothing_takes_its_nonce_and_proves_it(
    tmp_path: Path, is_reopened: bool
) -> None:
    chain, nodes = one_node()
    leave_an_orphan(nodes, tmp_path)
    chain.pool.clear()  # its node forgot it, and takes it no more
    limits = RAISING if is_reopened else SOON
    if is_reopened:
        nodes.block_every = 0
        with lane_over(nodes, tmp_path, limits=SOON) as lane, pytest.raises(NotYetMined):
            lane.transfer(OTHER, 6, key=b"other")
        chain.pool.clear()
        nodes.block_every = 5
    nodes.before = refusing(5)
    with lane_over(nodes, tmp_path, limits=limits) as lane:
        assert persist(lambda: lane.transfer(OTHER, 6, key=b"other")).is_success
        for _ in range(5):
            chain.mine()
        with pytest.raises(TransactionRefused):  # decided, so it is tried anew: refused again
            persist(lambda: lane.transfer(PAYEE, 5, key=b"once"))
        nodes.before = lambda *_: None
        assert persist(lambda: lane.transfer(PAYEE, 5, key=b"once")).is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER)) == ([5], [6])
    assert chain.paid(KEY.address) == ([0] if is_reopened else [])


def test_refused_for_good_below_others__while_it_is_followed__is_told_as_not_happened(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node()
    nodes.block_every = 0
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        leave_two_waiting(lane)
        chain.pool.clear()
        nodes.before, nodes.block_every, lane._limits = refusing(5), 5, PATIENT
        with pytest.raises(NonceTaken):
            persist(lambda: lane.transfer(PAYEE, 5, key=b"once"))
        assert persist(lambda: lane.transfer(OTHER, 6, key=b"other")).is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER), chain.paid(KEY.address)) == ([], [6], [0])


def test_refused_for_good_but_mined_all_the_same__is_paid_once(tmp_path: Path) -> None:
    """The cancelling transaction lost: what it should have cancelled counts."""
    chain, nodes = one_node()
    nodes.block_every = 0
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        leave_two_waiting(lane)
        first = dict(chain.pool)
        chain.pool.clear()
        nodes.before = refusing(5)
        with pytest.raises(NotYetMined):
            lane.transfer(OTHER, 6, key=b"other")
        assert parse_raw(chain.pool[0]).to == KEY.address
        chain.pool.update(first)  # another node had kept it, and mines it
        chain.mine()
        nodes.block_every = 5
        assert pay_again_and_again(lane)[-1] == "paid"
        assert persist(lambda: lane.transfer(OTHER, 6, key=b"other")).is_success
        assert lane._pending.nonces() == []
    assert (chain.paid(PAYEE), chain.paid(OTHER), chain.paid(KEY.address)) == ([5], [6], [])


def test_killed_between_setting_aside_and_cancelling__the_next_life_cancels(
    tmp_path: Path,
) -> None:
    chain, nodes = one_node()
    nodes.block_every = 0
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        leave_two_waiting(lane)
        chain.pool.pop(0)
        lane._pending.refuse(lane._pending.entries[0])
    nodes.block_every = 5
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        assert sorted(lane._pending.entries) == [0, 1]
        assert persist(lambda: lane.transfer(OTHER, 6, key=b"other")).is_success
    assert (chain.paid(PAYEE), chain.paid(OTHER), chain.paid(KEY.address)) == ([], [6], [0])
