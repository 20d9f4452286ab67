"""Events of MetaCoin and its Allocations, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent


@dataclass(frozen=True)
class AllocationReleased(ChainEvent):
    """A vested part went to its beneficiary; `purpose` as in `records.Purpose`."""

    purpose: int
    beneficiary: Address
    amount: Tokens


@dataclass(frozen=True)
class AllocationOffered(ChainEvent):
    """A beneficiary lets an account take its allocation over."""

    purpose: int
    beneficiary: Address
    offered_to: Address


@dataclass(frozen=True)
class AllocationHandedOver(ChainEvent):
    """An allocation has another beneficiary."""

    purpose: int
    former: Address
    beneficiary: Address


@dataclass(frozen=True)
class AllocationLapsed(ChainEvent):
    """What nobody released in time went to the heir."""

    purpose: int
    heir: Address
    amount: Tokens


@dataclass(frozen=True)
class Transfer(ChainEvent):
    """Tokens changed hands."""

    from_: Address
    to: Address
    value: Tokens


@dataclass(frozen=True)
class Approval(ChainEvent):
    """An owner set what a spender may take."""

    owner: Address
    spender: Address
    value: Tokens
