"""The demonstration's root against the ticks of clocks: proposed anew, for a bounded time.

Why its client is a stand-in: it meets a tick as often as a test says, and no ledger can be told to.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Hash32, Timestamp
from edgemark.ledger.fabric.client.refusals import invalid
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.faults import TransactionInvalid
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark.storage.cid import cid_of
from edgemark.systems.trading.contract.consortium.kept import AnchoredRoot
from edgemark.systems.trading.contract.consortium.requests import tell
from edgemark.systems.trading.controller.recording.lists import Anchored
from edgemark.systems.trading.demo.consortium import scene
from edgemark.systems.trading.demo.consortium.scene import ANCHOR_WAIT_S, anchor_between_ticks
from edgemark.systems.trading.demo.consortium.trade import SignedTrade
from edgemark.systems.trading.station.ledgers.consortium import ConsortiumEvidence

TRADE, TICK_S = SignedTrade.begin(1_800_000_000), 2.0
HEAD = Anchored(TRADE.controller.address, Hash32(b"r" * 32), 5, (cid_of(b"page"),))


class Ticking:
    """A client between whose endorsements and blocks a clock ticks so many times.

    What a name was told stands in its journal: only who may retry has a new proposal made of it.
    """

    def __init__(self, ticks: int, code: Code = Code.MVCC_READ_CONFLICT) -> None:
        self.ticks, self.code = ticks, code
        self.proposals = 0
        self.told: dict[str, TransactionInvalid] = {}

    def submit(self, *said: str, name: str, retries: int, wait_s: float | None) -> Outcome:
        assert wait_s is None
        if name in self.told and not retries:
            raise self.told[name]
        self.proposals += 1
        if self.proposals <= self.ticks:
            self.told[name] = invalid(f"{self.proposals:064x}", self.code, self.proposals)
            raise self.told[name]
        kept = AnchoredRoot(
            HEAD.root, 5, said[-1], HEAD.controller, "Org1MSP", Timestamp(7), Timestamp(8)
        )
        return Outcome("0" * 64, Code.VALID, 1, tell(AnchoredRoot, kept), name)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What it waits, by a clock that nobody waits for."""
    found: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(found), sleep=found.append)
    monkeypatch.setattr(scene, "time", clock)
    return found


def registry(client: Any) -> ConsortiumEvidence:
    return ConsortiumEvidence(ChaincodeDoor(client, "trading", Path("cursors")))


@pytest.mark.parametrize("ticks", [0, 1, 9])
def test_root_that_meets_ticks__is_proposed_anew_each_time(pauses: list[float], ticks: int) -> None:
    client = Ticking(ticks)
    assert anchor_between_ticks(registry(client), HEAD, TICK_S) == 7
    assert (client.proposals, len(pauses)) == (ticks + 1, ticks)
    assert all(0 <= each < TICK_S for each in pauses)
    assert ticks < 9 or len(set(pauses)) > 1, "in step with a clock it would meet it each time"


def test_root_that_meets_every_tick__is_told_in_time_and_as_what_passes(
    pauses: list[float],
) -> None:
    client = Ticking(10**6)
    with pytest.raises(LedgerUnavailable) as told:
        anchor_between_ticks(registry(client), HEAD, TICK_S)
    assert ANCHOR_WAIT_S - TICK_S <= sum(pauses) < ANCHOR_WAIT_S
    assert client.proposals == len(pauses) + 1
    assert exit_of(told.value) is Exit.LEDGER_UNAVAILABLE
    assert f"{client.proposals} times" in str(told.value)
    assert "MVCC_READ_CONFLICT" in str(told.value)


def test_root_that_does_not_count_for_another_reason__is_asked_once(pauses: list[float]) -> None:
    client = Ticking(10**6, Code.ENDORSEMENT_POLICY_FAILURE)
    with pytest.raises(TransactionInvalid):
        anchor_between_ticks(registry(client), HEAD, TICK_S)
    assert (client.proposals, pauses) == (1, [])
