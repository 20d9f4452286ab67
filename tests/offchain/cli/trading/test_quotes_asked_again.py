"""A seller that is too slow once is asked again, within the time that was given."""

from __future__ import annotations

import time
from typing import Any

import pytest

from edgemark.cli.trading.buying.quoting import QUOTE_ATTEMPTS, ask_again
from edgemark.transport.faults import PeerRefused, PeerUnreachable


class Slow:
    """Answers after so many requests."""

    def __init__(self, late: int) -> None:
        self.late, self.asked = late, 0

    def __call__(self) -> Any:
        self.asked += 1
        if self.asked <= self.late:
            raise PeerUnreachable("did not answer in time")
        return "quote"


def test_a_seller_that_is_slow_once__is_asked_again() -> None:
    slow = Slow(QUOTE_ATTEMPTS - 1)
    assert ask_again(slow, None) == "quote"


def test_a_seller_that_is_always_slow__is_asked_so_often_and_no_more() -> None:
    for ends_at, often in ((None, QUOTE_ATTEMPTS), (time.monotonic() - 1, 1)):
        slow = Slow(100)
        with pytest.raises(PeerUnreachable):
            ask_again(slow, ends_at)
        assert slow.asked == often


def test_a_seller_that_refuses__is_asked_once() -> None:
    asked: list[int] = []

    def refuse() -> Any:
        asked.append(1)
        raise PeerRefused(400, {"error": "NotSold"}, who="seller")

    with pytest.raises(PeerRefused):
        ask_again(refuse, None)
    assert len(asked) == 1
