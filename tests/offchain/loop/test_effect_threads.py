"""Effects have few threads as long as these get on, and more when they wait for somebody."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from edgemark.loop import threads as module
from edgemark.loop.errands import Pace
from edgemark.loop.moves import name_key
from edgemark.loop.threads import FEW, GATHER_S, MANY_SHORT, EffectPool, EffectThreads

MOST = 5
NEVER_S = 3600.0


class Hall:
    """Visitors who stay until they are let out."""

    def __init__(self) -> None:
        self.begun, self.ended = queue.Queue[int](), queue.Queue[int]()
        self.door, self.guard = threading.Semaphore(0), threading.Lock()
        self.inside = self.most_inside = 0

    def visit(self, number: int) -> None:
        with self.guard:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        self.begun.put(number)
        assert self.door.acquire(timeout=30)
        with self.guard:
            self.inside -= 1
        self.ended.put(number)


@pytest.fixture
def threads() -> Iterator[EffectThreads]:
    made = EffectThreads(MOST, "test", FEW)
    yield made
    made.shutdown(True, cancel_futures=True)


def take(numbers: queue.Queue[int], count: int) -> list[int]:
    return [numbers.get(timeout=30) for _ in range(count)]


def test_effects_that_get_on__have_few_threads_and_their_turn(
    threads: EffectThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STUCK_S", NEVER_S)
    monkeypatch.setattr(threads, "_stand_by", lambda: None)
    hall = Hall()
    for number in range(50):
        threads.submit(hall.visit, number)
    assert threads.pending >= 50
    first = take(hall.begun, FEW)
    hall.door.release(50)
    assert sorted(first + take(hall.begun, 50 - FEW)) == list(range(50))
    take(hall.ended, 50)
    assert hall.most_inside == FEW


def test_effects_that_wait_for_somebody__leave_no_other_waiting_up_to_the_most(
    threads: EffectThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Hall()
    for number in range(MOST + 2):
        threads.submit(hall.visit, number)
    assert sorted(take(hall.begun, MOST)) == list(range(MOST))
    with pytest.raises(queue.Empty):
        hall.begun.get(timeout=0.05)
    assert threads.pending >= MOST + 2
    hall.door.release(MOST + 2)
    take(hall.ended, MOST + 2)
    assert take(hall.begun, 2) == [MOST, MOST + 1]
    assert hall.most_inside == MOST


def test_threads_that_joined_in__leave_again(
    threads: EffectThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Hall()
    for number in range(MOST):
        threads.submit(hall.visit, number)
    take(hall.begun, MOST)
    hall.door.release(MOST)
    take(hall.ended, MOST)
    while threads.pending:
        threading.Event().wait(0.001)
    test_effects_that_get_on__have_few_threads_and_their_turn(threads, monkeypatch)


def test_planted_threads_without_one_that_stands_by__leave_the_next_waiting(
    threads: EffectThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_call_standby", lambda: None)
    hall = Hall()
    for number in range(FEW + 1):
        threads.submit(hall.visit, number)
    take(hall.begun, FEW)
    with pytest.raises(queue.Empty):
        hall.begun.get(timeout=0.1)
    hall.door.release(FEW + 1)
    take(hall.ended, FEW + 1)


def test_threads_that_are_shut__begin_nothing_more() -> None:
    threads, hall = EffectThreads(1, "test", FEW), Hall()
    for number in range(9):
        threads.submit(hall.visit, number)
    take(hall.begun, 1)
    threads.shutdown(False, cancel_futures=True)
    hall.door.release(9)
    threads.shutdown(True, cancel_futures=True)
    assert take(hall.ended, 1) == [0]
    assert hall.begun.empty()


class Counted:
    """Threads with so much under way."""

    def __init__(self, pending: int) -> None:
        self.pending = pending

    def submit(self, *_: Any) -> None:
        """Nothing runs here."""

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Nothing runs here."""


@pytest.mark.parametrize(("pending", "waited"), [(0, []), (1, []), (MANY_SHORT, [GATHER_S])])
def test_gathering__waits_a_little_when_many_outcomes_are_to_come_and_never_for_few(
    pending: int, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    pool: EffectPool[Any, Any] = EffectPool(
        name_key,
        lambda *_: (),
        lambda _: None,
        lambda *_: True,
        Pace(),
        "test",
        make_threads=lambda *_: Counted(pending),
    )
    monkeypatch.setattr(time, "sleep", naps.append)
    pool.gather()
    assert naps == waited
    pool.close()
