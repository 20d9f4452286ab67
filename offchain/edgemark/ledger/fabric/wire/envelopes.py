"""A transaction as it is ordered: what was asked, what endorsers answered, who signs for it.

    Envelope(payload, signature of the creator)
      payload: header | transaction (one action)
        action: what was asked (without transient data) | the response that endorsers signed
          response: proposal hash | read-write sets | event | status and payload | chaincode

An endorser signs the bytes of the response, followed by its own identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_event_pb2, proposal_pb2, transaction_pb2
from fabric_protos.peer import proposal_response_pb2 as response_pb2

from edgemark.ledger.fabric.wire.digests import compute_proposal_hash, compute_transaction_id
from edgemark.ledger.fabric.wire.messages import (
    NANOSECONDS,
    parse,
    read_channel_header,
    read_signature_header,
)
from edgemark.ledger.fabric.wire.proposals import Proposal
from edgemark.ledger.fabric.wire.raw.counting import MAX_READ_PARTS, check_endorsed, check_fields

WHO = "transaction"


@dataclass(frozen=True)
class Endorsement:
    """One endorser's signature over a response.

    Attributes:
        endorser: its `SerializedIdentity`.
        signature: over the response's bytes followed by `endorser`, DER.
    """

    endorser: bytes
    signature: bytes


@dataclass(frozen=True)
class Event:
    """What a chaincode tells whoever listens, once the transaction counts.

    Attributes:
        chaincode: that tells it.
        transaction_id: of the transaction.
        name: of the event.
        payload: whatever the chaincode says.
    """

    chaincode: str
    transaction_id: str
    name: str
    payload: bytes


@dataclass(frozen=True)
class Action:
    """What endorsers answered: the signed bytes and what they say.

    Attributes:
        signed: `ProposalResponsePayload`, the bytes that endorsers signed.
        proposal_hash: of the proposal that they answered.
        results: `TxReadWriteSet`.
        event: `ChaincodeEvent`; empty for none.
        status: of the chaincode's response; 200 for a good one.
        response: its payload.
        chaincode: name that endorsers ran.
        version: of it.
    """

    signed: bytes
    proposal_hash: bytes
    results: bytes
    event: bytes
    status: int
    response: bytes
    chaincode: str
    version: str


@dataclass(frozen=True)
class Transaction:
    """An endorsed transaction, taken apart; nothing of it is checked yet.

    Attributes:
        payload: what the creator signed.
        signature: of the creator over it.
        type: of the channel header; 3 for an endorsed transaction.
        epoch: of the channel header; 0.
        channel: that it is for.
        transaction_id: as its header says it.
        timestamp_ns: what its creator said the time was, Unix nanoseconds.
        creator: `SerializedIdentity`.
        nonce: of the signature header.
        chaincode: that the header names.
        asked: `ChaincodeProposalPayload` of the one action, without transient data.
        actions: number of actions; one is allowed.
        action: the one that counts.
        endorsements: of it.
        hash: of the headers and what was asked, as they stand in this envelope.
        action_header: `SignatureHeader` of the action, the same as the envelope's.
        signature_header: of the envelope.
    """

    payload: bytes
    signature: bytes
    type: int
    epoch: int
    channel: str
    transaction_id: str
    timestamp_ns: int
    creator: bytes
    nonce: bytes
    chaincode: str
    asked: bytes
    actions: int
    action: Action
    endorsements: tuple[Endorsement, ...]
    hash: bytes
    action_header: bytes
    signature_header: bytes

    @property
    def own_id(self) -> str:
        """Its id, where nonce and creator give it; "" where the header claims another's."""
        is_own = self.transaction_id == compute_transaction_id(self.nonce, self.creator)
        return self.transaction_id if is_own else ""


def make_response(
    proposal_hash: bytes,
    results: bytes,
    *,
    chaincode: str,
    version: str,
    response: bytes = b"",
    status: int = 200,
    message: str = "",
    event: bytes = b"",
) -> bytes:
    """`ProposalResponsePayload`: what an endorser signs; for the arguments see `Action`."""
    action = proposal_pb2.ChaincodeAction(
        results=results,
        events=event,
        response=response_pb2.Response(status=status, payload=response, message=message),
    )
    action.chaincode_id.name, action.chaincode_id.version = chaincode, version
    made: bytes = response_pb2.ProposalResponsePayload(
        proposal_hash=proposal_hash, extension=action.SerializeToString()
    ).SerializeToString()
    return made


