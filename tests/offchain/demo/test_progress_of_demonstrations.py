"""What a demonstration says while it goes on: who waits for what, every now and then."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from rich.console import Console

from edgemark.demo.patience import NotInTime
from edgemark.demo.progress import WAITS, Waits, act_beside, awaiting, step
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo import buying

LIMIT_S = 20.0


def test_waits__of_several__are_one_line_in_their_order() -> None:
    waits = Waits()
    waits.note("buyer 2", "receipt of the tower")
    waits.note("buyer 1", "overdraft")
    assert waits.line() == "buyer 1: overdraft; buyer 2: receipt of the tower"
    waits.note("buyer 1", "")
    waits.note("buyer 1", "")
    assert waits.line() == "buyer 2: receipt of the tower"


def test_step__while_some_act_beside__tells_what_each_waits_for() -> None:
    text = io.StringIO()
    is_over = threading.Event()

    def wait(words: str) -> None:
        with awaiting(words):
            assert is_over.wait(LIMIT_S)

    with step(Console(file=text, width=40), Receipt("trading"), "runs", tell_s=0.02):
        with ThreadPoolExecutor(2) as threads:
            acting = [
                act_beside(threads, name, wait, words)
                for name, words in (("buyer 1", "[overdraft]"), ("buyer 2", "end"))
            ]
            ends_at = time.monotonic() + LIMIT_S
            while "buyer 1: [overdraft]; buyer 2: end" not in text.getvalue():
                assert time.monotonic() < ends_at
                time.sleep(0.01)
            is_over.set()
            for each in acting:
                each.result()
        assert cast(Waits, WAITS.get()).line() == ""
    assert WAITS.get() is None
    assert "runs, 0 s: " in text.getvalue()


def test_await_that__of_what_does_not_come__says_what_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(buying, "LIMIT_S", 0.0)
    with pytest.raises(NotInTime, match=r"overdraft: .* in time; had 0 s") as late:
        buying.await_that("overdraft", lambda: False)
    assert "run it again" in late.value.remedy
