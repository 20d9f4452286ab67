"""What is asked of a Gateway, as bytes, and what it may answer.

A transaction is signed only as it is made here: from the proposal of ours, and from the response
and endorsements that were checked against it. What the Gateway prepared is compared, never signed.

| signed | what the signature covers |
|---|---|
| proposal | channel, chaincode, type, transaction id, timestamp, creator, nonce, arguments, |
| | whether it is the call that a definition requires first, transient data |
| envelope | all of that but the transient data; read-write sets, event, the response's status, |
| | words and payload, chaincode and version that were run, every endorser with its signature |
| status request | channel, transaction id, who asks |

Beside them, and signed by nobody: which organisations are asked to endorse or to answer. Whoever
carries a call can ask others; the endorsements say who endorsed, and `sign_endorsed` checks them.
What asks for events and for blocks is signed in `events` and `blocks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, transaction_pb2

from edgemark.encoding import Writer
from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.signing import (
    Signer,
    check_signature,
    parse_certificate,
    parse_identity,
)
from edgemark.ledger.fabric.wire.codes import GOOD, Code
from edgemark.ledger.fabric.wire.envelopes import (
    Endorsement,
    Event,
    Transaction,
    join_payload,
    make_envelope,
    parse_event,
    parse_transaction,
)
from edgemark.ledger.fabric.wire.limits import MAX_ENDORSERS_TOLD, MAX_ENVELOPE_BYTES
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.names import CALLED, CHANNEL, NameRule
from edgemark.ledger.fabric.wire.proposals import Proposal, draft_proposal

GATEWAY = "gateway"
_FINAL = {code.value: code for code in Code if code is not Code.NOT_VALIDATED}


@dataclass(frozen=True)
class Call:
    """What a chaincode is asked.

    Attributes:
        channel: that it is for.
        chaincode: that is asked.
        arguments: the first is the function's name.
        transient: for the endorsers alone, and in no block.
        organisations: who has to answer; empty for whoever the ledger chooses.
        is_init: whether it is marked as the first call that a definition may require.
    """

    channel: str
    chaincode: str
    arguments: tuple[bytes, ...]
    transient: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    organisations: tuple[str, ...] = ()
    is_init: bool = False

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that tell a call from every other, but for its transient data."""
        writer = Writer().text(self.channel).text(self.chaincode).integer(len(self.arguments), 4)
        for argument in self.arguments:
            writer.variable(argument)
        for organisation in self.organisations:
            writer.text(organisation)
        if self.is_init:  # no organisation: a length has four bytes. Others are as they ever were
            writer.integer(1, 1)
        return sha256(writer.finish()).digest()


@dataclass(frozen=True)
class Asked:
    """A call, signed.

    Attributes:
        call: what is asked.
        transaction_id: 64 hex digits.
        proposal: its bytes.
        signature: of its creator.
        parsed: the proposal, taken apart.
    """

    call: Call
    transaction_id: str
    proposal: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    parsed: Proposal = field(repr=False)


@dataclass(frozen=True)
class Endorsed:
    """What endorsers answered, as it was signed for them to be ordered.

    Attributes:
        asked: the call.
        envelope: signed; the bytes that are submitted, however often.
        response: what the chaincode answered.
        event: that it tells once the transaction counts; None for none.
        endorsers: organisations that endorsed.
    """

    asked: Asked
    envelope: bytes = field(repr=False)
    response: bytes
    event: Event | None
    endorsers: tuple[str, ...]


def ask(call: Call, signer: Signer, *, nonce: bytes, timestamp_ns: int) -> Asked:
    """Sign a call.

    Args:
        call: what is asked.
        signer: who asks.
        nonce: NONCE_BYTES bytes at random.
        timestamp_ns: now, Unix nanoseconds.

    Raises:
        RefusedInput: a name that no ledger takes, or too many or too long arguments.
    """
    _check_name("channel", call.channel, CHANNEL)
    _check_name("chaincode", call.chaincode, CALLED)
    try:
        proposal, parsed = draft_proposal(
            call.channel,
            call.chaincode,
            call.arguments,
            creator=signer.identity,
            nonce=nonce,
            timestamp_ns=timestamp_ns,
            transient=call.transient,
            is_init=call.is_init,
        )
    except MessageMalformed as ours:
        raise RefusedInput(
            ours.what, who="call", had=ours.had, needed=ours.needed, remedy=ours.remedy
        ) from ours
    return Asked(call, parsed.transaction_id, proposal, signer.sign(proposal), parsed)


