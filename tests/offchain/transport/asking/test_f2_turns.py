"""F2: long bodies to several servers over one line arrive, whoever of them is slow or mute.

The planted rule is the one that was: all begin at once, each with a deadline as if it were alone.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest
from tests.offchain.transport.asking.one_line import EverybodyAtOnce, play, readers_of

from edgemark.transport.asking.line import Line, take_waited_s, wanted
from edgemark.transport.asking.turns import BURST_BYTES, IDLE_S, LONG_BYTES, Transfer, Turns
from edgemark.transport.faults import PeerUnreachable
from edgemark.transport.limits import LEAST_BYTES_PER_S, MIB

LINE = LEAST_BYTES_PER_S


@pytest.mark.parametrize(
    ("count", "mib", "line"), [(4, 8.5, 1), (6, 4.25, 1), (16, 8.5, 3), (16, 3, 1), (64, 1, 1)]
)
def test_long_bodies__arrive_one_after_the_other(count: int, mib: float, line: float) -> None:
    needs_s = count * mib / line
    planted, mended = readers_of(count, mib), readers_of(count, mib)
    play(planted, line * LINE, 3 * needs_s, EverybodyAtOnce)
    play(mended, line * LINE, 3 * needs_s)
    assert all(reader.got_at == math.inf for reader in planted)
    assert all(reader.tries == 1 for reader in mended)
    assert max(reader.got_at for reader in mended) <= needs_s + 0.2 * count


@pytest.mark.parametrize("most_per_s", [0, 10_000, LINE // 3, LINE * 0.7, LINE * 0.76])
def test_bad_judges_that_stand_first__keep_nobody_from_having_it(most_per_s: float) -> None:
    """5 of 16, as many as there may be: they cost their part of the line, and a moment each."""
    bad, good = readers_of(5, 3, most_per_s=most_per_s), readers_of(11, 3)
    play([*bad, *good], LINE, 80)
    assert max(reader.got_at for reader in good) <= 16 * 3 + 5 * 1.5 + 3
    assert all(reader.tries == 1 for reader in good)


def test_mute_peers__however_many__hold_the_line_for_a_moment_each() -> None:
    mute, good = readers_of(40, 1, most_per_s=0), readers_of(24, 1)
    play([*mute, *good], LINE, 140)
    assert max(reader.got_at for reader in good) <= 40 * 1.2 + 24 * 1.2 + 40


def test_those_that_sleep_and_wake_up__leave_time_to_the_one_that_shares_with_them() -> None:
    turns = Turns()
    for number in range(5):
        mute = Transfer(8 * MIB)
        turns.enter(mute)
        assert turns.may_begin(mute, 2.0 * number)
    honest = Transfer(8 * MIB)
    turns.enter(honest)
    assert turns.may_begin(honest, 10.0)
    assert honest.seconds() == 6 * 8


def test_what_has_to_be_there_first__goes_first() -> None:
    readers = [*readers_of(20, 8.5, by=3600), *readers_of(4, 1, by=60)]
    play(readers, LINE, 200)
    assert max(reader.got_at for reader in readers[20:]) < 8
    assert max(reader.got_at for reader in readers) < 20 * 8.8 + 4


def test_shorter_bodies__go_together_as_many_as_the_line_moves_in_a_second() -> None:
    turns, length = Turns(), BURST_BYTES // 8
    transfers = [Transfer(length) for _ in range(9)]
    for transfer in transfers:
        turns.enter(transfer)
    assert [turns.may_begin(transfer, 0.0) for transfer in transfers] == [True] * 8 + [False]
    turns.leave(transfers[3], 0.1)
    assert turns.may_begin(transfers[8], 0.1)


def test_a_full_line__begins_nothing_more_however_long_it_takes() -> None:
    turns, first, second = Turns(), Transfer(64 * MIB), Transfer(MIB)
    turns.enter(first)
    assert turns.may_begin(first, 0.0)
    turns.enter(second)
    for second_s in range(1, 64):
        first.moved = lambda moved=second_s * 0.9 * MIB: int(moved)  # type: ignore[misc]
        assert not turns.may_begin(second, float(second_s))


# --- threads ---------------------------------------------------------------------------------


def waiting(line: Line, length: int, then: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        with line.turn(length):
            then()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_short_message__waits_for_no_long_one() -> None:
    line, came = Line(), threading.Event()
    with line.turn(8 * MIB):
        waiting(line, LONG_BYTES, came.set).join(10)
        assert came.is_set()


def test_a_turn__is_given_on_and_the_wait_is_no_peers_fault() -> None:
    line, waited = Line(), list[float]()
    with line.turn(8 * MIB) as first:
        first.seen = first.length  # all of it is there
        waiting(line, 8 * MIB, lambda: waited.append(take_waited_s())).join(10)
    assert len(waited) == 1
    assert take_waited_s() >= 0
    assert take_waited_s() == 0


@pytest.mark.parametrize("is_closed", [True, False])
def test_what_is_not_needed_any_more__has_no_turn(*, is_closed: bool) -> None:
    line = Line()
    if is_closed:
        line.close()
    token = wanted.set(lambda: is_closed)
    try:
        with pytest.raises(PeerUnreachable), line.turn(MIB):
            raise AssertionError
    finally:
        wanted.reset(token)
    assert not line._turns._waiting


def test_whoever_lets_the_line_stand_idle__is_told_once() -> None:
    turns, told = Turns(), list[str]()
    mute = Transfer(8 * MIB, stalled=lambda: told.append("mute"))
    turns.enter(mute)
    assert turns.may_begin(mute, 0.0)
    other = Transfer(8 * MIB, stalled=lambda: told.append("other"))
    turns.enter(other)
    for at in (0.5, IDLE_S - 0.1):
        assert not turns.may_begin(other, at)
    assert told == []
    assert turns.may_begin(other, IDLE_S)
    other.moved = lambda: 8 * MIB
    turns.leave(other, IDLE_S + 0.1)
    turns.leave(mute, 9.0)
    assert told == ["mute"]
