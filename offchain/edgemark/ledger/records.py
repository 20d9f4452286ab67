"""The structs of the shared contracts, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens


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
        provider: organisation it works for.
        tls_key_hash: SHA-256 of the SubjectPublicKeyInfo of its TLS key.
        endpoint: https URL without path.
        resources: what it offers.
    """

    role: Role
    registered_at: Timestamp
    provider: Address
    tls_key_hash: Hash32
    endpoint: str
    resources: Resources

    @classmethod
    def from_struct(cls, struct: Any) -> Participant:
        """The record of a decoded struct."""
        return cls(
            Role(struct.role),
            Timestamp(struct.registered_at),
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
