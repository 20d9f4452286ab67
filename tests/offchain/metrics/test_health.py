"""Healthy is whoever lives, watches, and has a chain that answers; else every reason is told."""

from __future__ import annotations

import pytest

from edgemark.errors import LedgerUnavailable
from edgemark.metrics.health import STILL_S, Beat, find_faults


def answers() -> int:
    return 7


def test_all_alive__no_fault() -> None:
    beats = {"loop": Beat(100.0), "watch": Beat(100.0 - STILL_S)}
    assert find_faults(beats, answers, 100.0) == []


@pytest.mark.parametrize(
    ("beat", "fault"),
    [
        (Beat(None), "loop has not begun"),
        (Beat(0.0), "loop stands still for 100 s"),
        (Beat(98.0, bound_s=1.5), "loop stands still for 2 s"),
    ],
)
def test_no_sign_of_life__is_told(beat: Beat, fault: str) -> None:
    assert find_faults({"loop": beat, "watch": Beat(100.0)}, answers, 100.0) == [fault]


def test_a_chain_that_does_not_answer__is_told_without_its_address() -> None:
    def silent() -> int:
        raise LedgerUnavailable("connection lost", who="https://node.example/v3/key-of-a-user")

    faults = find_faults({"loop": Beat(None)}, silent, 100.0)
    assert faults == ["loop has not begun", "chain: connection lost"]
