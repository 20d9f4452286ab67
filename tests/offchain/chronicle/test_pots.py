"""One lock of the anchor, followed from event to event."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.chronicle.anchor_events import (
    EXPIRY,
    LOCKER,
    OTHER,
    OWNER,
    PAYEE,
    SUBJECT,
    increased,
    locked,
    mark_at,
    paid,
    place_at,
    returned,
)

from edgemark.anchoring.events import LockRenewed
from edgemark.chronicle.marks import Credit, Pot, add_up
from edgemark.chronicle.pots import Pots
from edgemark.identifiers import Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent


def test_take__gives_what_was_paid_and_keeps_what_is_left() -> None:
    pots = Pots(LOCKER, SUBJECT)
    assert pots.take(mark_at(1), [locked(10), locked(4, 3)]) == []
    assert pots.take(mark_at(2), [increased(5)]) == []
    credits = pots.take(mark_at(3), [paid(6), paid(4, 3, to=OWNER)])
    assert credits == [Credit(0, PAYEE, 6), Credit(3, OWNER, 4)]
    assert pots.all == (Pot(0, OWNER, 15, 9, EXPIRY), Pot(3, OWNER, 4, 0, EXPIRY))


def test_take__of_another_locker_with_the_same_subject__changes_nothing() -> None:
    pots, alone = Pots(LOCKER, SUBJECT), Pots(LOCKER, SUBJECT)
    foreign = [locked(99, locker=OTHER), paid(7, 5, locker=OTHER), increased(1, 5, locker=OTHER)]
    credits = pots.take(mark_at(1), [foreign[0], locked(10), *foreign[1:], paid(6)])
    assert credits == alone.take(mark_at(1), [locked(10), paid(6)])
    assert pots.all == alone.all


def test_take__of_an_expired_place__says_what_went_back_and_when() -> None:
    pots = Pots(LOCKER, SUBJECT)
    pots.take(mark_at(1), [locked(10), paid(3)])
    assert pots.take(mark_at(4), [returned(7)]) == []
    assert pots.all == (Pot(0, OWNER, 10, 0, EXPIRY, given_back=7, returned=mark_at(4)),)


def test_take__of_a_place_that_is_filled_again__keeps_both_pots() -> None:
    pots = Pots(LOCKER, SUBJECT)
    pots.take(mark_at(1), [locked(10), paid(10, to=OWNER)])
    pots.take(mark_at(5), [locked(8, owner=PAYEE, at=5)])
    assert pots.all == (Pot(0, OWNER, 10, 0, EXPIRY), Pot(0, PAYEE, 8, 8, EXPIRY))


def test_take__of_a_lock_that_lasts_longer__has_the_new_expiry() -> None:
    pots = Pots(LOCKER, SUBJECT)
    later = Timestamp(EXPIRY + 500)
    pots.take(mark_at(1), [locked(10), LockRenewed(LOCKER, SUBJECT, later, at=place_at(1))])
    assert [pot.expires_at for pot in pots.all] == [later]


@st.composite
def lives(draw: st.DrawFn) -> list[ChainEvent]:
    """Whatever the anchor allows in the places of one lock."""

    def moves() -> Iterator[ChainEvent]:
        held: dict[int, int] = {}
        for _ in range(draw(st.integers(1, 12))):
            place, amount = draw(st.integers(0, 2)), draw(st.integers(1, 9))
            if not held.get(place):
                held[place] = amount
                yield locked(amount, place)
            elif draw(st.booleans()):
                held[place] += amount
                yield increased(amount, place)
            elif draw(st.booleans()):
                amount = min(amount, held[place])
                held[place] -= amount
                yield paid(amount, place)
            else:
                yield returned(held.pop(place), place)

    return list(moves())


@given(lives())
def test_every_token_that_went_in__was_paid_or_given_back_or_remains(
    events: list[ChainEvent],
) -> None:
    pots = Pots(LOCKER, SUBJECT)
    credits = [credit for n, e in enumerate(events) for credit in pots.take(mark_at(n), [e])]
    went_in = sum(pot.amount for pot in pots.all)
    assert went_in == sum(add_up(credits).values()) + sum(
        pot.given_back + pot.remaining for pot in pots.all
    )
