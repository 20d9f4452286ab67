"""JSON that is hashed or signed as a value, not as it was written: one value, one encoding. Pure.

Source: RFC 8785 (JSON Canonicalization Scheme), RFC 7493 (I-JSON: whole numbers up to 2^53 - 1).
Numbers are whole: what is larger, or has a fraction, travels as text. `canonical_json` is the
encoding of this project's own files, with a newline at the end and other escapes.
"""

from __future__ import annotations

from typing import Any

import rfc8785

from edgemark.errors import RefusedInput
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_strictly

MAX_WHOLE = 2**53 - 1  # what every reader of JSON has exactly


class JsonInvalid(RefusedInput):
    """The bytes are no JSON that has one encoding."""


def parse_hashable(
    raw: bytes, *, who: object, most: int, refusal: type[RefusedInput] = JsonInvalid
) -> Any:
    """The value of a text, in whatever order of names and with whatever spaces it is.

    Args:
        raw: UTF-8.
        who: what it is called in errors.
        most: bytes.
        refusal: the kind of error.

    Raises:
        RefusedInput: of that kind; as `parse_strictly`, or a number with a fraction, a power of ten
            or beyond 2^53 - 1.
    """
    try:
        value = parse_strictly(raw, most=most)
        _check_numbers(value)
    except NotThatFormat as error:
        needed = "JSON, each name once, whole numbers to 2^53 - 1"
        raise refusal("cannot be read", who=who, had=str(error), needed=needed) from None
    return value


def encode_jcs(value: Any) -> bytes:
    """The one encoding of a value, as RFC 8785 has it; without a newline at the end.

    Args:
        value: as `parse_hashable` answers it, or of such parts.

    Raises:
        JsonInvalid: a value that has no encoding, as a number beyond 2^53 - 1.
    """
    try:
        encoded: bytes = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        needed = "JSON, whole numbers to 2^53 - 1"
        had = str(error)[:160]
        raise JsonInvalid("has no encoding", who="value", had=had, needed=needed) from None
    return encoded


def _check_numbers(value: Any) -> None:
    if isinstance(value, dict):
        for part in value.values():
            _check_numbers(part)
    elif isinstance(value, list):
        for part in value:
            _check_numbers(part)
    elif isinstance(value, float):
        raise NotThatFormat("a number that is not written as a whole one")
    elif isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise NotThatFormat("a number beyond 2^53 - 1, which is written as text")
