"""Events of the anchor as tests write them: place after place on an imagined chain."""

from __future__ import annotations

from typing import TypeVar

from edgemark.anchoring.events import Locked, LockIncreased, LockReturned, Paid
from edgemark.chronicle.marks import Mark
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens, parse_address
from edgemark.ledger.evm.contract.chain_event import ChainEvent, LogPlace

ANCHOR, LOCKER, OTHER, OWNER, PAYEE, OUTSIDER = (
    parse_address(bytes([number]) * 20) for number in range(1, 7)
)
SUBJECT = Hash32(bytes(31) + b"\7")
EXPIRY = Timestamp(1_000)
Event = TypeVar("Event", bound=ChainEvent)


def place_at(number: int) -> LogPlace:
    """The only log of transaction `number`, in a block of its own."""
    return LogPlace(ANCHOR, number, Hash32(bytes(32)), Hash32(number.to_bytes(32, "big")), 0)


def mark_at(number: int) -> Mark:
    """When transaction `number` was mined, ten seconds after the one before."""
    return Mark(number, Timestamp(10 * number), Hash32(number.to_bytes(32, "big")))


def locked(
    amount: int, place: int = 0, *, owner: Address = OWNER, locker: Address = LOCKER, at: int = 1
) -> Locked:
    """Tokens go into a place."""
    return Locked(locker, SUBJECT, owner, place, Tokens(amount), EXPIRY, at=place_at(at))


def increased(
    amount: int, place: int = 0, *, locker: Address = LOCKER, at: int = 2
) -> LockIncreased:
    """More tokens of the same owner go in."""
    return LockIncreased(locker, SUBJECT, OWNER, place, Tokens(amount), at=place_at(at))


def paid(
    amount: int, place: int = 0, *, to: Address = PAYEE, locker: Address = LOCKER, at: int = 3
) -> Paid:
    """Tokens leave a place for an account."""
    return Paid(locker, SUBJECT, to, place, Tokens(amount), at=place_at(at))


def returned(
    amount: int, place: int = 0, *, owner: Address = OWNER, locker: Address = LOCKER, at: int = 4
) -> LockReturned:
    """An expired lock's rest goes back."""
    return LockReturned(locker, SUBJECT, owner, place, Tokens(amount), OUTSIDER, at=place_at(at))
