"""Nobody who sends waits for the answers to what another thread asks of the chain.

The planted rules are those that were: a lock that one thread holds twice is not released between
its looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import KEY, Chain, Nodes, other_payment
from tests.offchain.ledger.evm.sending.scripted_lane import (
    SERVICE,
    SOON,
    lane_over,
    mine,
    quiet_node,
    refusing_once,
    serve,
    served,
)

from edgemark.ledger.evm.faults import NonceTaken, NotYetMined, TransactionRefused
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.intent import Call, LaneLimits, intent_of
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import Entry

MANY = 31
TO_SIGN = ["eth_getBalance", "eth_getTransactionCount", "eth_sendRawTransaction"]
RAISING = LaneLimits(wait_s=0.05, bump_after_s=0.0, poll_s=0.0)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


class HoldingLane(TransactionLane):
    """Planted: whoever begins to send has the lock for all that it asks."""

    def _start_all(self, *args: Any) -> None:
        with self._lock:
            super()._start_all(*args)


class HoldingNurse(TransactionLane):
    """Planted: so has whoever waits."""

    def _nurse(self, entry: Entry) -> None:
        with self._lock:
            super()._nurse(entry)


@contextmanager
def asked_with_the_lock(lane: TransactionLane, nodes: Nodes) -> Iterator[list[str]]:
    """What is asked by a thread that has the lock: it is the one that is answered."""
    held: list[str] = []
    lock: Any = lane._lock

    def note(method: str, _: Sequence[Any]) -> None:
        if lock._is_owned():
            held.append(method)

    nodes.before = note
    yield held
    nodes.before = lambda *_: None


Stage = Callable[[TransactionLane, Chain], None]


def push_many(lane: TransactionLane, _: Chain) -> None:
    for number in range(MANY):
        lane.push(serve(number))


def make_final(lane: TransactionLane, chain: Chain) -> None:
    push_many(lane, chain)
    mine(chain)


@pytest.mark.parametrize("kind", [TransactionLane, HoldingLane])
def test_a_send_after_much_became_final__asks_with_the_lock_what_signing_takes(
    tmp_path: Path, kind: type[TransactionLane]
) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=SOON, kind=kind) as lane:
        make_final(lane, chain)
        with asked_with_the_lock(lane, nodes) as held, suppress(NotYetMined):
            lane.send_many([serve(MANY)])
        if kind is TransactionLane:
            assert held == TO_SIGN
        else:
            assert len(held) > 2 * MANY


def test_several_calls__take_the_lock_one_by_one_and_stay_in_order(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        with asked_with_the_lock(lane, nodes) as held, suppress(NotYetMined):
            lane.send_many([serve(number) for number in range(4)])
        assert held == 4 * TO_SIGN
    mine(chain)
    assert served(chain) == [0, 1, 2, 3]


def test_pushes__ask_with_the_lock_what_signing_takes(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path) as lane:
        with asked_with_the_lock(lane, nodes) as held:
            push_many(lane, chain)
        assert held == MANY * TO_SIGN
        mine(chain)
        with asked_with_the_lock(lane, nodes) as held:
            lane.keep_on()
            assert lane.push(serve(0)) is not None
        assert held == []


def forget(_: TransactionLane, chain: Chain) -> None:
    chain.pool.clear()


def make_dear(_: TransactionLane, chain: Chain) -> None:
    chain.base_fee *= 6


def use_elsewhere(_: TransactionLane, chain: Chain) -> None:
    chain.pool[0] = other_payment(0, KEY.address)
    mine(chain)


@pytest.mark.parametrize("happens", [forget, make_dear, use_elsewhere, lambda *_: None])
def test_keeping_on__asks_nothing_with_the_lock(tmp_path: Path, happens: Stage) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=RAISING) as lane:
        push_many(lane, chain)
        happens(lane, chain)
        with asked_with_the_lock(lane, nodes) as held:
            for _ in range(3):
                lane.keep_on()
        assert held == []


@pytest.mark.parametrize("happens", [forget, make_dear, use_elsewhere])
@pytest.mark.parametrize("kind", [TransactionLane, HoldingNurse])
def test_waiting__asks_nothing_with_the_lock(
    tmp_path: Path, happens: Stage, kind: type[TransactionLane]
) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=RAISING, kind=kind) as lane:
        push_many(lane, chain)
        happens(lane, chain)
        with asked_with_the_lock(lane, nodes) as held, suppress(NotYetMined, NonceTaken):
            lane._follow(lane._pending.entries[0], intent_of(serve(0)), 2, 0.01)
        assert (held == []) is (kind is TransactionLane)


def test_a_named_call_that_is_done__is_told_without_the_lock(tmp_path: Path) -> None:
    chain, nodes = quiet_node()
    named = Call(serve(1).contract, "serve", (1,), key=b"once")
    with lane_over(nodes, tmp_path) as lane:
        lane.push(named)
        mine(chain)
        lane.keep_on()
        with asked_with_the_lock(lane, nodes) as held:
            assert lane.push(named) is not None
        assert held == []


def test_what_was_set_aside_and_asked_for_again__helps_its_nonce_without_the_lock(
    tmp_path: Path,
) -> None:
    chain, nodes = quiet_node()
    with lane_over(nodes, tmp_path, limits=SOON) as lane:
        lane.push(serve(0))
        nodes.before = refusing_once("exceeds block gas limit", "eth_sendRawTransaction")
        with suppress(TransactionRefused):
            lane.push(serve(1))
        lane.push(serve(2))  # has the nonce of what was refused
        with asked_with_the_lock(lane, nodes) as held, pytest.raises(NotYetMined):
            lane.push(serve(1))
        assert held == ["eth_getTransactionCount"]
    mine(chain)
    assert served(chain) == [0, 2]


# --- what changes while no lock is held ----------------------------------------------------------


class StaleLane(TransactionLane):
    """Planted: what was set aside before the lock was free counts, not what was since."""

    def _start(self, intent: Any, batch: Any, quote: Any, refused: Any) -> Any:
        begun = self._find_begun(intent, batch)
        if begun is None and refused is not None and refused.is_void:
            return self._send_new(intent, None, quote)
        return begun or super()._start(intent, batch, quote, refused)


@pytest.mark.parametrize(("kind", "times"), [(TransactionLane, 1), (StaleLane, 2)])
def test_a_named_call_that_two_threads_ask_for_again__happens_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[TransactionLane], times: int
) -> None:
    """It was set aside; while one thread settles its nonce, another has it set aside once more.

    The node refuses wrongly: another one's pool has what it refused.
    """
    never, leaked = "exceeds block gas limit", list[bytes]()
    named = Call(SERVICE, "serve", (1,), key=b"once")
    chain, nodes = quiet_node()

    def refuse_and_keep(method: str, params: Sequence[Any]) -> None:
        if method == "eth_sendRawTransaction" and not leaked:
            leaked.append(bytes.fromhex(params[0][2:]))
            refusing_once(never, method)(method, params)

    with lane_over(nodes, tmp_path, kind=kind, limits=SOON) as lane:
        lane.push(serve(9))
        nodes.before = refusing_once(never, "eth_sendRawTransaction")
        with suppress(TransactionRefused):
            lane.push(named)
        lane.push(serve(2))  # has its nonce, and becomes final
        mine(chain)
        settle = lane._settler.settle

        def settle_and_be_overtaken(nonce: int) -> None:
            settle(nonce)
            monkeypatch.setattr(lane._settler, "settle", settle)
            nodes.before = refuse_and_keep
            with suppress(TransactionRefused):
                lane.push(named)
            lane.push(serve(3))

        monkeypatch.setattr(lane._settler, "settle", settle_and_be_overtaken)
        with suppress(NotYetMined):
            lane.push(named)
        chain.pool[2] = leaked[0]
        mine(chain)
    assert served(chain).count(1) == times
