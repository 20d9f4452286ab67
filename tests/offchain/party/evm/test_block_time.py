"""The time of a block is measured now and then; a lie of one moment lasts no longer than that."""

from __future__ import annotations

import pytest

from edgemark.errors import LedgerUnavailable
from edgemark.party.evm.block_time import AGAIN_S, UNKNOWN_AGAIN_S, BlockTime


class Meter:
    """Says what a test puts in, and counts how often it is asked."""

    def __init__(self) -> None:
        self.now, self.says, self.asked = 0.0, 12, 0
        self.time = BlockTime(self.measure, lambda: self.now)

    def measure(self) -> int:
        self.asked += 1
        if self.says is None:
            raise LedgerUnavailable("no answer")
        return self.says

    def look_at(self, now: float) -> int:
        self.now = now
        self.time.look()
        return self.time.seconds


def test_it_is_measured_once_in_a_while() -> None:
    meter = Meter()
    assert [meter.look_at(at) for at in (0, 1, AGAIN_S - 1)] == [12, 12, 12]
    assert meter.asked == 1
    meter.says = 2
    assert meter.look_at(AGAIN_S) == 2


@pytest.mark.parametrize("lie", [-88, 0])
def test_what_cannot_be__is_no_measurement_and_is_done_again_sooner(lie: int) -> None:
    meter = Meter()
    meter.says = lie
    assert meter.look_at(0) == 0
    meter.says = 12
    assert [meter.look_at(at) for at in (UNKNOWN_AGAIN_S - 1, UNKNOWN_AGAIN_S)] == [0, 12]


def test_without_an_answer__what_was_measured_stands_and_nobody_asks_each_time() -> None:
    meter = Meter()
    meter.look_at(0)
    meter.says = None  # type: ignore[assignment]
    with pytest.raises(LedgerUnavailable):
        meter.look_at(AGAIN_S)
    assert meter.look_at(AGAIN_S + 1) == 12
    assert meter.asked == 2
