"""When something happened, and where tokens came from and went: pure, the same for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32, Timestamp


@dataclass(frozen=True)
class Mark:
    """When something happened: block, its time, the transaction, and its sender where known."""

    block: int
    time: Timestamp
    tx: Hash32
    sender: Address | None = None


@dataclass(frozen=True)
class Credit:
    """Tokens that the anchor moved from a place of a lock to an account; in the smallest unit."""

    place: int
    account: Address
    amount: int


@dataclass(frozen=True)
class Pot:
    """What one owner had in one place of a lock; amounts in the token's smallest unit.

    Attributes:
        place: its number in the lock.
        amount: all that was put in.
        remaining: what it still holds.
        expires_at: the last second at which the locker may pay out of it.
        given_back: what went back to its owner because the lock had expired.
        returned: when that was.
    """

    place: int
    owner: Address
    amount: int
    remaining: int
    expires_at: Timestamp
    given_back: int = 0
    returned: Mark | None = None


@dataclass(frozen=True)
class AmountCheck:
    """What was paid, and what the table of amounts says; by account, in the smallest unit."""

    what: str
    paid: dict[Address, int]
    due: dict[Address, int]

    @property
    def agrees(self) -> bool:
        """Whether both are the same to the last unit."""
        return self.paid == self.due


def add_up(credits: Iterable[Credit]) -> dict[Address, int]:
    """Sum of credits by account."""
    total: dict[Address, int] = {}
    for credit in credits:
        total[credit.account] = total.get(credit.account, 0) + credit.amount
    return total
