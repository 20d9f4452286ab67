"""Who may do what, as the policies of a channel made by Fabric's own tools say.

| right | roles |
|---|---|
| writer: asks chaincode of a channel to be simulated | client, admin |
| reader: asks for blocks, transactions and configuration | client, admin, peer |
| administrator of an endorser | admin of its organisation |
"""

from __future__ import annotations

from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import Member, MemberRole
from edgemark.ledger.fabric.identities.signing import parse_identity

WRITERS = frozenset({MemberRole.CLIENT, MemberRole.ADMIN})
READERS = WRITERS | {MemberRole.PEER}


def member_of(ground: Ground, identity: bytes) -> Member:
    """Who that is on a channel; its expiry was looked at where it came in.

    Raises:
        IdentityRefused: nobody of this channel.
        MessageMalformed: it is no identity.
    """
    msp_id, _ = parse_identity(identity)
    organisation = ground.organisations.get(msp_id)
    if organisation is None:
        raise IdentityRefused(
            "is of no organisation of the channel",
            who=f"channel {ground.name}",
            had=msp_id[:64],
            needed=f"one of {', '.join(ground.organisations)}",
        )
    return organisation.admit(identity, at=None)


def check_writer(ground: Ground, identity: bytes) -> None:
    """Check that somebody may ask a channel's chaincode.

    Raises:
        IdentityRefused: it may not.
        MessageMalformed: it is no identity.
    """
    _check(member_of(ground, identity), WRITERS, f"channel {ground.name}")


def check_reader(ground: Ground, identity: bytes) -> None:
    """Check that somebody may read a channel's blocks.

    Raises:
        IdentityRefused: it may not.
        MessageMalformed: it is no identity.
    """
    _check(member_of(ground, identity), READERS, f"channel {ground.name}")


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
