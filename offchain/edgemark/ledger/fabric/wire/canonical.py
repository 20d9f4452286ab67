"""Whether bytes that are hashed one behind the other can be taken apart in one way only.

Fabric hashes such parts without their lengths, and of a field that stands twice the last counts: so
what ends one part can as well begin the next, with the same hash and another meaning.

| hashed | parts | why there is one way |
|---|---|---|
| proposal | channel header, signature header, payload | in order: `0x0a` begins a part, no other |
| data of a block | envelopes | each begins with its payload, and has one |
| signature of an endorser | response, endorser's identity | the identity is in order |
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
IDENTITY = bytes((_FIRST, _SECOND))
ASKED = bytes((_FIRST,))  # `ChaincodeProposalPayload`
TRANSIENT = bytes((_SECOND,))  # of it: a map
# Of what is asked: the fields of each message, those that may be there often, and the one below.
_INVOCATION = (
    (bytes((_FIRST, _SECOND)), b"", _FIRST),  # `ChaincodeInvocationSpec`: the chaincode's
    (bytes((0x08, 0x12, 0x1A, 0x20)), b"", 0x1A),  # `ChaincodeSpec`: its input
    (bytes((0x18,)), bytes((_FIRST, _SECOND)), 0),  # `ChaincodeInput`: arguments, decorations
)


def is_in_order(raw: bytes, tags: bytes, *, repeated: bytes = b"") -> bool:
    """Whether a message has known fields alone, ascending, each once, its numbers in short form.

    Args:
        raw: of the message.
        tags: of its fields, one byte each: number * 8 + wire type, varint or with a length.
        repeated: those that may stand there any number of times.
    """
    return _find(raw, tags, repeated) is not None


def _find(raw: bytes, tags: bytes, repeated: bytes) -> dict[int, bytes] | None:
    """What each field holds that has a length and is there once; None where it is not in order."""
    found = {}
    at, last, end = 0, 0, len(raw)
    while at < end:
        tag = raw[at]
        least = tag if tag in repeated else tag - 1 if tag in tags else -1
        if last > least:  # one below it stands before it; itself, if it may be there often
            return None
        last = tag
        value, at = _varint(raw, at + 1)
        if at < 0:
            return None
        if tag & 7 == _LENGTH:
            begin, at = at, at + value
            if tag not in repeated:
                found[tag] = raw[begin:at]
    return found if at == end else None


def check_proposal_parts(channel_header: bytes, signature_header: bytes, payload: bytes) -> None:
    """Check that the hash of a proposal is of these three parts alone, and they of one call.

    Of a message that stands twice some readers put both together, and some show the last: so the
    block that shows a call would not show all readers the one that was endorsed.

    Args:
        channel_header: as it came.
        signature_header: as it came.
        payload: `ChaincodeProposalPayload`, with its transient map or without.

    Raises:
        MessageMalformed: one of them could end elsewhere, or holds a part of the call twice.
    """
    asked = _find(payload, ASKED, TRANSIENT)
    for part, is_good in (
        ("channel header", is_in_order(channel_header, CHANNEL_HEADER)),
        ("signature header", is_in_order(signature_header, SIGNATURE_HEADER)),
        ("payload", bool(payload) and asked is not None),
        ("call", _is_one_call((asked or {}).get(_FIRST, b""))),
    ):
        if not is_good:
            raise MessageMalformed(
                f"{part} has fields that are unknown, missing, twice there or out of order",
                who="proposal",
                needed="each known field once, in ascending order",
                remedy="Have a Fabric SDK make it. Nothing was endorsed.",
            )


def _is_one_call(asked: bytes) -> bool:
    for tags, repeated, below in _INVOCATION:
        found = _find(asked, tags, repeated)
        if found is None:
            return False
        asked = found.get(below, b"")
    return True


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
