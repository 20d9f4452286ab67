"""Whether bytes that are hashed one behind the other can be taken apart in one way only.

Fabric hashes such parts without their lengths, and of a field that stands twice the last counts: so
what ends one part can as well begin the next, with the same hash and another meaning.

| hashed | parts | why there is one way |
|---|---|---|
| proposal | channel header, signature header, payload | in order: `0x0a` begins a part, no other |
| data of a block | envelopes | each begins with its payload, and has one |
| signature of who orders | last configuration and era, signature header, block header | in order |

Nothing is asked of what a field holds; one with its default value may stand there or not: that
differs among programs, and moves no border.
"""

from __future__ import annotations

from fabric_protos.common import common_pb2
from google.protobuf.message import DecodeError

from edgemark.ledger.fabric.faults import MessageMalformed

_LENGTH = 2  # the wire type of what has a length
_FIRST, _SECOND = 0x0A, 0x12  # the first two fields, with a length
_MAX_VARINT = 10  # bytes
CHANNEL_HEADER = bytes((0x08, 0x10, 0x1A, 0x22, 0x2A, 0x30, 0x3A, 0x42))
SIGNATURE_HEADER = bytes((_FIRST, _SECOND))
ASKED = bytes((_FIRST,))  # `ChaincodeProposalPayload`
TRANSIENT = _SECOND  # of it: a map


def is_in_order(raw: bytes, tags: bytes, *, repeated: int = 0) -> bool:
    """Whether a message has known fields alone, ascending, each once, its numbers in short form.

    Args:
        raw: of the message.
        tags: of its fields, one byte each: number * 8 + wire type, varint or with a length.
        repeated: one more that may stand there any number of times; 0 for none.
    """
    at, last, end = 0, 0, len(raw)
    while at < end:
        tag = raw[at]
        is_next = tag > last and (tag in tags or tag == repeated)
        if not is_next and not tag == last == repeated:
            return False
        last = tag
        value, at = _varint(raw, at + 1)
        if at < 0:
            return False
        if tag & 7 == _LENGTH:
            at += value
    return at == end


def check_proposal_parts(channel_header: bytes, signature_header: bytes, payload: bytes) -> None:
    """Check that the hash of a proposal is of these three parts alone.

    Args:
        channel_header: as it came.
        signature_header: as it came.
        payload: `ChaincodeProposalPayload`, with its transient map or without.

    Raises:
        MessageMalformed: one of them could end elsewhere.
    """
    for part, is_good in (
        ("channel header", is_in_order(channel_header, CHANNEL_HEADER)),
        ("signature header", is_in_order(signature_header, SIGNATURE_HEADER)),
        ("payload", bool(payload) and is_in_order(payload, ASKED, repeated=TRANSIENT)),
    ):
        if not is_good:
            raise MessageMalformed(
                f"{part} has fields that are unknown, missing, twice there or out of order",
                who="proposal",
                needed="each known field once, in ascending order",
                remedy="Have a Fabric SDK make it. Nothing was endorsed.",
            )


def is_envelope(raw: bytes) -> bool:
    """Whether these bytes are a payload and a signature, both there, and nothing else.

    So any number of envelopes, one behind the other, are these and no others.
    """
    found = _parse(raw)
    if found is None or not found.payload or not found.signature:
        return False
    made = common_pb2.Envelope(payload=found.payload, signature=found.signature)
    return bool(made.SerializeToString() == raw)


def begins_with_its_payload(raw: bytes) -> bool:
    """The same of another's envelope, which may have no signature, or fields that Fabric ignores.

    Its one payload begins it, so it is no piece of one, nor several.
    """
    found = _parse(raw)
    if found is None or not found.payload:
        return False
    first = common_pb2.Envelope(payload=found.payload).SerializeToString()
    rest = _parse(raw[len(first) :])
    return raw.startswith(first) and rest is not None and not rest.payload


def _parse(raw: bytes) -> common_pb2.Envelope | None:
    try:
        return common_pb2.Envelope.FromString(raw)
    except DecodeError:
        return None


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number in its shortest form, and where it ends; -1 where it is none."""
    value = 0
    for place, byte in enumerate(raw[at : at + _MAX_VARINT]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1 if byte or not place else -1
    return 0, -1
