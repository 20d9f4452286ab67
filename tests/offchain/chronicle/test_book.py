"""The book of an account: what it has free and locked, what it won and lost by which lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from tests.offchain.chronicle.anchor_events import (
    OTHER,
    OUTSIDER,
    OWNER,
    PAYEE,
    increased,
    locked,
    mark_at,
    paid,
    place_at,
    returned,
)

from edgemark.anchoring.events import Deposited, Moved, Withdrawn
from edgemark.chronicle.book import Book, by_transaction, read_book
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.indexer.store import DatedEvent, IndexStore
from edgemark.ledger.evm.contract.chain_event import ChainEvent


@dataclass
class Shelf:
    """Events that are found by whatever account or subject they name, as in an index."""

    events: Sequence[ChainEvent]

    def about(self, key: bytes, kinds: Sequence[type[ChainEvent]] = ()) -> list[DatedEvent]:
        def names(event: ChainEvent) -> bool:
            values = vars(event).values()
            return key in values or any(
                isinstance(value, str) and bytes.fromhex(value[2:]) == key for value in values
            )

        return [
            DatedEvent(event, Timestamp(10 * event.at.block_number))
            for event in self.events
            if names(event) and (not kinds or type(event) in kinds)
        ]


def book_of(account: Address, *events: ChainEvent) -> Book:
    return read_book(cast(IndexStore, Shelf(events)), account)


def deposited(amount: int) -> Deposited:
    return Deposited(OWNER, OUTSIDER, Tokens(amount), at=place_at(0))


def test_book__of_a_stranger__is_empty() -> None:
    assert book_of(OUTSIDER) == Book(OUTSIDER)


def test_book__of_free_tokens__counts_what_came_went_and_was_moved() -> None:
    events = (
        deposited(50),
        Withdrawn(OWNER, OUTSIDER, Tokens(8), at=place_at(1)),
        Moved(OWNER, PAYEE, Tokens(5), at=place_at(2)),
        Moved(PAYEE, OWNER, Tokens(2), at=place_at(3)),
    )
    assert book_of(OWNER, *events) == Book(OWNER, deposited=50, withdrawn=8, free=39)
    assert book_of(PAYEE, *events) == Book(PAYEE, free=3)


def test_book__while_a_lock_is_open__has_neither_won_nor_lost_by_it() -> None:
    events = (deposited(50), locked(20), increased(5), paid(10))
    assert book_of(OWNER, *events) == Book(OWNER, deposited=50, free=25, locked=15)
    assert book_of(PAYEE, *events) == Book(PAYEE, free=10, earned=10)


def test_book__of_a_lock_that_expired__lost_what_was_paid_and_has_the_rest_back() -> None:
    events = (deposited(50), locked(20), paid(6), returned(14))
    assert book_of(OWNER, *events) == Book(OWNER, deposited=50, free=44, lost=6)


def test_book__of_two_lockers_with_one_subject__keeps_their_locks_apart() -> None:
    events = (
        locked(20),
        locked(9, owner=PAYEE, locker=OTHER),
        paid(20, to=PAYEE),
        paid(9, to=OUTSIDER, locker=OTHER),
    )
    assert book_of(OWNER, *events) == Book(OWNER, free=-20, lost=20)
    assert book_of(PAYEE, *events) == Book(PAYEE, free=11, earned=20, lost=9)


def test_book__of_a_place_that_changed_its_owner__is_right_for_both() -> None:
    events = (locked(20), paid(20, to=OWNER), locked(20, owner=PAYEE, at=5), paid(7, at=6))
    assert book_of(OWNER, *events) == Book(OWNER)
    assert book_of(PAYEE, *events) == Book(PAYEE, free=-13, locked=13)


def test_by_transaction__gives_the_events_of_each_together_in_order() -> None:
    events = [locked(20, at=1), locked(4, 1, at=1), paid(7, at=3)]
    dated = [DatedEvent(event, Timestamp(10 * event.at.block_number)) for event in events]
    assert list(by_transaction(dated)) == [(mark_at(1), events[:2]), (mark_at(3), events[2:])]
