"""A tower signs while it sees its channels, and says what is wrong when it does not."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.errors import LedgerUnavailable
from edgemark.systems.trading.protocol.agreement import BlocksStopped, Head
from edgemark.systems.trading.tower.taking import NotWatchedNow
from edgemark.systems.trading.tower.tower import Tower

MOST_S = 120


def tower(looked_at: float | None, block: int = 1000, *, may_answer: bool = True) -> Any:
    station = SimpleNamespace(
        head=lambda: Head(1000, block), may_answer=lambda _: may_answer, bringing_s=lambda: 61
    )
    decided = SimpleNamespace(margin_s=60)
    return SimpleNamespace(station=station, _stale_s=MOST_S, _looked_at=looked_at, _decided=decided)


def test_a_tower_whose_margin_is_too_short_for_the_chains_pace__signs_nothing() -> None:
    with pytest.raises(NotWatchedNow, match="needed > 61 s"):
        Tower._check_awake(tower(time.monotonic(), may_answer=False))


def test_a_tower_that_looked_at_nothing_yet__signs_nothing_and_says_just_that() -> None:
    with pytest.raises(LedgerUnavailable, match="has not looked at its channels yet") as caught:
        Tower._check_awake(tower(None))
    assert caught.value.had is None, "no age of a look that never was"


def test_a_tower__is_awake_while_its_last_look_and_the_newest_block_are_young() -> None:
    now = time.monotonic()
    Tower._check_awake(tower(now))
    with pytest.raises(LedgerUnavailable, match="lately"):
        Tower._check_awake(tower(now - MOST_S - 1))
    with pytest.raises(BlocksStopped):
        Tower._check_awake(tower(now, 1000 - MOST_S - 1))
