"""A turn of a controller's recorders: what ends it, what it costs, what it takes for a refusal.

Why its chain is a stand-in: it takes so many seconds of a clock that nobody waits for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from tests.offchain.systems.trading.controller.recording.evidence_cast import pieces

from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.loop.machine import TryAgain
from edgemark.systems.trading.contract.evidence.pieces import SettlementPiece
from edgemark.systems.trading.controller.controller import Controller
from edgemark.systems.trading.controller.recording.recorder import (
    AT_ONCE,
    BROKEN,
    BROKEN_TIMES,
    REFUSED_S,
    TURN_S,
    Recorder,
)
from edgemark.systems.trading.controller.recording.waiting import Form
from edgemark.systems.trading.station.ledgers import carrying
from edgemark.systems.trading.station.ledgers.records import RegistryRefused

Answer = Callable[[Sequence[SettlementPiece]], None]


class SlowChain:
    """Every call takes its seconds; what is asked, and what it answers, a test says."""

    def __init__(self, folder: Path, form: Form, takes_s: float) -> None:
        self.now, self.takes_s = 0.0, takes_s
        self.evidence: Any = self
        self.content = self.address = self.domain = self.controllers_domain = None
        self.asked: list[bytes] = []
        self.told: list[bytes] = []
        self.answer: Answer = lambda _: None
        self.recorder = Recorder(
            self,  # type: ignore[arg-type] # of its facts only anchoring needs those that are None
            folder,
            form,
            5.0,
            lambda found: self.told.extend(each.channel for each in found),
            lambda: self.now,
        )

    def record_settlements(self, brought: Sequence[SettlementPiece]) -> Sequence[SettlementPiece]:
        return brought

    def push(self, call: Sequence[SettlementPiece]) -> None:
        self.asked.append(call[0].claim.channel)
        self.now += self.takes_s
        self.answer(call)

    def offer(self, count: int) -> None:
        for each in pieces(count):
            self.recorder.offer(each)
        self.now += 6.0


def refuse(error: Exception) -> Answer:
    def answer(_: Sequence[SettlementPiece]) -> None:
        raise error

    return answer


def refusal(name: str) -> RegistryRefused:
    error = RegistryRefused("says no")
    error.error_name = name
    return error


@pytest.mark.parametrize("first", [None, LedgerUnavailable("is away"), RuntimeError("?")])
def test_first_credentials__are_recorded_though_the_other_recorder_fails(
    first: Exception | None,
) -> None:
    # A controller needs chain, broker and bond: only the turn is looked at here.
    parts = SimpleNamespace(
        _recorder=Mock(), _firsts=Mock(), _adapt=Mock(), _adapted=time.monotonic()
    )
    parts._recorder.turn.side_effect = first
    if first is None:
        Controller._record(parts)
    else:
        with pytest.raises(type(first)):
            Controller._record(parts)
    parts._firsts.turn.assert_called_once()


def test_turn__asks_for_so_long_and_the_next_one_goes_on(tmp_path: Path) -> None:
    chain = SlowChain(tmp_path / "evidence", Form.SINGLE, takes_s=3.0)
    chain.offer(20)
    began = chain.now
    chain.recorder.turn()
    assert TURN_S <= chain.now - began < TURN_S + chain.takes_s
    assert len(chain.told) == 7
    for _ in range(2):
        chain.recorder.turn()
    assert (len(set(chain.told)), len(chain.told)) == (20, 20)


def test_slow_ledger__is_asked_about_all_in_turn(tmp_path: Path) -> None:
    """What takes long at the head of the row keeps nobody behind it waiting for ever."""
    chain = SlowChain(tmp_path / "evidence", Form.SINGLE, takes_s=0.0)
    chain.answer = refuse(TryAgain("under way"))
    chain.offer(AT_ONCE)
    chain.recorder.turn()
    assert len(chain.asked) == AT_ONCE
    chain.asked.clear()
    chain.answer, chain.takes_s = refuse(LedgerUnavailable("is silent")), TURN_S * 0.6
    for _ in range(AT_ONCE // 2):
        began = chain.now
        with pytest.raises(LedgerUnavailable):
            chain.recorder.turn()
        assert chain.now - began == 2 * chain.takes_s
    assert (len(set(chain.asked)), len(chain.asked)) == (AT_ONCE, AT_ONCE)


def test_end__leaves_the_turn_with_the_call_in_hand_and_all_files(tmp_path: Path) -> None:
    chain = SlowChain(tmp_path / "evidence", Form.SINGLE, takes_s=0.1)

    def close(_: Sequence[SettlementPiece]) -> None:
        chain.recorder.end()
        raise RefusedInput("is closed", who="client")

    chain.answer = close
    chain.offer(5)
    chain.recorder.turn()
    chain.recorder.turn()
    assert (len(chain.asked), chain.recorder.read().waiting) == (1, 4)
    assert len(list((tmp_path / "evidence").iterdir())) == 1


def test_list__is_taken_apart_at_once_only_where_the_registry_refuses_it(tmp_path: Path) -> None:
    assert BROKEN == carrying.BROKEN
    chain = SlowChain(tmp_path / "evidence", Form.BATCH, takes_s=0.0)
    chain.offer(3)
    for error in (LedgerUnavailable("is away"), refusal("NoParameters"), refusal(BROKEN)):
        chain.answer, chain.now = refuse(error), chain.now + REFUSED_S
        if isinstance(error, LedgerUnavailable):
            with pytest.raises(LedgerUnavailable):
                chain.recorder.turn()
        else:
            chain.recorder.turn()
        assert (chain.recorder.read().under_way, len(set(chain.asked))) == (1, 1), error
    chain.answer, chain.now = refuse(refusal("NotByController")), chain.now + REFUSED_S
    chain.recorder.turn()
    assert (chain.recorder.read().under_way, chain.recorder.read().waiting) == (0, 3)
    assert len(set(chain.asked)) == 3, "each of them went alone"


def test_list_over_which_a_chaincode_fails_again_and_again__is_taken_apart(tmp_path: Path) -> None:
    chain = SlowChain(tmp_path / "evidence", Form.BATCH, takes_s=0.0)

    def fail(call: Sequence[SettlementPiece]) -> None:
        if any(each.claim.channel == spoilt for each in call):
            raise refusal(BROKEN)

    spoilt, chain.answer = pieces(3)[1].channel, fail
    chain.offer(3)
    for failures in range(1, BROKEN_TIMES):
        chain.recorder.turn()
        assert (len(chain.asked), chain.recorder.read().under_way) == (failures, 1)
        chain.now += REFUSED_S
    for _ in range(2):
        chain.recorder.turn()
    assert set(chain.told) == {each.channel for each in pieces(3)} - {spoilt}
