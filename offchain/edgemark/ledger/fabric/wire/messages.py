"""Parses messages of the protocol, and says typed what cannot be parsed, or sent.

Whatever is sent in an envelope has two headers: what it is and when, and who sent it. They are made
and read here.
"""

from __future__ import annotations

from typing import Any

from fabric_protos.common import common_pb2
from google.protobuf.message import DecodeError

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.digests import compute_transaction_id

NANOSECONDS = 10**9


def parse(kind: type[Any], raw: bytes, who: str) -> Any:
    """A message of that kind.

    Args:
        kind: class of the message.
        raw: its bytes, from outside.
        who: whose they are, for the error.

    Raises:
        MessageMalformed: they are no such message.
    """
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise MessageMalformed(
            "is no message of the protocol",
            who=who,
            had=f"{len(raw)} bytes",
            needed=kind.DESCRIPTOR.full_name,
        ) from error


def draft_headers(
    kind: int,
    channel: str,
    *,
    creator: bytes,
    nonce: bytes,
    timestamp_ns: int,
    extension: bytes = b"",
) -> tuple[str, Any]:
    """The transaction id, and the `Header` of a new message.

    Args:
        kind: a `HeaderType`.
        channel: that it is for; empty for a peer itself.
        creator: `SerializedIdentity` of who signs it.
        nonce: at random; with `creator` it makes the transaction id.
        timestamp_ns: now, Unix nanoseconds.
        extension: of the channel header.
    """
    transaction_id = compute_transaction_id(nonce, creator)
    header = common_pb2.ChannelHeader(
        type=kind, channel_id=channel, tx_id=transaction_id, extension=extension
    )
    header.timestamp.seconds, header.timestamp.nanos = divmod(timestamp_ns, NANOSECONDS)
    signature = common_pb2.SignatureHeader(creator=creator, nonce=nonce)
    return transaction_id, common_pb2.Header(
        channel_header=header.SerializeToString(), signature_header=signature.SerializeToString()
    )


def read_payload(envelope: bytes, who: str) -> Any:
    """`Payload` of an envelope.

    Raises:
        MessageMalformed: it has none.
    """
    return parse(common_pb2.Payload, parse(common_pb2.Envelope, envelope, who).payload, who)


def read_channel_header(payload: Any, who: str) -> Any:
    """`ChannelHeader` of a payload.

    Raises:
        MessageMalformed: it has none.
    """
    return parse(common_pb2.ChannelHeader, payload.header.channel_header, who)


def read_signature_header(payload: Any, who: str) -> Any:
    """`SignatureHeader` of a payload.

    Raises:
        MessageMalformed: it has none.
    """
    return parse(common_pb2.SignatureHeader, payload.header.signature_header, who)


def encode_text(what: str, text: str) -> bytes:
    """UTF-8 of a text that somebody gave.

    Args:
        what: it is.
        text: that is sent.

    Raises:
        RefusedInput: it has what is no character, as words of a command line may.
    """
    if not isinstance(text, str):
        raise _wrong_kind(what, text, "text")
    try:
        return text.encode()
    except UnicodeEncodeError as fault:
        raise RefusedInput(
            f"{what} is no UTF-8",
            who="call",
            had=ascii(text[:80]),
            needed="text",
            remedy="Write other bytes as text, as hex or base64; from Python give them as bytes.",
        ) from fault


def octets(what: str, given: object, needed: str = "bytes") -> bytes:
    """Bytes that somebody gave.

    Args:
        what: they are.
        given: that is sent.
        needed: what may be given there, for the error.

    Raises:
        RefusedInput: it is something else: a number would be so many zeros, a text has encodings.
    """
    if not isinstance(given, bytes | bytearray | memoryview):
        raise _wrong_kind(what, given, needed)
    return bytes(given)


def _wrong_kind(what: str, given: object, needed: str) -> RefusedInput:
    return RefusedInput(
        f"{what} is of another kind",
        who="call",
        had=type(given).__name__,
        needed=needed,
        remedy="Write numbers as text; make bytes of a text with `.encode()`.",
    )
