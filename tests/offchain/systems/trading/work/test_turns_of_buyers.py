"""Buyers share the workers of a seller: nobody's queue holds up another's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.work.work_cast import CHANNELS

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.identifiers import Hash32
from edgemark.systems.trading.work.turns import Turns

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