def join_payload(asked: Proposal, response: bytes, endorsements: Sequence[Endorsement]) -> bytes:
    """What the creator of a proposal signs to have the transaction ordered.

    Args:
        asked: that was endorsed.
        response: `ProposalResponsePayload`, the same of all endorsers.
        endorsements: at least one.
    """
    endorsed = transaction_pb2.ChaincodeEndorsedAction(proposal_response_payload=response)
    for each in endorsements:
        endorsed.endorsements.add(endorser=each.endorser, signature=each.signature)
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=asked.payload, action=endorsed
    )
    transaction = transaction_pb2.Transaction()
    transaction.actions.add(header=asked.signature_header, payload=action.SerializeToString())
    header = common_pb2.Header(
        channel_header=asked.channel_header, signature_header=asked.signature_header
    )
    made: bytes = common_pb2.Payload(
        header=header, data=transaction.SerializeToString()
    ).SerializeToString()
    return made


def make_envelope(payload: bytes, signature: bytes) -> bytes:
    """The bytes of an envelope."""
    made: bytes = common_pb2.Envelope(payload=payload, signature=signature).SerializeToString()
    return made


def parse_transaction(raw: bytes) -> Transaction:
    """An envelope's parts, of one that holds an endorsed transaction.

    Raises:
        MessageMalformed: it cannot be taken apart.
    """
    envelope = parse(common_pb2.Envelope, raw, WHO)
    payload = parse(common_pb2.Payload, envelope.payload, WHO)
    channel, signature = read_channel_header(payload, WHO), read_signature_header(payload, WHO)
    extension = parse(proposal_pb2.ChaincodeHeaderExtension, channel.extension, WHO)
    check_fields(payload.data, MAX_READ_PARTS, WHO)
    actions = parse(transaction_pb2.Transaction, payload.data, WHO).actions
    first = actions[0] if actions else transaction_pb2.TransactionAction()
    check_endorsed(first.payload, MAX_READ_PARTS)
    held = parse(transaction_pb2.ChaincodeActionPayload, first.payload, WHO)
    at = channel.timestamp
    headers = payload.header
    return Transaction(
        payload=envelope.payload,
        signature=envelope.signature,
        type=channel.type,
        epoch=channel.epoch,
        channel=channel.channel_id,
        transaction_id=channel.tx_id,
        timestamp_ns=at.seconds * NANOSECONDS + at.nanos,
        creator=signature.creator,
        nonce=signature.nonce,
        chaincode=extension.chaincode_id.name,
        asked=held.chaincode_proposal_payload,
        actions=len(actions),
        action=parse_action(held.action.proposal_response_payload),
        endorsements=tuple(
            Endorsement(each.endorser, each.signature) for each in held.action.endorsements
        ),
        hash=compute_proposal_hash(
            headers.channel_header, headers.signature_header, held.chaincode_proposal_payload
        ),
        action_header=first.header,
        signature_header=headers.signature_header,
    )


def parse_action(signed: bytes) -> Action:
    """What endorsers signed.

    Raises:
        MessageMalformed: it is no such thing.
    """
    response = parse(response_pb2.ProposalResponsePayload, signed, WHO)
    action = parse(proposal_pb2.ChaincodeAction, response.extension, WHO)
    return Action(
        signed=signed,
        proposal_hash=response.proposal_hash,
        results=action.results,
        event=action.events,
        status=action.response.status,
        response=action.response.payload,
        chaincode=action.chaincode_id.name,
        version=action.chaincode_id.version,
    )


def make_event(event: Event) -> bytes:
    """`ChaincodeEvent`."""
    made: bytes = chaincode_event_pb2.ChaincodeEvent(
        chaincode_id=event.chaincode,
        tx_id=event.transaction_id,
        event_name=event.name,
        payload=event.payload,
    ).SerializeToString()
    return made


def parse_event(raw: bytes) -> Event | None:
    """The event of an action; None for none.

    Raises:
        MessageMalformed: it is no event.
    """
    if not raw:
        return None
    event = parse(chaincode_event_pb2.ChaincodeEvent, raw, WHO)
    return Event(event.chaincode_id, event.tx_id, event.event_name, event.payload)
