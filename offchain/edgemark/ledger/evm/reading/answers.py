"""Typed readers of what a node says: whatever is not expected is the node's fault, by name.

No other module turns a node's JSON into numbers, bytes or addresses (a test looks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, TypeVar

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, parse_address, parse_hash32
from edgemark.ledger.evm.faults import NodeAnswerMalformed

QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
HEX_DATA = re.compile(r"0x[0-9a-fA-F]*")  # no group: one that repeats takes 75 times its text
MOST_DATA_BYTES = 2**20  # in one answer, of whatever kind; nodes take and give no calls as large
HASH_BYTES = 32
MOST_WORD = 2**256 - 1
MOST_NUMBER = 2**63 - 1  # no height, place or time is larger; what is has no meaning
SHOWN_CHARS = 80
UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    OverflowError,
    RefusedInput,
)

E = TypeVar("E", bound=IntEnum)


def quantity_of(answer: object, what: str, *, most: int = MOST_WORD) -> int:
    """A whole number, `0x` and 1 to 64 hex digits.

    Args:
        answer: of the node.
        what: it should be, for the message.
        most: that has a meaning.

    Raises:
        NodeAnswerMalformed: it is something else.
    """
    if isinstance(answer, str) and QUANTITY.fullmatch(answer):
        number = int(answer, 16)
        if number <= most:
            return number
    raise malformed(what, answer, f"0x and a number of at most {most.bit_length()} bits")


def height_of(answer: object, what: str = "number of a block") -> int:
    """A height, a place or a time; raises as `quantity_of`."""
    return quantity_of(answer, what, most=MOST_NUMBER)


def data_of(answer: object, what: str, *, most: int = MOST_DATA_BYTES) -> bytes:
    """Bytes, `0x` and two hex digits each; at most `most` of them; raises as `quantity_of`."""
    if isinstance(answer, str) and is_data(answer, most):
        return bytes.fromhex(answer[2:])
    raise malformed(what, answer, f"0x and at most {most} whole bytes in hex")


def is_data(text: str, most: int) -> bool:
    """Is it `0x` and at most so many bytes? Its length is looked at before its letters."""
    fits = len(text) <= 2 + 2 * most and len(text) % 2 == 0
    return fits and HEX_DATA.fullmatch(text) is not None


def hash_of(answer: object, what: str) -> Hash32:
    """32 bytes; raises as `quantity_of`."""
    with reading(what, answer):
        return parse_hash32(data_of(answer, what, most=HASH_BYTES))


def address_of(answer: object, what: str) -> Address:
    """An account or contract; raises as `quantity_of`."""
    with reading(what, answer):
        return parse_address(answer)  # type: ignore[arg-type]  # anything else is refused there


def object_of(answer: object, what: str) -> dict[str, Any]:
    """An object with members; raises as `quantity_of`."""
    if isinstance(answer, dict):
        return answer
    raise malformed(what, answer, "an object")


def list_of(answer: object, what: str) -> list[Any]:
    """A list; raises as `quantity_of`."""
    if isinstance(answer, list):
        return answer
    raise malformed(what, answer, "a list")


def member_of(kind: type[E], answer: object) -> E:
    """A member of an enumeration that a contract of ours keeps; raises as `quantity_of`."""
    with reading(kind.__name__, answer):
        return kind(answer)  # type: ignore[arg-type]  # anything else is refused there


@contextmanager
def reading(what: str, answer: object) -> Iterator[None]:
    """What does not fit within is the fault of the node that answered so.

    Raises:
        NodeAnswerMalformed: instead of everything that reading something else than was expected
            raises.
    """
    try:
        yield
    except UNREADABLE as error:
        raise malformed(what, answer, type(error).__name__) from error


def malformed(what: str, answer: object, needed: str) -> NodeAnswerMalformed:
    """The fault of a node that answered with something else than `what`."""
    return NodeAnswerMalformed(
        f"sent no {what}",
        who="node",
        had=tell(answer),
        needed=needed,
        remedy="Ask again, or use another node.",
    )


def tell(answer: object) -> str:
    """What was answered, in few printable words, however large or deep it is."""
    match answer:
        case str():
            return f"{words_of(answer[:SHOWN_CHARS])!r}"
        case bool() | None:
            return repr(answer)
        case int():
            return str(answer) if answer.bit_length() <= 64 else f"{answer.bit_length()} bits"
        case float():
            return repr(answer)
        case list() | dict() | bytes() | tuple():
            return f"{type(answer).__name__} of {len(answer)}"
        case _:
            return type(answer).__name__


def words_of(text: str) -> str:
    """Text of a stranger without what is not printable, lone surrogates included."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
