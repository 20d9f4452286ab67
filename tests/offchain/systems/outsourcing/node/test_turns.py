"""The book of turns holds open tasks and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.node.turns import TurnBook
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.phases import NodePhase

ORDER = cast.small_order()


def task(index: int) -> NodeTask:
    return NodeTask(offer=replace(cast.offer_to(ORDER, 1), index=ShareIndex(index)))


def key(index: int) -> bytes:
    return key_of(ORDER.job, index)


def tasks(*indices: int) -> list[NodeTask]:
    return [task(index) for index in indices]


def test_a_task_that_ends_uncomputed__leaves_the_book() -> None:
    book = TurnBook()
    for index in range(1, 6):
        book.due(task(index))
    ended = replace(task(3), phase=NodePhase.ENDED)
    assert set(book.read(lambda: [*tasks(1, 2), ended, NodeTask()]).left_s) == {key(1), key(2)}
    assert set(book.read(lambda: tasks(1, 2, 3)).left_s) == {key(1), key(2)}


def test_a_task_that_comes_in_meanwhile__stays() -> None:
    book = TurnBook()

    def open_tasks() -> list[NodeTask]:  # as seen before the second one came
        book.due(task(2))
        return tasks(1)

    book.due(task(1))
    assert set(book.read(open_tasks).left_s) == {key(1), key(2)}


def test_a_task__stays_until_it_is_computed_and_not_when_that_fails() -> None:
    book = TurnBook()
    first = book.due(task(1))
    with pytest.raises(ValueError), book.running(task(1)):
        raise ValueError
    assert book.due(task(1)) == first
    with book.running(task(1)):
        assert set(book.read(lambda: tasks(1)).ran_s) == {key(1)}
    assert not book.read(lambda: tasks(1)).left_s


@pytest.mark.parametrize("wall", [lambda: 0.0, lambda: 1e12], ids=["behind", "ahead"])
def test_after_a_start__the_most_urgent_task_is_computed_first_and_what_comes_then_comes_now(
    wall: Callable[[], float],
) -> None:
    """Before, each had the whole of its window again, the longest one last."""
    terms = ORDER.terms

    def lasting(index: int, window: int, compute_by: int) -> NodeTask:
        times = replace(
            terms, accept_by=Timestamp(compute_by - window), compute_by=Timestamp(compute_by)
        )
        return replace(task(index), offer=replace(task(index).known, terms=times))

    old, young = lasting(1, 3_600, 10_200), lasting(2, 600, 10_600)
    book = TurnBook(clock=lambda: 0.0, wall=lambda: 10_000.0)
    assert (book.due(old), book.due(young)) == (200.0, 600.0)
    fresh = TurnBook(clock=lambda: 0.0, wall=wall)
    fresh.note_started()
    assert (fresh.due(old), fresh.due(young)) == (3_600.0, 600.0)


# --- what is charged ------------------------------------------------------------------------------

NOW = 10_000


def defending(index: int, window: int, compute_by: int, answer_by: int | None) -> NodeTask:
    times = replace(
        ORDER.terms, accept_by=Timestamp(compute_by - window), compute_by=Timestamp(compute_by)
    )
    return replace(
        task(index),
        phase=NodePhase.DEFENDING,
        offer=replace(task(index).known, terms=times),
        charge=ChargeKind.SILENT,
        answer_by=None if answer_by is None else Timestamp(answer_by),
    )


class PlantedBook(TurnBook):
    """As it was: by `compute_by`, which is over."""

    def due(self, one: NodeTask) -> float:
        return super().due(replace(one, charge=ChargeKind.NONE))


@pytest.mark.parametrize("book_of", [TurnBook, PlantedBook])
def test_after_a_start__what_is_charged_is_computed_by_its_time_to_answer(
    book_of: type[TurnBook],
) -> None:
    book = book_of(clock=lambda: 0.0, wall=lambda: float(NOW))
    decoy = book.due(defending(1, 3_600, NOW - 1_000, NOW + 3_500))
    target = book.due(defending(2, 60, NOW - 100, NOW + 50))
    if book_of is PlantedBook:
        assert (decoy, target) == (-1_000, -100)
    else:
        assert (decoy, target) == (3_500, 50)
        assert book.due(defending(3, 60, NOW - 100, None)) == 60  # not served: J begins then


def test_a_task_that_was_fetched_late__goes_before_what_came_later() -> None:
    book = TurnBook(clock=lambda: 0.0, wall=lambda: float(NOW))
    book.note_started()
    fetched = book.due(defending(1, 60, NOW - 100, NOW + 30))
    assert fetched == 30 < book.due(replace(task(2), phase=NodePhase.HOLDING))
