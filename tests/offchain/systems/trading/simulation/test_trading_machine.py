"""Seller, buyer and controller through whatever happens: nothing lost, billed or paid twice.

T8, T18, T20, T21, T23-T25, T27, T28 and A53, A54; the money below is the plain model of the escrow.
"""

from __future__ import annotations

from dataclasses import is_dataclass

import pytest
from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.offchain.systems.trading.simulation.trading_machine import TradeMachine

from edgemark.systems.trading.protocol import effects as do

HOW = settings(max_examples=max(40, settings().max_examples), stateful_step_count=35)
ROUNDS = 6  # of so many plays each; which ones are drawn depends on the modules that are loaded
EFFECTS = {name for name, value in vars(do).items() if is_dataclass(value)}


@pytest.mark.lasts(10)
def test_t8_whatever_happens__nobody_loses_a_voucher_or_pays_twice_and_all_end() -> None:
    seen: set[str] = set()
    machine = type("SeenTrades", (TradeMachine,), {"seen": seen})
    for number in range(ROUNDS):
        run_state_machine_as_test(seed(number)(machine), settings=HOW)
        if len(seen & EFFECTS) > len(EFFECTS) - 6:
            break
    assert "cheated" in seen
    assert len({"CLAIMED", "SETTLED", "TOGETHER", "UNCLOSED"} & seen) > 2, seen
    assert len(seen & EFFECTS) > len(EFFECTS) - 6, EFFECTS - seen
