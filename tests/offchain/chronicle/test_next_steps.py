"""What may be done while a lock holds tokens, and the return of what it holds at the end."""

from __future__ import annotations

from tests.offchain.chronicle.anchor_events import EXPIRY, OWNER

from edgemark.chronicle.marks import Pot
from edgemark.chronicle.steps import ANYONE, EXPIRE, NextStep, after, find_expired, until_expiry
from edgemark.identifiers import Timestamp

HELD = Pot(0, OWNER, 10, 4, EXPIRY)
EMPTY = Pot(1, OWNER, 10, 0, Timestamp(EXPIRY + 50))
ACT = NextStep(1, "act", "owner", Timestamp(5), Timestamp(20))
OPEN = NextStep(2, "collect", ANYONE, Timestamp(30))
RETURN = NextStep(0, EXPIRE, ANYONE, Timestamp(EXPIRY + 1))


def test_a_step_without_an_end__closes_with_the_locks() -> None:
    closed = NextStep(2, "collect", ANYONE, Timestamp(30), EXPIRY)
    assert until_expiry([ACT, OPEN], [HELD, EMPTY], Timestamp(20)) == (ACT, closed, RETURN)


def test_steps_that_are_over__are_left_out_and_the_return_never_is() -> None:
    assert until_expiry([ACT, OPEN], [HELD], Timestamp(EXPIRY + 1)) == (RETURN,)


def test_where_nothing_is_held__nothing_is_left_to_be_done() -> None:
    assert until_expiry([ACT, OPEN], [EMPTY], Timestamp(0)) == ()


def test_pots_that_expire_apart__are_all_back_after_the_last() -> None:
    later = Pot(2, OWNER, 1, 1, Timestamp(EXPIRY + 50))
    (step, back) = until_expiry([OPEN], [HELD, later, EMPTY], Timestamp(0))
    assert (step.closes, back.opens) == (EXPIRY + 50, EXPIRY + 51)


def test_a_step__is_open_from_its_first_to_its_last_second() -> None:
    assert [ACT.is_open(Timestamp(at)) for at in (4, 5, 20, 21)] == [False, True, True, False]
    assert after(EXPIRY) == EXPIRY + 1


def test_find_expired__names_places_that_hold_something_after_their_last_second() -> None:
    later = Pot(2, OWNER, 1, 1, Timestamp(EXPIRY + 50))
    pots = [HELD, EMPTY, later]
    assert find_expired(pots, EXPIRY) == ()
    assert find_expired(pots, Timestamp(EXPIRY + 1)) == (0,)
    assert find_expired(pots, Timestamp(EXPIRY + 99)) == (0, 2)
