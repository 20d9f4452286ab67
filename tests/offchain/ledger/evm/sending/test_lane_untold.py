"""A call without a key that was decided while nobody waited: asked for again, it is not sent twice.

Each row is tried on a planted copy, too, that loses what it hands out: there it pays twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import Nodes
from tests.offchain.ledger.evm.sending.scripted_lane import (
    OTHER,
    PAYEE,
    SOON,
    lane_over,
    one_node,
    persist,
)

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.faults import NoFunds, NotYetMined
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import Entry, PendingFile

THIRD = parse_address("0x" + "99" * 20)
Trouble = Callable[[TransactionLane, Nodes], None]


@pytest.fixture(autouse=True)
def resend_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.0)


def take_out(self: PendingFile, intent: bytes, *, but_for: Collection[object] = ()) -> Entry | None:
    """Planted: asking takes it out, whatever becomes of the question."""
    kept = self._untold.pop(intent, [])
    left = [entry for entry in kept if not entry.is_answered]
    if len(left) > 1:
        self._untold[intent] = left[1:]
    return left[0] if left else None


def while_receipts_are_hidden(lane: TransactionLane, nodes: Nodes) -> None:
    nodes.views[0].hides_receipts = True
    with pytest.raises(LedgerUnavailable):
        lane.transfer(PAYEE, 5)
    nodes.views[0].hides_receipts = False


def before_another_that_is_refused(lane: TransactionLane, nodes: Nodes) -> None:
    nodes.before = lambda method, _: hex(10**6) if method == "eth_getBalance" else None
    with pytest.raises((NoFunds, LedgerUnavailable)):
        persist(lambda: lane.transfer_many([(PAYEE, 5), (THIRD, 9)]))
    nodes.before = lambda *_: None


TROUBLES = [while_receipts_are_hidden, before_another_that_is_refused]


def pay_and_ask_twice(folder: Path, trouble: Trouble) -> list[int]:
    chain, nodes = one_node()
    nodes.block_every = 0
    with lane_over(nodes, folder, limits=SOON) as lane:
        with pytest.raises(NotYetMined):
            lane.transfer(PAYEE, 5)
        for _ in range(50):
            chain.mine()
        nodes.block_every = 5
        persist(lambda: lane.transfer(OTHER, 7))  # what is final is crossed out
        assert lane._pending.nonces() == []
        trouble(lane, nodes)
        persist(lambda: lane.transfer(PAYEE, 5))
        paid: list[int] = chain.paid(PAYEE)
        persist(lambda: lane.transfer(PAYEE, 5))  # it was told: this is one more
        assert chain.paid(PAYEE) == [*paid, 5]
    return paid


@pytest.mark.parametrize("trouble", TROUBLES)
def test_without_a_key__asked_again_in_vain__is_not_sent_twice(
    tmp_path: Path, trouble: Trouble
) -> None:
    assert pay_and_ask_twice(tmp_path, trouble) == [5]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_without_a_key__where_asking_takes_it_out__is_sent_twice(
    tmp_path: Path, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PendingFile, "find_untold", take_out)
    assert pay_and_ask_twice(tmp_path, trouble) == [5, 5]
