"""Events of the AssetAnchor, and of every contract with a guardian, as they log them."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent


@dataclass(frozen=True)
class Deposited(ChainEvent):
    """Tokens came into an account."""

    account: Address
    payer: Address
    received: Tokens


@dataclass(frozen=True)
class Withdrawn(ChainEvent):
    """Tokens left an account."""

    account: Address
    to: Address
    amount: Tokens


@dataclass(frozen=True)
class Moved(ChainEvent):
    """Free tokens changed accounts inside the anchor."""

    from_: Address
    to: Address
    amount: Tokens


@dataclass(frozen=True)
class LockerAllowed(ChainEvent):
    """An account set what a locker may lock, and until when."""

    account: Address
    locker: Address
    amount: Tokens
    expires_at: Timestamp


@dataclass(frozen=True)
class Locked(ChainEvent):
    """Tokens of `owner` were locked in a place that held nothing."""

    locker: Address
    subject: Hash32
    owner: Address
    place: int
    amount: Tokens
    expires_at: Timestamp


@dataclass(frozen=True)
class LockIncreased(ChainEvent):
    """More tokens of `owner` were locked in a place."""

    locker: Address
    subject: Hash32
    owner: Address
    place: int
    amount: Tokens


@dataclass(frozen=True)
class LockRenewed(ChainEvent):
    """A plain lock lasts longer."""

    locker: Address
    subject: Hash32
    expires_at: Timestamp


@dataclass(frozen=True)
class Paid(ChainEvent):
    """Tokens moved from a place of a lock to an account."""

    locker: Address
    subject: Hash32
    to: Address
    place: int
    amount: Tokens


@dataclass(frozen=True)
class LockReturned(ChainEvent):
    """A lock expired; the rest of a place went back to its owner."""

    locker: Address
    subject: Hash32
    owner: Address
    place: int
    amount: Tokens
    caller: Address


@dataclass(frozen=True)
class WorkStopped(ChainEvent):
    """A contract with a guardian takes no new work from here on; see `anchoring/Deprecation`."""

    guardian: Address
