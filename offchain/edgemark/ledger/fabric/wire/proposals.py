"""Proposals: what a client asks a chaincode to do, made and taken apart.

A proposal is signed whole by its creator. Its transaction id is the hash of nonce and creator, so
nobody takes another's; its hash leaves the transient data out, which only endorsers see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.canonical import check_proposal_parts
from edgemark.ledger.fabric.wire.digests import compute_proposal_hash, compute_transaction_id
from edgemark.ledger.fabric.wire.limits import (
    MAX_ARGUMENTS,
    MAX_ARGUMENTS_BYTES,
    MAX_NONCE_BYTES,
    MAX_TRANSIENT,
    MAX_TRANSIENT_BYTES,
)
from edgemark.ledger.fabric.wire.messages import NANOSECONDS, draft_headers, parse
from edgemark.ledger.fabric.wire.names import CALLED, CHANNEL
from edgemark.ledger.fabric.wire.raw.counting import FEWER, SMALLER, check_call

WHO = "proposal"


@dataclass(frozen=True)
class Proposal:
    """A proposal, taken apart and checked in itself; who signed it, and when, is checked elsewhere.

    Attributes:
        channel: that it is for.
        chaincode: that it asks.
        arguments: the first is the function's name.
        transient: for the endorsers alone, and in no block.
        creator: `SerializedIdentity` of who signs it.
        nonce: 1 .. MAX_NONCE_BYTES bytes.
        transaction_id: 64 hex digits, of nonce and creator.
        timestamp_ns: what its creator says the time is, Unix nanoseconds.
        channel_header, signature_header: as they were sent.
        payload: `ChaincodeProposalPayload` without the transient data.
        is_init: whether it is marked as the first call that a definition may require.
    """

    channel: str
    chaincode: str
    arguments: tuple[bytes, ...]
    transient: Mapping[str, bytes]
    creator: bytes
    nonce: bytes
    transaction_id: str
    timestamp_ns: int
    channel_header: bytes
    signature_header: bytes
    payload: bytes
    is_init: bool = False

    @cached_property
    def hash(self) -> bytes:
        """What an endorsement of it says; 32 bytes."""
        return compute_proposal_hash(self.channel_header, self.signature_header, self.payload)


def make_proposal(
    channel: str,
    chaincode: str,
    arguments: Sequence[bytes],
    *,
    creator: bytes,
    nonce: bytes,
    timestamp_ns: int,
    transient: Mapping[str, bytes] | None = None,
    is_init: bool = False,
) -> bytes:
    """The bytes of a proposal, which its creator signs; for the arguments see `Proposal`."""
    asked = (channel, chaincode, tuple(arguments), transient or {})
    return _write(asked, creator, nonce, timestamp_ns, is_init=is_init)[0]


def draft_proposal(
    channel: str,
    chaincode: str,
    arguments: Sequence[bytes],
    *,
    creator: bytes,
    nonce: bytes,
    timestamp_ns: int,
    transient: Mapping[str, bytes],
    is_init: bool = False,
) -> tuple[bytes, Proposal]:
    """The bytes of a proposal, and what `parse_proposal` makes of them.

    Raises:
        MessageMalformed: nobody takes such a proposal.
    """
    asked = (channel, chaincode, tuple(arguments), transient)
    _check_nonce(nonce, creator)
    _check_names(channel, chaincode)
    _check_arguments(asked[2])
    _check_transient(transient)
    return _write(asked, creator, nonce, timestamp_ns, is_init=is_init)


def _write(
    asked: tuple[str, str, tuple[bytes, ...], Mapping[str, bytes]],
    creator: bytes,
    nonce: bytes,
    timestamp_ns: int,
    *,
    is_init: bool,
) -> tuple[bytes, Proposal]:
    """The bytes of a proposal, and its parts."""
    channel, chaincode, arguments, transient = asked
    name = chaincode_pb2.ChaincodeID(name=chaincode)
    transaction_id, headers = draft_headers(
        common_pb2.ENDORSER_TRANSACTION,
        channel,
        creator=creator,
        nonce=nonce,
        timestamp_ns=timestamp_ns,
        extension=proposal_pb2.ChaincodeHeaderExtension(chaincode_id=name).SerializeToString(),
    )
    given = chaincode_pb2.ChaincodeInput(args=arguments, is_init=is_init)
    payload, whole = _write_payload(name, given, transient)
    raw: bytes = proposal_pb2.Proposal(
        header=headers.SerializeToString(), payload=whole
    ).SerializeToString()
    numbers = creator, nonce, transaction_id, timestamp_ns
    parts = headers.channel_header, headers.signature_header, payload
    return raw, Proposal(*asked, *numbers, *parts, is_init)


def _write_payload(
    name: chaincode_pb2.ChaincodeID,
    given: chaincode_pb2.ChaincodeInput,
    transient: Mapping[str, bytes],
) -> tuple[bytes, bytes]:
    """`ChaincodeProposalPayload` without and with its transient data."""
    spec = chaincode_pb2.ChaincodeSpec(
        type=chaincode_pb2.ChaincodeSpec.GOLANG,  # says nothing of the language, and all clients do
        chaincode_id=name,
        input=given,
    )
    invocation = chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString()
    asked = proposal_pb2.ChaincodeProposalPayload(input=invocation)
    without: bytes = asked.SerializeToString()
    if not transient:
        return without, without
    asked.TransientMap.update(transient)
    return without, asked.SerializeToString()


def parse_proposal(raw: bytes) -> Proposal:
    """A proposal's parts.

    Raises:
        MessageMalformed: it is none, contradicts itself, or has the hash of others too.
    """
    proposal = parse(proposal_pb2.Proposal, raw, WHO)
    header = parse(common_pb2.Header, proposal.header, WHO)
    channel = parse(common_pb2.ChannelHeader, header.channel_header, WHO)
    signature = parse(common_pb2.SignatureHeader, header.signature_header, WHO)
    extension = parse(proposal_pb2.ChaincodeHeaderExtension, channel.extension, WHO)
    check_call(proposal.payload, WHO)
    asked = parse(proposal_pb2.ChaincodeProposalPayload, proposal.payload, WHO)
    invocation = parse(chaincode_pb2.ChaincodeInvocationSpec, asked.input, WHO)
    spec = invocation.chaincode_spec
    check_proposal_parts(header.channel_header, header.signature_header, proposal.payload)
    _check_headers(channel, signature, extension.chaincode_id.name, spec.chaincode_id.name)
    arguments = tuple(spec.input.args)
    _check_arguments(arguments)
    transient = dict(asked.TransientMap)
    _check_transient(transient)
    at = channel.timestamp
    return Proposal(
        channel=channel.channel_id,
        chaincode=spec.chaincode_id.name,
        arguments=arguments,
        transient=transient,
        creator=signature.creator,
        nonce=signature.nonce,
        transaction_id=channel.tx_id,
        timestamp_ns=at.seconds * NANOSECONDS + at.nanos,
        channel_header=header.channel_header,
        signature_header=header.signature_header,
        payload=proposal_pb2.ChaincodeProposalPayload(input=asked.input).SerializeToString(),
        is_init=spec.input.is_init,
    )


def _check_headers(
    channel: common_pb2.ChannelHeader,
    signature: common_pb2.SignatureHeader,
    named: str,
    asked: str,
) -> None:
    if channel.type != common_pb2.ENDORSER_TRANSACTION:
        raise _contradiction("type of header", channel.type, common_pb2.ENDORSER_TRANSACTION)
    if channel.epoch:
        raise _contradiction("epoch", channel.epoch, 0)
    _check_nonce(signature.nonce, signature.creator)
    needed = compute_transaction_id(signature.nonce, signature.creator)
    if channel.tx_id != needed:
        raise _contradiction("transaction id", channel.tx_id[:64], needed)
    if not asked or named != asked:
        raise _contradiction("chaincode of the header", named[:64], asked[:64] or "a name")
    _check_names(channel.channel_id, asked)


def _check_nonce(nonce: bytes, creator: bytes) -> None:
    if not 1 <= len(nonce) <= MAX_NONCE_BYTES:
        raise _contradiction("nonce", f"{len(nonce)} bytes", f"1 .. {MAX_NONCE_BYTES}")
    if not creator:
        raise _contradiction("creator", "none", "an identity")


def _check_names(channel: str, asked: str) -> None:
    # Before anything looks for them: what a stranger says is a name may have any length.
    if not CALLED.fits(asked):
        raise _contradiction("name of the chaincode", asked[:64], CALLED.needed)
    if channel and not CHANNEL.fits(channel):  # none: for the peer itself
        raise _contradiction("name of the channel", channel[:64], CHANNEL.needed)


def _check_arguments(arguments: tuple[bytes, ...]) -> None:
    size = sum(map(len, arguments))
    if len(arguments) > MAX_ARGUMENTS:
        needed = f"<= {MAX_ARGUMENTS}"
        raise _contradiction("number of arguments", len(arguments), needed, FEWER)
    if size > MAX_ARGUMENTS_BYTES:
        needed = f"<= {MAX_ARGUMENTS_BYTES} bytes, all arguments of a call together"
        raise _contradiction("size of the arguments", f"{size} bytes", needed, SMALLER)


def _check_transient(transient: Mapping[str, bytes]) -> None:
    size = sum(len(name.encode()) + len(value) for name, value in transient.items())
    if len(transient) > MAX_TRANSIENT:
        needed = f"<= {MAX_TRANSIENT}"
        raise _contradiction("number of transient values", len(transient), needed, FEWER)
    if size > MAX_TRANSIENT_BYTES:
        needed = f"<= {MAX_TRANSIENT_BYTES} bytes, names and values together"
        raise _contradiction("size of the transient data", f"{size} bytes", needed, SMALLER)


def _contradiction(what: str, had: object, needed: object, remedy: str = "") -> MessageMalformed:
    return MessageMalformed(f"{what} is wrong", who=WHO, had=had, needed=needed, remedy=remedy)
