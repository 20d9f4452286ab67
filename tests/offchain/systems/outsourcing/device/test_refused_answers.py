"""Refused answers are noted by every effect's thread at once, and read by others meanwhile."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from edgemark.identifiers import ShareIndex
from edgemark.systems.outsourcing.device.refusals import MOST_KEPT, Refusal, RefusedAnswers
from edgemark.systems.outsourcing.identifiers import JobId

THREADS, EACH = 8, 500


def refusal(number: int) -> Refusal:
    return Refusal(JobId(number.to_bytes(32, "big")), ShareIndex(1), "opens nothing")


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def note_from_many_threads(note: Callable[[Refusal], object]) -> None:
    """Raises what any of the threads raised."""

    def note_some(thread: int) -> None:
        for number in range(EACH):
            note(refusal(thread * EACH + number))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(note_some, range(THREADS)))


class PlantedRefusals:
    """The flawed form: what is scanned by one thread is added to by another."""

    def __init__(self) -> None:
        self.kept: deque[Refusal] = deque(maxlen=MOST_KEPT)

    def note(self, new: Refusal) -> None:
        if new not in self.kept:
            self.kept.append(new)


class Interrupted(Refusal):
    """Lets another thread act while it is compared."""

    other: Callable[[], object]

    def __eq__(self, _: object) -> bool:
        self.other()
        return False

    __hash__ = Refusal.__hash__


@pytest.mark.usefixtures("_switching_often")
def test_refusals__noted_by_many_threads__raise_nothing_and_are_kept() -> None:
    refusals = RefusedAnswers()
    note_from_many_threads(refusals.note)
    assert len(refusals) == len(list(refusals)) == MOST_KEPT


def test_refusals__without_a_guard__end_the_thread() -> None:
    flawed = PlantedRefusals()
    flawed.note(refusal(1))
    scanned = Interrupted(refusal(2).job, ShareIndex(1), "opens nothing")
    object.__setattr__(scanned, "other", lambda: flawed.kept.append(refusal(3)))
    with pytest.raises(RuntimeError, match="mutated during iteration"):
        flawed.note(scanned)


def test_refusal__of_the_same_reason__is_noted_once() -> None:
    refusals = RefusedAnswers()
    assert refusals.note(refusal(1))
    assert not refusals.note(refusal(1))
    assert list(refusals) == [refusal(1)]


def test_refusals__without_end__keep_the_latest() -> None:
    refusals = RefusedAnswers()
    for number in range(MOST_KEPT + 2):
        refusals.note(refusal(number))
    assert next(iter(refusals)) == refusal(2)
    assert len(refusals) == MOST_KEPT