def evaluate_request(asked: Asked) -> bytes:
    """`EvaluateRequest`."""
    made: bytes = gateway_pb2.EvaluateRequest(
        transaction_id=asked.transaction_id,
        channel_id=asked.call.channel,
        proposed_transaction=make_signed(asked.proposal, asked.signature),
        target_organizations=asked.call.organisations,
    ).SerializeToString()
    return made


def endorse_request(asked: Asked) -> bytes:
    """`EndorseRequest`."""
    made: bytes = gateway_pb2.EndorseRequest(
        transaction_id=asked.transaction_id,
        channel_id=asked.call.channel,
        proposed_transaction=make_signed(asked.proposal, asked.signature),
        endorsing_organizations=asked.call.organisations,
    ).SerializeToString()
    return made


def submit_request(channel: str, transaction_id: str, envelope: bytes) -> bytes:
    """`SubmitRequest`."""
    made: bytes = gateway_pb2.SubmitRequest(
        transaction_id=transaction_id,
        channel_id=channel,
        prepared_transaction=common_pb2.Envelope.FromString(envelope),
    ).SerializeToString()
    return made


def status_request(channel: str, transaction_id: str, signer: Signer) -> bytes:
    """`SignedCommitStatusRequest`; what is signed names channel, transaction and who asks."""
    request = gateway_pb2.CommitStatusRequest(
        transaction_id=transaction_id, channel_id=channel, identity=signer.identity
    ).SerializeToString()
    made: bytes = gateway_pb2.SignedCommitStatusRequest(
        request=request, signature=signer.sign(request)
    ).SerializeToString()
    return made


def read_evaluation(raw: bytes) -> bytes:
    """What a chaincode answered.

    Raises:
        MessageMalformed: it is no answer, or a failure that is sent as one.
    """
    result = parse(gateway_pb2.EvaluateResponse, raw, GATEWAY).result
    if result.status not in GOOD:
        raise _wrong("status of an answer", result.status, "200 .. 399")
    payload: bytes = result.payload
    return payload


def read_status(raw: bytes) -> tuple[Code, int]:
    """Code and block of a transaction.

    Raises:
        MessageMalformed: it is no answer, or of a code that no transaction has for ever.
    """
    status = parse(gateway_pb2.CommitStatusResponse, raw, GATEWAY)
    if status.result not in _FINAL:
        raise _wrong("code of a transaction", status.result, "one of Fabric's")
    if not status.block_number:  # an answer of no bytes would be VALID, in a block that has none
        raise _wrong("block of a transaction", 0, "1 or above")
    return _FINAL[status.result], status.block_number


def read_processed(raw: bytes, transaction_id: str, signer: Signer) -> bytes:
    """The response in a transaction of ours, as `qscc` answers it by its id.

    Args:
        raw: `ProcessedTransaction`.
        transaction_id: that was asked for.
        signer: who made it.

    Raises:
        MessageMalformed: it is another transaction, or not as it was signed.
    """
    envelope = parse(transaction_pb2.ProcessedTransaction, raw, GATEWAY).transactionEnvelope
    found = parse_transaction(make_envelope(envelope.payload, envelope.signature))
    if found.own_id != transaction_id or found.creator != signer.identity:
        raise _wrong("transaction of an id", found.transaction_id[:64], transaction_id)
    try:
        certificate = parse_certificate(signer.certificate, signer.msp_id)
        check_signature(certificate, found.payload, found.signature, "transaction")
    except IdentityRefused as refused:
        raise _wrong("signature of a transaction of ours", str(refused), "ours") from refused
    return found.action.response


