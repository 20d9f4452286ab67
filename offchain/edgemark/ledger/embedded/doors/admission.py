"""Who passes a door: signatures, membership, roles, expiry, the time that a proposal tells.

A proposal is looked at in Fabric's order, and what is told differs by where it fails:

    expired certificate, time of the proposal     before it is looked into: `is_filtered`
    signature, membership, seen before, writer    refused
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from grpc import StatusCode

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.doors.behind import Behind, Clock
from edgemark.ledger.embedded.doors.serving.refusing import refusal
from edgemark.ledger.embedded.simulation import rights
from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.members import Member, Organisation, has_expired
from edgemark.ledger.fabric.identities.signing import check_signature, parse_identity
from edgemark.ledger.fabric.wire.limits import TIMESTAMP_WINDOW_S
from edgemark.ledger.fabric.wire.proposals import Proposal

WINDOW = timedelta(seconds=TIMESTAMP_WINDOW_S)
WINDOW_TEXT = "15m0s"


class ProposalRefused(RefusedInput):
    """An endorser does not take a proposal.

    Attributes:
        is_filtered: it was refused before it was looked into.
    """

    is_filtered: bool = False


@dataclass(frozen=True)
class Admitted:
    """A proposal that may be simulated.

    Attributes:
        proposal: taken apart.
        signed: `SignedProposal`, as it came.
        member: who signed it.
        channel: that it is for; None for none.
    """

    proposal: Proposal
    signed: bytes
    member: Member
    channel: Channel | None


def admit_proposal(
    behind: Behind, signed: Any, proposal: Proposal, channel: Channel | None, msp_id: str
) -> Admitted:
    """Check a proposal at the door of an organisation's peer.

    Args:
        behind: the doors.
        signed: `SignedProposal`.
        proposal: the same, taken apart.
        channel: that it is for; None for one that names none.
        msp_id: whose door it is.

    Raises:
        ProposalRefused: it is not taken.
    """
    _filter(proposal, behind.clock)
    known = _organisations_of(behind, channel, msp_id)
    member = _check_signed(signed, proposal, known)
    if channel is None:
        return Admitted(proposal, signed.SerializeToString(), member, None)
    if channel.has_transaction(proposal.transaction_id):
        found = f"duplicate transaction found [{proposal.transaction_id}]"
        raise ProposalRefused(f"{found}. Creator [{proposal.creator.hex()}]")
    if not behind.endorser.is_system(proposal.chaincode):
        try:
            rights.check_writer(channel, proposal.creator)
        except EdgemarkError as error:
            raise ProposalRefused(f"access denied for [{proposal.chaincode}]: {error}") from error
    return Admitted(proposal, signed.SerializeToString(), member, channel)


def _filter(proposal: Proposal, clock: Clock) -> None:
    at = datetime.fromtimestamp(0, UTC)
    try:
        at += timedelta(microseconds=proposal.timestamp_ns // 1000)
        is_near = clock.now() - WINDOW <= at <= clock.latest() + WINDOW
    except OverflowError:
        is_near = False
    if not is_near:
        refused = ProposalRefused(
            f"request unauthorized due to incorrect timestamp {at.isoformat()}, "
            f"peer time {clock.now().isoformat()}, timewindow {WINDOW_TEXT}"
        )
        refused.is_filtered = True
        raise refused
    try:
        _, certificate = parse_identity(proposal.creator)
    except (IdentityRefused, MessageMalformed):
        return  # told where the signature is checked
    if has_expired(certificate, clock.now()):
        refused = ProposalRefused("proposal client identity expired")
        refused.is_filtered = True
        raise refused


def _organisations_of(
    behind: Behind, channel: Channel | None, msp_id: str
) -> dict[str, Organisation]:
    """Whose members may ask: those of the channel, or the peer's own organisation."""
    if channel is not None:
        return dict(channel.organisations)
    for each in behind.channels.values():
        if msp_id in each.organisations:
            return {msp_id: each.organisations[msp_id]}
    return {}


def _check_signed(signed: Any, proposal: Proposal, known: dict[str, Organisation]) -> Member:
    msp_id = "unknown"
    try:
        msp_id, certificate = parse_identity(proposal.creator)
        who = f"proposal of {msp_id[:64]}"
        member = rights.admit(known, proposal.creator, who)
        check_signature(certificate, signed.proposal_bytes, signed.signature, who)
    except (IdentityRefused, MessageMalformed) as error:
        place = f"channel [{proposal.channel[:64]}] creator org [{msp_id[:64]}]"
        text = f"error validating proposal: access denied: {place}"
        raise ProposalRefused(f"{text}: {error}") from error
    return member


def check_asker(behind: Behind, request: Any, signed: Any, msp_id: str) -> tuple[Channel, Member]:
    """The channel that somebody asks of, and who they are, once it is known that they may.

    Args:
        behind: the doors.
        request: with `channel_id` and `identity`.
        signed: `request` as it was signed, and the signature.
        msp_id: whose door it is.

    Raises:
        CallRefused: they may not, or there is no such channel here.
    """
    channel = behind.channel_of(request.channel_id, msp_id)
    if channel is None:
        text = (
            f"channel {request.channel_id[:64]} is not known here: {behind.tell_channels(msp_id)}"
        )
        raise refusal(StatusCode.PERMISSION_DENIED, text)
    at = behind.clock.now()
    try:
        check_signed(request.identity, signed.request, signed.signature)
        return channel, rights.check_reader(channel, request.identity, at)
    except (IdentityRefused, MessageMalformed) as error:
        raise refusal(StatusCode.PERMISSION_DENIED, str(error)) from error


def check_signed(identity: bytes, message: bytes, signature: bytes) -> None:
    """Check that who asks signed what they ask.

    Args:
        identity: `SerializedIdentity` of who asks.
        message: what they signed.
        signature: over it.

    Raises:
        IdentityRefused: it is not of their key.
        MessageMalformed: it is no identity.
    """
    msp_id, certificate = parse_identity(identity)
    check_signature(certificate, message, signature, f"request of {msp_id[:64]}")
