"""Healthy is whoever lives, watches, and has a chain that answers; else every reason is told."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from prometheus_client.core import Metric

from edgemark.errors import LedgerUnavailable
from edgemark.metrics.health import STILL_S, Beat, find_faults


class Chain:
    """Answers, or does not."""

    name = "chain"

    def __init__(self, fault: LedgerUnavailable | None = None) -> None:
        self._fault = fault

    def ask(self) -> None:
        if self._fault is not None:
            raise self._fault

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        return ()


def test_all_alive__no_fault() -> None:
    beats = {"loop": Beat(100.0), "watch": Beat(100.0 - STILL_S)}
    assert find_faults(beats, [Chain()], 100.0) == []


@pytest.mark.parametrize(
    ("beat", "fault"),
    [
        (Beat(None), "loop has not begun"),
        (Beat(0.0), "loop stands still for 100 s"),
        (Beat(98.0, bound_s=1.5), "loop stands still for 2 s"),
    ],
)
def test_no_sign_of_life__is_told(beat: Beat, fault: str) -> None:
    assert find_faults({"loop": beat, "watch": Beat(100.0)}, [], 100.0) == [fault]


def test_a_chain_that_does_not_answer__is_told_without_its_address() -> None:
    fault = LedgerUnavailable("connection lost", who="https://node.example/v3/key-of-a-user")
    faults = find_faults({"loop": Beat(None)}, [Chain(), Chain(fault)], 100.0)
    assert faults == ["loop has not begun", "chain: connection lost"]
