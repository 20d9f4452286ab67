"""The structs of the shared contracts, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens, parse_address
from edgemark.ledger.answers import member_of


class Role(IntEnum):
    """What a participant does (`IParticipantRegistry.Role`)."""

    NONE = 0
    DEVICE = 1
    COMPUTE_NODE = 2
    ENCLAVE = 3
    CONSENSUS_NODE = 4
    PROVIDER = 5


@dataclass(frozen=True)
class Resources:
    """What a server offers (`IParticipantRegistry.Resources`).

    Args:
        cpu_cores: whole cores, < 2^32 as all fields.
        ram_mib: MiB of memory.
        storage_mib: MiB of storage.
        network_mbps: Mbit/s.
    """

    cpu_cores: int
    ram_mib: int
    storage_mib: int
    network_mbps: int

    def as_abi(self) -> tuple[int, ...]:
        """The tuple that the contract takes."""
        return astuple(self)


@dataclass(frozen=True)
class Participant:
    """Who takes part (`IParticipantRegistry.Participant`).

    Args:
        role: what the account does; NONE when it is not registered.
        registered_at: Unix seconds.
        retired_at: Unix seconds since when it takes no new work; 0 when it does.
        provider: organisation it works for.
        tls_key_hash: SHA-256 of the SubjectPublicKeyInfo of its TLS key.
        endpoint: https URL without path.
        resources: what it offers.
    """

    role: Role
    registered_at: Timestamp
    retired_at: Timestamp
    provider: Address
    tls_key_hash: Hash32
    endpoint: str
    resources: Resources

    @classmethod
    def from_struct(cls, struct: Any) -> Participant:
        """The record of a decoded struct."""
        return cls(
            member_of(Role, struct.role),
            Timestamp(struct.registered_at),
            Timestamp(struct.retired_at),
            struct.provider,
            Hash32(struct.tls_key_hash),
            struct.endpoint,
            Resources(*struct.resources),
        )


@dataclass(frozen=True)
class Limits:
    """Bounds of every job, fixed at deployment (`ISettlement.Limits`).

    Args:
        min_fee, max_fee: bounds of a node's fee, smallest units of the token.
        min_window, max_window: bounds of each of the three windows of a job, seconds.
        judge_window: seconds the judges have for each step.
        exit_grace: seconds after the last possible step until locks expire.
    """

    min_fee: Tokens
    max_fee: Tokens
    min_window: int
    max_window: int
    judge_window: int
    exit_grace: int

    def as_abi(self) -> tuple[int, ...]:
        """The tuple that the contract takes."""
        return astuple(self)

    @property
    def longest_job_s(self) -> int:
        """Seconds from the posting of a job to the expiry of its locks, at most."""
        return 5 * self.max_window + 3 * self.judge_window + self.exit_grace


class Purpose(IntEnum):
    """What a part of the supply is for (`IAllocations.Purpose`)."""

    OPERATION = 0
    EARLY = 1
    COMMUNITY = 2
    INCENTIVES = 3


@dataclass(frozen=True)
class AllocationPlan:
    """One of the four parts of the supply (`IAllocations.Plan`).

    Args:
        beneficiary: whom the vested part is released to.
        amount: smallest units; the four sum to the supply.
        delay: seconds from deployment until vesting begins.
        duration: seconds from its beginning until all has vested; 0: all at once.
        grace: seconds from its end until the rest lapses to the pool, at least 1.
    """

    beneficiary: Address
    amount: Tokens
    delay: int
    duration: int
    grace: int

    @classmethod
    def from_dict(cls, facts: Any) -> AllocationPlan:
        """Of a manifest, or of a user's file.

        Raises:
            KeyError, TypeError, ValueError, RefusedInput: something is missing or of another kind.
        """
        beneficiary = parse_address(facts["beneficiary"], who="beneficiary")
        spans = (int(facts[name]) for name in ("delay", "duration", "grace"))
        return cls(beneficiary, Tokens(int(facts["amount"])), *spans)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return astuple(self)


@dataclass(frozen=True)
class Staking:
    """What a provider needs at stake (`IProviderStakes`).

    Args:
        min_stake: smallest units, at least 1.
        unbonding_seconds: from leaving to having it back; at least `Limits.longest_job_s`.
    """

    min_stake: Tokens
    unbonding_seconds: int


@dataclass(frozen=True)
class ProviderStake:
    """The stake of a provider (`IProviderStakes.ProviderStake`).

    Args:
        amount: tokens locked; 0 when there is no stake.
        expires_at: Unix seconds at which the lock ends unless it is renewed.
        free_at: Unix seconds at which unbonding ends; 0 when bonded.
        lock_id: the lock in the anchor.
    """

    amount: Tokens
    expires_at: Timestamp
    free_at: Timestamp
    lock_id: int
