"""One call of a chaincode, taken apart.

Arguments come from the message, for a chaincode that is called by another one has other arguments
than the proposal; creator, time and transient data come from the proposal, which its creator
signed whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2
from google.protobuf.message import DecodeError

from edgemark_chaincode.shim.creator import ClientIdentity
from edgemark_chaincode.shim.faults import CallMalformed, CallRefused
from edgemark_chaincode.shim.interface import Timestamp
from edgemark_chaincode.shim.limits import MAX_ARGUMENTS

WHO = "call from the peer"


@dataclass(frozen=True)
class SignedProposal:
    """What the client signed, and its signature, as they were sent."""

    proposal_bytes: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True)
class Origin:
    """What a call's proposal says.

    Attributes:
        proposal: as it was sent.
        client: who signed it.
        timestamp: what the client says the time is.
        transient: for endorsers alone, and in no block; never printed.
        binding: SHA-256 of nonce, creator and epoch: ties what is signed elsewhere to this call.
    """

    proposal: SignedProposal
    client: ClientIdentity
    timestamp: Timestamp
    transient: Mapping[str, bytes] = field(repr=False)
    binding: bytes


@dataclass(frozen=True)
class Call:
    """What a peer asks of a chaincode.

    Attributes:
        channel: that it is for.
        tx_id: of the transaction.
        arguments: the first is the function's name.
        origin: of the proposal; None when the peer sent none.
    """

    channel: str
    tx_id: str
    arguments: tuple[bytes, ...]
    origin: Origin | None

    @property
    def proven(self) -> Origin:
        """What the proposal says.

        Raises:
            CallRefused: the peer sent no proposal.
        """
        if self.origin is None:
            raise CallRefused("came without a proposal", who=f"call {self.tx_id[:16]}")
        return self.origin


def parse_call(message: Any) -> Call:
    """The call of a TRANSACTION or INIT.

    Args:
        message: `ChaincodeMessage`.

    Raises:
        CallMalformed: it is none, or its proposal is of another transaction.
    """
    asked = _parse(chaincode_pb2.ChaincodeInput, message.payload)
    if len(asked.args) > MAX_ARGUMENTS:
        raise _malformed("has too many arguments", len(asked.args), f"<= {MAX_ARGUMENTS}")
    signed = message.proposal
    origin = _parse_origin(signed, message.txid) if signed.proposal_bytes else None
    return Call(message.channel_id, message.txid, tuple(asked.args), origin)


def _parse_origin(signed: Any, tx_id: str) -> Origin:
    proposal = _parse(proposal_pb2.Proposal, signed.proposal_bytes)
    header = _parse(common_pb2.Header, proposal.header)
    channel = _parse(common_pb2.ChannelHeader, header.channel_header)
    signature = _parse(common_pb2.SignatureHeader, header.signature_header)
    creator = _parse(identities_pb2.SerializedIdentity, signature.creator)
    payload = _parse(proposal_pb2.ChaincodeProposalPayload, proposal.payload)
    if channel.tx_id != tx_id:
        raise _malformed("has the proposal of another", channel.tx_id[:64], tx_id[:64])
    epoch = channel.epoch.to_bytes(8, "little")
    return Origin(
        proposal=SignedProposal(signed.proposal_bytes, signed.signature),
        client=ClientIdentity(creator.mspid, creator.id_bytes),
        timestamp=Timestamp(channel.timestamp.seconds, channel.timestamp.nanos),
        transient=dict(payload.TransientMap),
        binding=sha256(signature.nonce + signature.creator + epoch).digest(),
    )


def find_chaincode(origin: Origin) -> str:
    """Name of the chaincode that a proposal calls, which may have called this one.

    Raises:
        CallMalformed: the proposal cannot be read.
    """
    proposal = _parse(proposal_pb2.Proposal, origin.proposal.proposal_bytes)
    payload = _parse(proposal_pb2.ChaincodeProposalPayload, proposal.payload)
    asked = _parse(chaincode_pb2.ChaincodeInvocationSpec, payload.input)
    return str(asked.chaincode_spec.chaincode_id.name)


def parse_of_peer(kind: type[Any], raw: bytes, who: str = "answer of the peer") -> Any:
    """A message that a peer sent, or one within it.

    Raises:
        CallMalformed: it is no such message.
    """
    try:
        return kind.FromString(raw)
    except DecodeError as fault:
        had, needed = f"{len(raw)} bytes", kind.DESCRIPTOR.full_name
        raise CallMalformed("cannot be read", who=who, had=had, needed=needed) from fault


def _parse(kind: type[Any], raw: bytes) -> Any:
    return parse_of_peer(kind, raw, WHO)


def _malformed(what: str, had: object, needed: object) -> CallMalformed:
    return CallMalformed(what, who=WHO, had=had, needed=needed)
