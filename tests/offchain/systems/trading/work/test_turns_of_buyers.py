"""Buyers share the workers of a seller: nobody's queue holds up another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.work.work_cast import CHANNELS

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.identifiers import Hash32
from edgemark.systems.trading.work.messages import Usage
from edgemark.systems.trading.work.turns import (
    MAX_BEGUN,
    MAX_RESTED_BYTES,
    Begun,
    Rested,
    Turns,
)

GREEDY, MODEST, THIRD = CHANNELS[:3]


def orders(name: str, count: int) -> list[Hash32]:
    return [hash_long(name.encode(), bytes([number])) for number in range(count)]


def test_orders_of_a_channel__come_in_their_order() -> None:
    turns, mine = Turns(1), orders("mine", 3)
    for each in mine:
        turns.add(GREEDY, each)
    for each in mine:
        assert turns.take() == (GREEDY, each)
        assert turns.take() is None
        turns.end(GREEDY, 1.0)
    assert turns.take() is None


def test_one_buyers_queue__holds_up_no_other() -> None:
    turns = Turns(1)
    for each in orders("greedy", 8):
        turns.add(GREEDY, each)
    assert turns.take() is not None
    turns.add(MODEST, hash_long(b"modest"))
    turns.end(GREEDY, 60.0)
    assert turns.take() == (MODEST, hash_long(b"modest"))


def test_a_worker_is_left__for_whoever_comes() -> None:
    turns = Turns(3)
    for each in orders("greedy", 8):
        turns.add(GREEDY, each)
    assert [turns.take() is not None for _ in range(3)] == [True, True, False]
    turns.add(MODEST, hash_long(b"modest"))
    assert turns.take() == (MODEST, hash_long(b"modest"))


def test_a_slice__goes_on_after_those_who_had_less() -> None:
    turns = Turns(1)
    long, short = hash_long(b"long"), hash_long(b"short")
    turns.add(GREEDY, long)
    assert turns.take() == (GREEDY, long)
    turns.add(MODEST, short)
    turns.put_back(GREEDY, long, 0.2)
    assert turns.take() == (MODEST, short)
    turns.end(MODEST, 0.1)
    assert turns.take() == (GREEDY, long)


def test_an_order_that_there_is_no_room_for__lets_others_go_on() -> None:
    turns = Turns(1)
    first, second = hash_long(b"first"), hash_long(b"second")
    turns.add(GREEDY, first)
    turns.add(MODEST, second)
    assert turns.take(lambda order: order == second) == (MODEST, second)
    turns.end(MODEST, 1.0)
    assert turns.take(lambda order: order == second) is None
    assert turns.take() == (GREEDY, first)


def test_who_was_away__is_not_owed_what_it_did_not_ask_for() -> None:
    turns = Turns(1)
    turns.add(MODEST, hash_long(b"first"))
    turns.take()
    turns.end(MODEST, 0.1)
    turns.add(GREEDY, hash_long(b"long"))
    for _ in range(100):
        assert turns.take() == (GREEDY, hash_long(b"long"))
        turns.put_back(GREEDY, hash_long(b"long"), 1.0)
    for each in orders("modest", 8):
        turns.add(MODEST, each)
    first = [turns.take() for _ in range(1)]
    turns.end(first[0][0], 2.0)  # type: ignore[index]
    second = turns.take()
    assert {first[0][0], second[0]} == {GREEDY, MODEST}  # type: ignore[index]


@given(st.lists(st.sampled_from([*CHANNELS[:3], None]), max_size=60), st.integers(1, 4))
def test_every_order__is_worked_at_once_and_nobody_waits_for_ever(
    steps: list[object], workers: int
) -> None:
    turns, running, added, done = Turns(workers), [], [], []
    for number, step in enumerate(steps):
        if step is not None:
            order = hash_long(bytes([number]))
            added.append(order)
            turns.add(step, order)  # type: ignore[arg-type]
        elif (taken := turns.take()) is not None:
            running.append(taken)
            assert len(running) <= workers * 3
        if len(running) > 1:
            channel, order = running.pop(0)
            turns.end(channel, 1.0)
            done.append(order)
    for channel, order in running:
        turns.end(channel, 1.0)
        done.append(order)
    while (taken := turns.take()) is not None:
        turns.end(taken[0], 1.0)
        done.append(taken[1])
    assert sorted(done) == sorted(added)


@dataclass
class Slices:
    """A batch without work: how much it has computed, and whether its time is over."""

    may_rest: bool = True
    values_bytes: int = 1
    went_on: Rested | None = None

    def used(self) -> Usage:
        return Usage(units=self.values_bytes)

    def rest(self) -> Rested:
        return Rested(1, 1.0, [bytes(self.values_bytes)], self.used())

    def take_over(self, rested: Rested) -> None:
        self.went_on = rested


def begun_by(
    count: int, batch: Callable[[], Slices] = Slices
) -> tuple[Begun[Slices], list[Hash32]]:
    begun, waiting = Begun[Slices](), orders("begun", count)
    for each in waiting:
        assert begun.has_room(each, ())
        begun.make_room(each, ())
        begun.load(each, batch())
        begun.end_turn(each, is_answered=False)
    return begun, waiting


def test_batches_beyond_the_memory__take_turns_in_it_whoever_came_first() -> None:
    begun, waiting = begun_by(10 * MAX_BEGUN)
    assert sum(begun.find(each) is not None for each in waiting) == MAX_BEGUN
    assert begun.find(waiting[0]) is None
    assert len(begun.used()) == len(waiting), "what was used is known of all"
    begun.make_room(waiting[0], ())
    again = begun.load(waiting[0], Slices())
    assert again.went_on == Slices().rest()
    assert begun.find(waiting[-MAX_BEGUN]) is None, "who was worked at longest ago gave way"
    for each in waiting:
        begun.end_turn(each, is_answered=True)
    assert begun.used() == {}


def test_a_batch__gives_no_way_at_work_nor_before_its_time_nor_where_its_values_have_no_room() -> (
    None
):
    extra = hash_long(b"extra")
    begun, waiting = begun_by(MAX_BEGUN)
    assert not begun.has_room(extra, waiting)
    assert begun.has_room(extra, waiting[1:])
    assert not begun_by(MAX_BEGUN, lambda: Slices(may_rest=False))[0].has_room(extra, ())
    large, _ = begun_by(MAX_BEGUN, lambda: Slices(values_bytes=MAX_RESTED_BYTES // 2))
    for each in orders("more", 2):
        large.make_room(each, ())
        large.load(each, Slices(values_bytes=1, may_rest=False))
    assert not large.has_room(extra, ())
    assert large.has_room(orders("more", 1)[0], ())


def test_places__that_are_being_filled_count() -> None:
    begun, waiting = Begun[Slices](), orders("coming", MAX_BEGUN + 1)
    for each in waiting[:-1]:
        begun.make_room(each, ())
    assert not begun.has_room(waiting[-1], ())
    begun.end_turn(waiting[0], is_answered=False)  # it could not be loaded
    assert begun.has_room(waiting[-1], ())