def sign_endorsed(asked: Asked, raw: bytes, signer: Signer) -> Endorsed:
    """Check what a Gateway prepared, make the same from what was checked, and sign it.

    Args:
        asked: the call, of this signer.
        raw: `EndorseResponse`.
        signer: who asked.

    Raises:
        MessageMalformed: it is another transaction, or one that cannot count.
        RefusedInput: it is larger than any orderer takes.
    """
    answer = parse(gateway_pb2.EndorseResponse, raw, GATEWAY)
    prepared = answer.prepared_transaction.payload
    found = parse_transaction(make_envelope(prepared, b""))
    _check_is_of(asked, found)
    endorsers = _check_endorsements(found.action.signed, found.endorsements)
    missing = sorted(set(asked.call.organisations) - set(endorsers))
    if missing:
        raise _wrong("endorsements", ", ".join(endorsers), ", ".join(asked.call.organisations))
    payload = join_payload(asked.parsed, found.action.signed, found.endorsements)
    envelope = make_envelope(payload, signer.sign(payload))
    if len(envelope) > MAX_ENVELOPE_BYTES:
        raise RefusedInput(
            "transaction is too large to be ordered",
            who=f"chaincode {asked.call.chaincode}",
            had=f"{len(envelope)} bytes",
            needed=f"<= {MAX_ENVELOPE_BYTES} bytes: arguments, writes, event and answer together",
            remedy="Ask for less at once; what only reads is evaluated.",
        )
    return Endorsed(
        asked=asked,
        envelope=envelope,
        response=found.action.response,
        event=parse_event(found.action.event),
        endorsers=endorsers,
    )


def _check_is_of(asked: Asked, found: Transaction) -> None:
    ours = asked.parsed
    event = parse_event(found.action.event)
    told = (event.chaincode, event.transaction_id) if event else None
    for what, had, needed in (
        ("type of a prepared transaction", found.type, common_pb2.ENDORSER_TRANSACTION),
        ("channel of a prepared transaction", found.channel, ours.channel),
        ("id of a prepared transaction", found.transaction_id, ours.transaction_id),
        ("creator of a prepared transaction", found.creator, ours.creator),
        ("nonce of a prepared transaction", found.nonce, ours.nonce),
        ("header of a prepared transaction", found.signature_header, ours.signature_header),
        ("header of its action", found.action_header, ours.signature_header),
        ("number of its actions", found.actions, 1),
        ("proposal in it", found.hash, ours.hash),
        ("proposal that was endorsed", found.action.proposal_hash, ours.hash),
        ("chaincode that was run", found.action.chaincode, ours.chaincode),
        ("event in it", told, (ours.chaincode, ours.transaction_id) if event else None),
    ):
        if had != needed:
            raise _wrong(what, _shown(had), _shown(needed))
    if found.action.status not in GOOD:
        raise _wrong("status of an endorsed response", found.action.status, "200 .. 399")


def _check_endorsements(signed: bytes, endorsements: Sequence[Endorsement]) -> tuple[str, ...]:
    """Organisations of all that endorsed."""
    if not 1 <= len(endorsements) <= MAX_ENDORSERS_TOLD:
        raise _wrong("number of endorsements", len(endorsements), f"1 .. {MAX_ENDORSERS_TOLD}")
    if len({each.endorser for each in endorsements}) != len(endorsements):
        raise _wrong("number of endorsements of one endorser", 2, 1)
    organisations = []
    for each in endorsements:
        try:
            msp_id, certificate = parse_identity(each.endorser)
            check_signature(certificate, signed + each.endorser, each.signature, msp_id)
        except IdentityRefused as refused:
            raise MessageMalformed(
                "endorsement is not of this response", who=GATEWAY, had=str(refused)
            ) from refused
        organisations.append(msp_id)
    return tuple(organisations)


def make_signed(proposal: bytes, signature: bytes) -> proposal_pb2.SignedProposal:
    """`SignedProposal`: the signature covers all of the proposal, its arguments among them."""
    return proposal_pb2.SignedProposal(proposal_bytes=proposal, signature=signature)


def _check_name(what: str, name: str, rule: NameRule) -> None:
    if not rule.fits(name):
        what = f"name of a {what} is wrong"
        raise RefusedInput(what, who="call", had=name[:80], needed=rule.needed)


def _shown(value: object) -> object:
    return value.hex()[:64] if isinstance(value, bytes) else str(value)[:80]


def _wrong(what: str, had: object, needed: object) -> MessageMalformed:
    return MessageMalformed(f"{what} is wrong", who=GATEWAY, had=had, needed=needed)
