"""Events of the DidRegistry, those of ERC-1056, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent


@dataclass(frozen=True)
class DIDOwnerChanged(ChainEvent):
    """An identity belongs to another account; to nobody, for good, when that is zero."""

    identity: Address
    owner: Address
    previous_change: int


@dataclass(frozen=True)
class DIDDelegateChanged(ChainEvent):
    """A delegate may act until `valid_to`; 0 when it may no longer."""

    identity: Address
    delegate_type: Hash32
    delegate: Address
    valid_to: Timestamp
    previous_change: int


@dataclass(frozen=True)
class DIDAttributeChanged(ChainEvent):
    """An identity says something of itself until `valid_to`; 0 when it no longer does."""

    identity: Address
    name: Hash32
    value: bytes
    valid_to: Timestamp
    previous_change: int


@dataclass(frozen=True)
class DIDSignaturesRevoked(ChainEvent):
    """What was signed for an identity with this nonce counts no more."""

    identity: Address
    nonce: int


Change = DIDOwnerChanged | DIDDelegateChanged | DIDAttributeChanged
CHANGES = (DIDOwnerChanged, DIDDelegateChanged, DIDAttributeChanged)
