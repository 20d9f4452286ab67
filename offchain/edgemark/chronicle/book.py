"""What an account has in the anchor and what it won or lost, put together from events alone.

Nothing here is stored: whatever the index takes back after a reorganisation is gone from here too.

Rule: what a lock brought an account is final when it holds nothing of the account's own any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from edgemark.anchoring.events import Deposited, Locked, Moved, Paid, Withdrawn
from edgemark.chronicle.marks import Credit, Mark, add_up
from edgemark.chronicle.pots import LOCK_EVENTS, Pots
from edgemark.identifiers import Address
from edgemark.indexer.store import DatedEvent, IndexStore
from edgemark.ledger.evm.contract.chain_event import ChainEvent

Kind = TypeVar("Kind", bound=ChainEvent)


@dataclass(frozen=True)
class Book:
    """What an account did with tokens and what it came to, in the token's smallest unit.

    Attributes:
        deposited, withdrawn: into and out of the anchor.
        free: in the anchor, as the events say; the contract says the same.
        locked: its own, in open locks.
        earned: sum over the locks that brought it more than it put in.
        lost: sum over the locks that brought it less: what it paid for, or was fined.
    """

    account: Address
    deposited: int = 0
    withdrawn: int = 0
    free: int = 0
    locked: int = 0
    earned: int = 0
    lost: int = 0


def read_book(store: IndexStore, account: Address) -> Book:
    """The book of an account; an empty one when nothing in the anchor names it."""
    deposited = sum(
        each.received for each in _about(store, account, Deposited) if each.account == account
    )
    withdrawn = sum(
        each.amount for each in _about(store, account, Withdrawn) if each.account == account
    )
    moved = sum(
        (each.to == account) * each.amount - (each.from_ == account) * each.amount
        for each in _about(store, account, Moved)
    )
    found = [_follow(store, account, *lock) for lock in _list_locks(store, account)]
    final = [change for change, left in found if left == 0]
    return Book(
        account,
        deposited,
        withdrawn,
        free=deposited - withdrawn + moved + sum(change for change, _ in found),
        locked=sum(left for _, left in found),
        earned=sum(change for change in final if change > 0),
        lost=-sum(change for change in final if change < 0),
    )


def mark_of(dated: DatedEvent) -> Mark:
    """When an event happened; who sent its transaction, no event says."""
    place = dated.event.at
    return Mark(place.block_number, dated.at, place.tx_hash)


def by_transaction(events: Iterable[DatedEvent]) -> Iterator[tuple[Mark, list[ChainEvent]]]:
    """Events in the order of the chain, those of one transaction together."""
    for _, group in groupby(events, key=lambda dated: dated.event.at.tx_hash):
        together = list(group)
        yield mark_of(together[0]), [dated.event for dated in together]


def _about(store: IndexStore, account: Address, kind: type[Kind]) -> list[Kind]:
    found = store.about(bytes.fromhex(account[2:]), [kind])
    return [dated.event for dated in found if isinstance(dated.event, kind)]


def _list_locks(store: IndexStore, account: Address) -> dict[tuple[Address, bytes], None]:
    """Locker and subject of every lock that held tokens of the account or paid it."""
    own = [event for event in _about(store, account, Locked) if event.owner == account]
    paid = [event for event in _about(store, account, Paid) if event.to == account]
    locks = [(event.locker, event.subject) for event in own]
    return dict.fromkeys([*locks, *((event.locker, event.subject) for event in paid)])


def _follow(
    store: IndexStore, account: Address, locker: Address, subject: bytes
) -> tuple[int, int]:
    """(what a lock changed in the account's free balance, what it still holds of the account)."""
    pots, credits = Pots(locker, subject), list[Credit]()
    for mark, events in by_transaction(store.about(subject, LOCK_EVENTS)):
        credits += pots.take(mark, events)
    own = [pot for pot in pots.all if pot.owner == account]
    change = add_up(credits).get(account, 0) + sum(pot.given_back - pot.amount for pot in own)
    return change, sum(pot.remaining for pot in own)
