"""Keys of several parts, as every Fabric shim makes them.

A composite key begins with a zero character; its object type and each attribute end with one. So
the keys that share the first parts lie together, and no plain key lies among them.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgemark_chaincode.shim.faults import CallRefused
from edgemark_chaincode.shim.limits import MAX_KEY_BYTES

NAMESPACE = "\x00"
END_OF_PART = "\x00"
LAST_CHARACTER = "\U0010ffff"  # of all; no part has it, so it is behind every key
FIRST_PLAIN = "\x01"  # before every plain key, behind every composite one


def create_composite_key(object_type: str, attributes: Sequence[str]) -> str:
    """The key of an object.

    Args:
        object_type: not empty.
        attributes: may be empty; a part may be an empty text.

    Raises:
        CallRefused: a part is no text, or has a character that keys are made with, or it is too
            long.
    """
    if isinstance(attributes, str | bytes):
        raise CallRefused("attributes are one text", who="composite key", needed="a list of texts")
    parts = [object_type, *attributes]
    for part in parts:
        _check_part(part)
    if not object_type:
        raise CallRefused("has no object type", who="composite key")
    key = NAMESPACE + "".join(part + END_OF_PART for part in parts)
    check_key(key)
    return key


def split_composite_key(key: str) -> tuple[str, list[str]]:
    """Object type and attributes of a composite key.

    Raises:
        CallRefused: it is none.
    """
    if len(key) < 3 or not key.startswith(NAMESPACE) or not key.endswith(END_OF_PART):
        raise CallRefused("is no composite key", who=repr(key[:80]))
    object_type, *attributes = key[1:-1].split(END_OF_PART)
    return object_type, attributes


def range_of(object_type: str, attributes: Sequence[str]) -> tuple[str, str]:
    """First key, and the one behind the last, of the keys that begin with these parts.

    Raises:
        CallRefused: see `create_composite_key`.
    """
    first = create_composite_key(object_type, attributes)
    return first, first + LAST_CHARACTER


def check_key(key: str) -> None:
    """Raise when a text cannot be a key.

    Raises:
        CallRefused: it is empty, too long, no text, no UTF-8, or begins as a composite key and is
            none.
    """
    if not isinstance(key, str) or not key:
        raise CallRefused("is no key", who="key", had=repr(key)[:80], needed="a text, not empty")
    is_composite = len(key) > 2 and key[1] != END_OF_PART and key.endswith(END_OF_PART)
    if key.startswith(NAMESPACE) and not is_composite:
        raise CallRefused(
            "begins as a composite key and is none",
            who="key",
            had=repr(key[:80]),
            remedy="Make it with create_composite_key, or begin it with another character.",
        )
    size = len(encode_text(key, "key"))
    if size > MAX_KEY_BYTES:
        raise CallRefused("is too long", who="key", had=f"{size} bytes", needed=MAX_KEY_BYTES)


def encode_text(text: str, who: str) -> bytes:
    """UTF-8 of a text.

    Raises:
        CallRefused: it has half a pair of surrogates.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as fault:
        raise CallRefused("cannot be UTF-8", who=who, had=ascii(text[:80])) from fault


def encode_value(value: bytes | str, who: str) -> bytes:
    """Bytes as they are, a text in UTF-8.

    Raises:
        CallRefused: it is neither; of a number Python would make so many zeros.
    """
    if isinstance(value, str):
        return encode_text(value, who)
    if not isinstance(value, bytes | bytearray | memoryview):
        had = type(value).__name__
        raise CallRefused("is of another kind", who=who, had=had, needed="bytes or text")
    return bytes(value)


def _check_part(part: str) -> None:
    if not isinstance(part, str):
        had = type(part).__name__
        raise CallRefused("has a part that is no text", who="composite key", had=had)
    encode_text(part, "composite key")
    if END_OF_PART in part or LAST_CHARACTER in part:
        raise CallRefused(
            "has a part with a character that keys are made with",
            who="composite key",
            had=ascii(part[:80]),
            needed="neither U+0000 nor U+10FFFF",
        )
