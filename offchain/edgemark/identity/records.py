"""The structs of the shared contracts, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.reading.answers import member_of
from edgemark.words import in_words

MAX_ROLE = 2**16 - 1
FIRST_SERVER = 16  # `Roles.FIRST_SERVER`


class Role(IntEnum):
    """What a participant does: open numbers, of which these have names here.

    The registry knows none, device and provider, and that whoever is 16 or more is a server; each
    system names its sixteen (`name_role`). A number that has no name is a role as well: a stranger
    may have registered in it.
    """

    NONE = 0
    DEVICE = 1
    PROVIDER = 2

    @classmethod
    def _missing_(cls, value: object) -> Role | None:
        if not isinstance(value, int) or not 0 <= value <= MAX_ROLE:
            return None
        return _NAMED.get(value) or cls._make(value, f"ROLE_{value}")

    @classmethod
    def _make(cls, number: int, name: str) -> Role:
        role = int.__new__(cls, number)
        role._name_, role._value_ = name, number
        return role

    @property
    def word(self) -> str:
        """What people and programs read; the name in capitals stands in files of registrations."""
        return _WORDS.get(self, in_words(self))

    @property
    def is_server(self) -> bool:
        """Whether whoever has it works for a provider, at an endpoint."""
        return self >= FIRST_SERVER


_NAMED: dict[int, Role] = {}  # by the systems that this process imported
_WORDS: dict[int, str] = {}  # of those whose word is not their name


def name_role(number: int, name: str, word: str = "") -> Role:
    """The role of a number of a system's sixteen, by the name that its library of contracts has.

    Args:
        number: FIRST_SERVER .. MAX_ROLE.
        name: in capitals; files of registrations have it.
        word: of the glossary, where it is another than the name.

    Raises:
        ValueError: no server's number, or one of the two is another role's already.
    """
    had, taken = _NAMED.get(number), find_role(name)
    if had is not None and had is taken:
        return had
    if had is not None:
        raise ValueError(f"role {number} cannot be called {name}: it is {had.name}")
    if taken is not None:
        raise ValueError(f"role {number} cannot be called {name}: that is role {taken:d}")
    if not FIRST_SERVER <= number <= MAX_ROLE:
        raise ValueError(
            f"role {number} cannot be called {name}: {FIRST_SERVER} to {MAX_ROLE} are servers'"
        )
    if word:
        _WORDS[number] = word
    return _NAMED.setdefault(number, Role._make(number, name))


def find_role(name: str) -> Role | None:
    """The role of a name; None when none is called so."""
    return next((role for role in (*Role, *_NAMED.values()) if role.name == name), None)


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
class Staking:
    """What a provider needs at stake (`IProviderStakes`).

    Args:
        min_stake: smallest units, at least 1.
        unbonding_seconds: from leaving to having it back; at least `Limits.longest_job_s`.
        pause_seconds: from coming back to counting for new work again, at least 1.
    """

    min_stake: Tokens
    unbonding_seconds: int
    pause_seconds: int


@dataclass(frozen=True)
class ProviderStake:
    """The stake of a provider (`IProviderStakes.ProviderStake`).

    Args:
        amount: tokens locked; 0 when there is no stake.
        expires_at: Unix seconds at which the lock ends unless it is renewed.
        free_at: Unix seconds at which unbonding ends; 0 when bonded.
        counts_from: Unix seconds from which it counts for new work; 0 until it was enough once.
        new_members_from: Unix seconds from which members that are new count for new work; 0 when
            none ever left.
    """

    amount: Tokens
    expires_at: Timestamp
    free_at: Timestamp
    counts_from: Timestamp
    new_members_from: Timestamp
