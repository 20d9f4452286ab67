"""W leaves the judges blocks to act in, on the chain that they are on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.deployment.deployment import SAMPLED_BLOCKS, measure_block_s
from edgemark.errors import RefusedInput
from edgemark.systems.outsourcing.node.handing import SEEING_PART
from edgemark.systems.outsourcing.station.contracts import (
    DEFAULT_LIMITS,
    SERVING_BLOCKS,
    check_judge_window,
)


class TimedChain:
    """A chain that is known by the times of its blocks."""

    def __init__(self, times: list[int]) -> None:
        self.times = times

    def confirmed(self) -> int:
        """The last block."""
        return len(self.times) - 1

    def block(self, number: int) -> Any:
        """Number and timestamp."""
        return SimpleNamespace(number=number, timestamp=self.times[number])


def measure(times: list[int]) -> int:
    return measure_block_s(TimedChain(times))  # type: ignore[arg-type]


@pytest.mark.parametrize("block_s", [0, 1, 2, 12])
def test_measure_block_s__of_a_steady_chain__is_its_period(block_s: int) -> None:
    assert measure([7 + block_s * number for number in range(40)]) == block_s


def test_measure_block_s__of_a_chain_that_rested__is_not_the_rest() -> None:
    assert measure([number + 9000 * (number // 5) for number in range(30)]) == 1


def test_measure_block_s__of_a_chain_too_young_to_tell__is_none() -> None:
    assert measure([3600 * number for number in range(SAMPLED_BLOCKS)]) == 0


@pytest.mark.parametrize(("confirmations", "block_s"), [(0, 12), (2, 12), (12, 2), (64, 12)])
def test_check_judge_window__of_a_few_blocks_behind_the_confirmations__is_the_least(
    confirmations: int, block_s: int
) -> None:
    needed = max(confirmations + SERVING_BLOCKS, 2 * (confirmations + 1)) * block_s
    check_judge_window(replace(DEFAULT_LIMITS, judge_window=needed), confirmations, block_s)
    with pytest.raises(RefusedInput, match="before judges can serve") as refused:
        short = replace(DEFAULT_LIMITS, judge_window=needed - 1)
        check_judge_window(short, confirmations, block_s)
    assert str(needed) in str(refused.value.needed)


@pytest.mark.parametrize("confirmations", [2, 5, 12, 64, 128])
@pytest.mark.parametrize("block_s", [1, 2, 12])
def test_f2_the_least_window__leaves_half_of_itself_once_a_served_charge_is_seen(
    confirmations: int, block_s: int
) -> None:
    """That half a node has promised, and judges decide in it; by the planted rule 4 blocks were."""

    def is_taken(window: int) -> bool:
        with suppress(RefusedInput):
            limits = replace(DEFAULT_LIMITS, judge_window=window)
            check_judge_window(limits, confirmations, block_s)
            return True
        return False

    seen_s = confirmations * block_s + 1
    planted = (confirmations + SERVING_BLOCKS) * block_s
    least = next(window for window in range(planted, 3 * planted) if is_taken(window))
    assert least - seen_s >= least / SEEING_PART
    assert confirmations <= 2 or planted - seen_s < planted / SEEING_PART
    assert least == planted or confirmations > 2


def test_check_judge_window__of_the_default__is_enough_for_a_development_chain() -> None:
    check_judge_window(DEFAULT_LIMITS, confirmations=2, block_s=1)
