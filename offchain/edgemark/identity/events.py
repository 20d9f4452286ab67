"""Events of the ParticipantRegistry, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent


@dataclass(frozen=True)
class ParticipantRegistered(ChainEvent):
    """An account registered; `role` as in `records.Role`."""

    account: Address
    role: int
    provider: Address
    tls_key_hash: Hash32
    endpoint: str


@dataclass(frozen=True)
class MemberAdmitted(ChainEvent):
    """A provider admitted an account; it may take new work from `counts_from` on."""

    provider: Address
    account: Address
    counts_from: Timestamp


@dataclass(frozen=True)
class ProviderNamed(ChainEvent):
    """A provider registered under a name."""

    provider: Address
    name: str


@dataclass(frozen=True)
class MemberDismissed(ChainEvent):
    """A provider withdrew an admission."""

    provider: Address
    account: Address


@dataclass(frozen=True)
class ServerUpdated(ChainEvent):
    """A server has another TLS key or endpoint."""

    account: Address
    tls_key_hash: Hash32
    endpoint: str


@dataclass(frozen=True)
class ParticipantRetired(ChainEvent):
    """An account takes no new work from here on."""

    account: Address


@dataclass(frozen=True)
class ParticipantSucceeded(ChainEvent):
    """An account gave its place to another."""

    account: Address
    successor: Address
    provider: Address


@dataclass(frozen=True)
class ProviderStaked(ChainEvent):
    """A provider locked `amount` more, `total` in all; it counts from `counts_from` on."""

    provider: Address
    amount: Tokens
    total: Tokens
    expires_at: Timestamp
    counts_from: Timestamp


@dataclass(frozen=True)
class ProviderUnbonding(ChainEvent):
    """A provider's stake counts for nothing new, and is free from `free_at` on."""

    provider: Address
    amount: Tokens
    free_at: Timestamp


@dataclass(frozen=True)
class ProviderStakeReleased(ChainEvent):
    """A provider has its stake back."""

    provider: Address
    to: Address
    amount: Tokens
