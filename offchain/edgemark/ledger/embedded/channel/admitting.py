"""What the orderer refuses at the door: it reads no more of an envelope than who signed it.

Source: Fabric 3.1, `orderer/common/{broadcast,msgprocessor}`. Stricter than there: what stands in
an envelope beside payload and signature is refused, for it could be taken for one of its own.
"""

from __future__ import annotations

from datetime import datetime

from fabric_protos.common import common_pb2

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.ground import Members
from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.signing import parse_identity
from edgemark.ledger.fabric.wire.canonical import is_envelope
from edgemark.ledger.fabric.wire.limits import MAX_ENVELOPE_BYTES

BAD_REQUEST: int = common_pb2.BAD_REQUEST
FORBIDDEN: int = common_pb2.FORBIDDEN
WHO = "envelope"


class NotOrdered(RefusedInput):
    """The orderer does not take an envelope.

    Attributes:
        status: BAD_REQUEST or FORBIDDEN, as the orderer answers.
    """

    status: int = BAD_REQUEST


def check_order(envelope: bytes, channel: str, members: Members, at: datetime) -> None:
    """Check that an envelope may be ordered.

    Args:
        envelope: as it came.
        channel: that it is to be ordered on.
        members: of the channel now.
        at: the time now, with its zone.

    Raises:
        NotOrdered: it is none, too large, for another channel, a configuration, signed by nobody of
            the channel, with a certificate that has expired, or with bytes that nobody signed.
    """
    if len(envelope) > MAX_ENVELOPE_BYTES:
        needed = f"<= {MAX_ENVELOPE_BYTES} bytes"
        raise _refuse(BAD_REQUEST, "is too large", had=f"{len(envelope)} bytes", needed=needed)
    candidate = Candidate(envelope)
    try:
        header, creator = candidate.channel_header, candidate.signature_header.creator
    except EdgemarkError as error:
        raise _refuse(BAD_REQUEST, "cannot be read", had=error) from error
    if header.channel_id != channel:
        had = header.channel_id[:64]
        raise _refuse(BAD_REQUEST, "is for another channel", had=had, needed=channel)
    if header.type in (common_pb2.CONFIG, common_pb2.CONFIG_UPDATE, common_pb2.ORDERER_TRANSACTION):
        raise _refuse(
            BAD_REQUEST,
            "is a configuration, which a development ledger takes from nobody",
            needed="an endorsed transaction",
            remedy="`edgemark ledger identity revoke` makes the one that there is.",
        )
    _check_has_not_expired(creator, at)
    found = candidate.envelope
    try:
        members.check_signed(creator, found.payload, found.signature)
    except EdgemarkError as error:
        raise _refuse(FORBIDDEN, "is not signed by a member of the channel", had=error) from error
    if not is_envelope(envelope):
        raise _refuse(
            BAD_REQUEST,
            "has bytes beside payload and signature, which nobody signed",
            needed="one payload and one signature",
            remedy="Send it without them.",
        )


def _check_has_not_expired(creator: bytes, at: datetime) -> None:
    """Only the end of its time counts, and before who signed, as for Fabric's orderer.

    A certificate has expired as soon as its last second begins, there and here: a peer of either
    ledger takes it during that second (`members.has_expired`).
    """
    try:
        _, certificate = parse_identity(creator)
    except (IdentityRefused, MessageMalformed):
        return  # told where the signature is checked
    last = certificate.not_valid_after_utc
    if at >= last:
        had, needed = at.isoformat(), f"before {last.isoformat()}"
        raise _refuse(BAD_REQUEST, "certificate has expired", had=had, needed=needed)


def _refuse(
    status: int, what: str, *, had: object = None, needed: object = None, remedy: str = ""
) -> NotOrdered:
    refused = NotOrdered(what, who=WHO, had=had, needed=needed, remedy=remedy)
    refused.status = status
    return refused
