"""Checks of a transaction's headers: who made it, when it is the same as another, what it is.

What the creator signs covers the whole payload: channel, id, chaincode, what was asked, what was
answered, all endorsements. What endorsers sign covers, by the proposal hash, the channel header (so
channel, id and chaincode), creator, nonce and what was asked; and only these, for the hash has no
borders, by `check_order_of_fields`, `check_action_header` and `check_asked` together.
"""

from __future__ import annotations

from fabric_protos.common import common_pb2

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.ground import Ground
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.canonical import (
    ASKED,
    CHANNEL_HEADER,
    SIGNATURE_HEADER,
    is_in_order,
)
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.raw.counting import TooManyParts, check_call

KINDS = frozenset({common_pb2.CONFIG, common_pb2.CONFIG_UPDATE, common_pb2.ENDORSER_TRANSACTION})


def check_envelope(candidate: Candidate, _: Ground) -> Code | None:
    """It is an envelope."""
    try:
        candidate.envelope  # noqa: B018 (parses it)
    except MessageMalformed:
        return Code.INVALID_OTHER_REASON
    return None


def check_payload(candidate: Candidate, _: Ground) -> Code | None:
    """What was signed is a payload."""
    try:
        candidate.payload  # noqa: B018 (parses it)
    except MessageMalformed:
        return Code.BAD_PAYLOAD
    return None


def check_common_header(candidate: Candidate, _: Ground) -> Code | None:
    """Its headers are whole: a known kind, epoch 0, a creator and a nonce."""
    try:
        channel, signature = candidate.channel_header, candidate.signature_header
    except MessageMalformed:
        return Code.BAD_COMMON_HEADER
    is_whole = (
        candidate.payload.HasField("header")
        and channel.type in KINDS
        and not channel.epoch
        and signature.nonce
        and signature.creator
    )
    return None if is_whole else Code.BAD_COMMON_HEADER


def check_order_of_fields(candidate: Candidate, _: Ground) -> Code | None:
    """Its headers end where they end: nothing behind them can be taken for theirs, or they for it.

    Fabric asks none of this: there one endorsement counts under any ids and on any channels that
    whoever made the proposal has hidden in its header.
    """
    header = candidate.payload.header
    is_good = is_in_order(header.channel_header, CHANNEL_HEADER) and is_in_order(
        header.signature_header, SIGNATURE_HEADER
    )
    return None if is_good else Code.BAD_COMMON_HEADER


def check_creator(candidate: Candidate, ground: Ground) -> Code | None:
    """A member of the channel made it and signed all of it."""
    envelope = candidate.envelope
    try:
        ground.members.check_signed(
            candidate.signature_header.creator, envelope.payload, envelope.signature
        )
    except EdgemarkError:
        return Code.BAD_CREATOR_SIGNATURE
    return None


def check_kind(candidate: Candidate, _: Ground) -> Code | None:
    """It is no update of the configuration: those are never in a block as such."""
    if candidate.channel_header.type == common_pb2.CONFIG_UPDATE:
        return Code.UNSUPPORTED_TX_PAYLOAD
    return None


def check_transaction_id(candidate: Candidate, _: Ground) -> Code | None:
    """Its id is the hash of its own nonce and creator: nobody takes another's."""
    is_own = candidate.transaction_id == candidate.computed_id
    return None if is_own else Code.BAD_PROPOSAL_TXID


def check_one_action(candidate: Candidate, _: Ground) -> Code | None:
    """It holds exactly one action, whose header names a creator and a nonce."""
    try:
        if _action_count(candidate) != 1:
            return Code.INVALID_ENDORSER_TRANSACTION
        header = candidate.action_header
        is_whole = header.nonce and header.creator
        candidate.response  # noqa: B018 (parses it)
    except TooManyParts:
        return Code.ENDORSEMENT_POLICY_FAILURE  # of these so many are not looked at
    except MessageMalformed:
        return Code.INVALID_ENDORSER_TRANSACTION
    return None if is_whole else Code.INVALID_ENDORSER_TRANSACTION


def _action_count(candidate: Candidate) -> int:
    try:
        return len(candidate.actions)
    except TooManyParts:
        return 0


def check_action_header(candidate: Candidate, _: Ground) -> Code | None:
    """What endorsers say was its signature header is its signature header, byte for byte."""
    is_same = candidate.actions[0].header == candidate.payload.header.signature_header
    return None if is_same else Code.INVALID_ENDORSER_TRANSACTION


def check_asked(candidate: Candidate, _: Ground) -> Code | None:
    """What was asked is there, and nothing else is: no field that no reader shows.

    Nor are there more arguments than any endorser of ours takes.
    """
    asked = candidate.asked.chaincode_proposal_payload
    try:
        check_call(asked)
    except MessageMalformed:
        return Code.INVALID_ENDORSER_TRANSACTION
    is_good = asked and is_in_order(asked, ASKED)
    return None if is_good else Code.INVALID_ENDORSER_TRANSACTION


def check_proposal_hash(candidate: Candidate, _: Ground) -> Code | None:
    """What endorsers answered is what stands in this envelope: headers and arguments."""
    is_same = candidate.proposal_hash == candidate.response.proposal_hash
    return None if is_same else Code.INVALID_ENDORSER_TRANSACTION


def check_channel(candidate: Candidate, ground: Ground) -> Code | None:
    """It is for this channel."""
    is_here = candidate.channel_header.channel_id == ground.channel
    return None if is_here else Code.TARGET_CHAIN_NOT_FOUND


def check_is_new(candidate: Candidate, ground: Ground) -> Code | None:
    """No transaction of its id stands below, valid or not."""
    is_there = ground.state.has_transaction(candidate.transaction_id)
    return Code.DUPLICATE_TXID if is_there else None
