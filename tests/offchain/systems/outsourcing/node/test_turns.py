"""The book of turns holds open tasks and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import ShareIndex
from edgemark.loop.machine import key_of
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.node.turns import TurnBook
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
