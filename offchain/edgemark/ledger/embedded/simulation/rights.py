"""Who may do what, as the policies of a channel made by Fabric's own tools say.

| right | roles |
|---|---|
| writer: asks chaincode of a channel to be simulated | client, admin |
| reader: asks for blocks, transactions and configuration | client, admin, peer |
| administrator of an endorser | admin of its organisation |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import Member, MemberRole, Organisation
from edgemark.ledger.fabric.identities.signing import parse_identity

WRITERS = frozenset({MemberRole.CLIENT, MemberRole.ADMIN})
READERS = WRITERS | {MemberRole.PEER}


def admit(
    organisations: Mapping[str, Organisation],
    identity: bytes,
    who: str,
    at: datetime | None = None,
) -> Member:
    """Who that is, of several organisations.

    Args:
        organisations: whose members are let in, by MSP id.
        identity: `SerializedIdentity`.
        who: that lets them in, for the error.
        at: time at which its certificate must not have expired; None where that was looked at.

    Raises:
        IdentityRefused: nobody of them.
        MessageMalformed: it is no identity.
    """
    msp_id, _ = parse_identity(identity)
    organisation = organisations.get(msp_id)
    if organisation is None:
        raise IdentityRefused(
            "is of another organisation",
            who=who,
            had=msp_id[:64],
            needed=f"one of {', '.join(organisations)}",
        )
    return organisation.admit(identity, at=at)


def check_writer(ground: Ground, identity: bytes) -> None:
    """Check that somebody may ask a channel's chaincode.

    Raises:
        IdentityRefused: it may not.
        MessageMalformed: it is no identity.
    """
    who = f"channel {ground.name}"
    _check(admit(ground.organisations, identity, who), WRITERS, who)


def check_reader(ground: Ground, identity: bytes, at: datetime | None = None) -> Member:
    """Check that somebody may read a channel's blocks; answers who it is.

    Args:
        ground: the channel.
        identity: `SerializedIdentity` of who asks.
        at: the time now; None where the end of its certificate was looked at.

    Raises:
        IdentityRefused: it may not.
        MessageMalformed: it is no identity.
    """
    who = f"channel {ground.name}"
    member = admit(ground.organisations, identity, who, at)
    _check(member, READERS, who)
    return member


def check_admin(member: Member, msp_id: str) -> None:
    """Check that somebody administers the endorser of an organisation.

    Raises:
        IdentityRefused: it does not.
    """
    if member.msp_id != msp_id:
        raise IdentityRefused("is of another organisation", had=member.msp_id, needed=msp_id)
    _check(member, frozenset({MemberRole.ADMIN}), f"endorser of {msp_id}")


def _check(member: Member, roles: frozenset[MemberRole], who: str) -> None:
    if member.role not in roles:
        needed = " or ".join(sorted(roles))
        raise IdentityRefused("role is another", who=who, had=member.role, needed=needed)
