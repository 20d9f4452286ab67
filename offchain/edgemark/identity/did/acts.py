"""What can be done to an identity, by its owner or by what its owner signed. Pure.

Law: an act is the same in a transaction of the owner's and in a statement; only how long something
     is valid is told otherwise there, in seconds from the block on instead of until a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.identity.did.statements import IdentityDomain


@dataclass(frozen=True)
class OwnerChange:
    """The identity belongs to another account."""

    FUNCTION: ClassVar[str] = "changeOwner"

    identity: Address
    owner: Address


@dataclass(frozen=True)
class Deactivation:
    """The identity ends, for good."""

    FUNCTION: ClassVar[str] = "deactivate"

    identity: Address


@dataclass(frozen=True)
class DelegateAddition:
    """A delegate may act until a second."""

    FUNCTION: ClassVar[str] = "addDelegate"

    identity: Address
    kind: Hash32
    delegate: Address
    valid_to: Timestamp


@dataclass(frozen=True)
class DelegateRevocation:
    """A delegate may act no longer."""

    FUNCTION: ClassVar[str] = "revokeDelegate"

    identity: Address
    kind: Hash32
    delegate: Address


@dataclass(frozen=True)
class AttributeSetting:
    """The identity says something of itself until a second."""

    FUNCTION: ClassVar[str] = "setAttribute"

    identity: Address
    name: Hash32
    value: bytes
    valid_to: Timestamp


@dataclass(frozen=True)
class AttributeRevocation:
    """The identity says something of itself no longer."""

    FUNCTION: ClassVar[str] = "revokeAttribute"

    identity: Address
    name: Hash32
    value: bytes


Act = (
    OwnerChange
    | Deactivation
    | DelegateAddition
    | DelegateRevocation
    | AttributeSetting
    | AttributeRevocation
)
ACTS: tuple[type[Act], ...] = (
    OwnerChange,
    Deactivation,
    DelegateAddition,
    DelegateRevocation,
    AttributeSetting,
    AttributeRevocation,
)


def digest_of(act: Act, domain: IdentityDomain, nonce: int, deadline: Timestamp) -> Hash32:
    """What the owner signs for an act, for one registry.

    Args:
        act: what is to be done.
        domain: of the registry.
        nonce: the identity's present one there.
        deadline: last second at which it counts, chain time.
    """
    ends = (nonce, deadline)
    match act:
        case OwnerChange(identity, owner):
            return domain.owner_change(identity, owner, *ends)
        case Deactivation(identity):
            return domain.deactivation(identity, *ends)
        case DelegateAddition(identity, kind, delegate, valid_to):
            return domain.delegate_addition(identity, kind, delegate, valid_to, *ends)
        case DelegateRevocation(identity, kind, delegate):
            return domain.delegate_revocation(identity, kind, delegate, *ends)
        case AttributeSetting(identity, name, value, valid_to):
            return domain.attribute_setting(identity, name, value, valid_to, *ends)
        case AttributeRevocation(identity, name, value):
            return domain.attribute_revocation(identity, name, value, *ends)
