"""F2: whoever sees the chain `confirmations` blocks late still acts in each window, or declines.

By the planted rule, as it was, windows were compared with the pause between two looks alone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end.outsourcing import small_job
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.station.test_f6_functions import make_node, offer

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.systems.outsourcing.contract.terms import Terms, check_depth, check_pace
from edgemark.systems.outsourcing.demo.cast import LIMITS
from edgemark.systems.outsourcing.demo.play import WISH
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.node.admission import TaskTooLarge
from edgemark.systems.outsourcing.node.handing import SEEING_PART
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.station.contracts import DEFAULT_LIMITS
from edgemark.systems.outsourcing.station.station import FUNCTION_NEEDED

ORDER = cast.small_order()
POLL_S, BLOCK_S, CONFIRMATIONS = 1.0, 12, 2
SEEING_S = CONFIRMATIONS * BLOCK_S + POLL_S


def terms(compute_s: int, collect_s: int = 3600) -> Terms:
    by = ORDER.terms.accept_by + compute_s
    return replace(ORDER.terms, compute_by=Timestamp(by), collect_by=Timestamp(by + collect_s))


def test_f2_a_start_that_is_seen_when_computing_is_over__is_no_start_to_wait_for() -> None:
    """In the last block that the terms allow; the first task is owed when nobody can commit."""
    short = terms(20)
    check_pace(short, POLL_S, who="planted")
    machine, state = PartyMachine(DeviceJob), DeviceJob()
    for event in (on.AskedSubmit(replace(ORDER, terms=short)), on.SawPosted()):
        state, _ = machine.step(state, event)
    assert not any(isinstance(effect, do.SendTask) for effect in state.owed())
    state, owed = machine.step(state, on.SawStarted(short.accept_by))
    assert any(isinstance(effect, do.SendTask) for effect in owed)
    assert short.accept_by + SEEING_S > short.compute_by
    with pytest.raises(RefusedInput, match="sees the chain too late") as refused:
        check_depth(short, SEEING_S, BLOCK_S, who="device")
    assert refused.value.needed == "<= 20 s, the shorter of its windows"


@pytest.mark.parametrize("windows", [(37, 3600), (3600, 37)])
def test_f2_the_least_window__is_confirmations_a_look_and_a_block(windows: tuple[int, int]) -> None:
    check_depth(terms(*windows), SEEING_S, BLOCK_S, who="device")
    with pytest.raises(RefusedInput):
        check_depth(terms(*(window - (window == 37) for window in windows)), 25.0, 12, who="device")


def test_f2_a_node_that_sees_a_served_charge_when_j_is_nearly_over__declines(
    tmp_path: Path,
) -> None:
    answering = max(cast.LIMITS.judge_window, ORDER.terms.compute_by - ORDER.terms.accept_by)
    most_s = answering / SEEING_PART
    assert offer(make_node(tmp_path, ORDER, seeing_s=most_s), ORDER) == FUNCTION_NEEDED
    with pytest.raises(TaskTooLarge, match="cannot hand an answer"):
        offer(make_node(tmp_path, ORDER, seeing_s=answering - 1), ORDER)


@pytest.mark.parametrize(
    ("wish", "window", "seeing_s", "block_s"),
    [
        (WISH, LIMITS.judge_window, 1 + 0.4, 1),
        (small_job.WISH, LIMITS.judge_window, 2 + 1.0, 1),
        (replace(WISH, compute_s=600, collect_s=3600), DEFAULT_LIMITS.judge_window, 25.0, 12),
    ],
    ids=["demonstration", "small", "default"],
)
def test_f2_what_is_played_and_documented__leaves_time_enough(
    wish: object, window: int, seeing_s: float, block_s: int
) -> None:
    assert isinstance(wish, type(WISH))
    assert wish.collect_s is not None
    check_depth(terms(wish.compute_s, wish.collect_s), seeing_s, block_s, who="device")
    assert seeing_s <= max(window, wish.compute_s) / SEEING_PART
