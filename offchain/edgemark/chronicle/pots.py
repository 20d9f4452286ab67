"""Follows one lock of the anchor from transaction to transaction, wherever they were read.

Rule: a lock is known by its locker and its subject. Other lockers may use the same subject, even in
the same transaction; what they do is no part of this lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias, get_args

from edgemark.anchoring.events import Locked, LockIncreased, LockRenewed, LockReturned, Paid
from edgemark.chronicle.marks import Credit, Mark, Pot
from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.chain_event import ChainEvent

LockEvent: TypeAlias = Locked | LockIncreased | LockRenewed | Paid | LockReturned
LOCK_EVENTS: tuple[type[LockEvent], ...] = get_args(LockEvent)


class Pots:
    """The pots of one lock in the making.

    Args:
        locker: contract that locks and pays.
        subject: of the lock; 32 bytes.
    """

    def __init__(self, locker: Address, subject: bytes) -> None:
        self._key = (locker, subject)
        self._filled: dict[int, Pot] = {}  # by place, the last that was filled there
        self._earlier: list[Pot] = []  # empty, and their place was filled again

    def take(self, mark: Mark, events: Iterable[ChainEvent]) -> list[Credit]:
        """Everything that a transaction says about the lock; answers what was paid out of it.

        Args:
            mark: the transaction.
            events: in it, in order; those of other locks and contracts too.
        """
        credits = []
        for event in events:
            if isinstance(event, LockEvent) and (event.locker, event.subject) == self._key:
                self._take(mark, event)
                if isinstance(event, Paid):
                    credits.append(Credit(event.place, event.to, event.amount))
        return credits

    @property
    def all(self) -> tuple[Pot, ...]:
        """Every pot there was, in the order of places."""
        return tuple(sorted([*self._earlier, *self._filled.values()], key=lambda pot: pot.place))

    def _take(self, mark: Mark, event: LockEvent) -> None:
        match event:
            case Locked(place=place, owner=owner, amount=amount, expires_at=expires_at):
                if place in self._filled:
                    self._earlier.append(self._filled[place])
                self._filled[place] = Pot(place, owner, amount, amount, expires_at)
            case LockIncreased(place=place, amount=amount):
                pot = self._filled[place]
                total, left = pot.amount + amount, pot.remaining + amount
                self._filled[place] = replace(pot, amount=total, remaining=left)
            case LockRenewed(expires_at=expires_at):
                for place, pot in self._filled.items():
                    self._filled[place] = replace(pot, expires_at=expires_at)
            case Paid(place=place, amount=amount):
                pot = self._filled[place]
                self._filled[place] = replace(pot, remaining=pot.remaining - amount)
            case LockReturned(place=place, amount=amount):
                pot = self._filled[place]
                self._filled[place] = replace(pot, remaining=0, given_back=amount, returned=mark)
