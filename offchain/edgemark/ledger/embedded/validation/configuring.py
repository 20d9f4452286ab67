"""Checks of a new configuration: made by who orders, alone in its block, the next in number."""

from __future__ import annotations

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.ground import Ground, Members
from edgemark.ledger.fabric.configuration.configurations import Configuration, read_configuration
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.wire.codes import Code


def check_configuration(candidate: Candidate, ground: Ground) -> Code | None:
    """Who orders made it, alone in its block, and it is the next of this channel."""
    try:
        found = configuration_of(candidate)
    except EdgemarkError:
        return Code.INVALID_CONFIG_TRANSACTION
    known = ground.members.find(candidate.signature_header.creator)
    is_orderer = (
        known is not None
        and known[0].msp_id == ground.configuration.orderer.msp_id
        and known[0].role is MemberRole.ORDERER
    )
    is_next = (
        found.channel == ground.channel
        and found.sequence == ground.configuration.sequence + 1
        and found.orderer.msp_id == ground.configuration.orderer.msp_id
    )
    is_good = is_orderer and is_next and ground.size == 1
    return None if is_good else Code.INVALID_CONFIG_TRANSACTION


def configuration_of(candidate: Candidate) -> Configuration:
    """The configuration of a config envelope.

    Raises:
        MessageMalformed, IdentityRefused: it holds none that a channel here can have.
    """
    channel = candidate.channel_header.channel_id
    return read_configuration(channel, candidate.payload.data)


def read_genesis(raw: bytes) -> Configuration:
    """The configuration of a channel's first envelope, signed by who it says orders.

    Raises:
        MessageMalformed, IdentityRefused: it is none.
    """
    candidate = Candidate(raw)
    found = configuration_of(candidate)
    envelope = candidate.envelope
    member = Members(found).check_signed(
        candidate.signature_header.creator, envelope.payload, envelope.signature
    )
    if member.msp_id != found.orderer.msp_id or member.role is not MemberRole.ORDERER:
        raise IdentityRefused("is not made by who orders", who="first block", had=member.msp_id)
    return found
