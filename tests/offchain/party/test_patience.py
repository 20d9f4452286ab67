"""Who has enough gives the others a moment, once, and no longer."""

from __future__ import annotations

import pytest

from edgemark.loop.machine import TryAgain
from edgemark.party.patience import FORGET_AFTER_S, Patience


def test_patience__waits_until_all_are_there_or_the_moment_is_over() -> None:
    now = [100.0]
    patience = Patience(lambda: now[0], 2.0)
    with pytest.raises(TryAgain, match="the others may still come"):
        patience.wait_for("verdict", 3, 4)
    patience.wait_for("another", 4, 4)
    now[0] = 101.9
    with pytest.raises(TryAgain):
        patience.wait_for("verdict", 3, 4)
    now[0] = 102.0
    patience.wait_for("verdict", 3, 4)


def test_patience__all_signatures_that_came_meanwhile__are_brought_at_once() -> None:
    patience = Patience(lambda: 0.0, 2.0)
    with pytest.raises(TryAgain):
        patience.wait_for("verdict", 3, 4)
    patience.wait_for("verdict", 4, 4)


def test_patience__with_what_others_brought__is_forgotten() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0], 2.0)
    for number in range(100):
        with pytest.raises(TryAgain):
            patience.wait_for(number, 3, 4)
    now[0] = FORGET_AFTER_S + 1
    with pytest.raises(TryAgain):
        patience.wait_for("the next", 3, 4)
    assert list(patience._since) == ["the next"]
