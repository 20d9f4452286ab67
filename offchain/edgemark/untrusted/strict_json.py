"""JSON of which everybody reads the same: no name twice, nothing that readers differ about.

Source: RFC 8259 (4: names should be unique; 8.1: UTF-8, no byte order mark; 8.2: code points that
are no characters); RFC 7515, section 4 (a header with a name twice is refused).
Law: whatever is not refused here, every conforming reader takes for the same value.
"""

from __future__ import annotations

import math
from typing import Any

from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.json_text import NameTwice, NoNumber, load_json

MAX_DEPTH = 32  # of objects and lists in each other


def parse_strictly(raw: bytes, *, most: int) -> Any:
    """The value of a JSON text.

    Args:
        raw: the text, UTF-8.
        most: bytes.

    Raises:
        NotThatFormat: too long, no UTF-8, no JSON, nested deeper than `MAX_DEPTH`, a name twice in
            an object, an infinite number, NaN, or a half of a surrogate pair.
    """
    if len(raw) > most:
        raise NotThatFormat(f"{len(raw)} bytes, needed <= {most}")
    try:
        value = load_json(raw.decode(), parse_float=_finite)
    except RecursionError:
        raise NotThatFormat("JSON that is nested too deeply") from None
    except NameTwice:
        raise NotThatFormat("a name twice in one object") from None
    except NoNumber:
        raise NotThatFormat("NaN or an infinite number") from None
    except ValueError:
        raise NotThatFormat("no JSON, or a part of it") from None
    _check(value, MAX_DEPTH)
    return value


def parse_object_strictly(raw: bytes, *, most: int) -> dict[str, Any]:
    """The fields of a JSON object; as `parse_strictly`.

    Raises:
        NotThatFormat: also for what is no object.
    """
    value = parse_strictly(raw, most=most)
    if not isinstance(value, dict):
        raise NotThatFormat(f"an object needed, not {type(value).__name__}")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NoNumber(text)
    return number


def _check(value: Any, left: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        _check_depth(left)
        for name, part in value.items():
            _check_text(name)
            _check(part, left - 1)
    elif isinstance(value, list):
        _check_depth(left)
        for part in value:
            _check(part, left - 1)


def _check_depth(left: int) -> None:
    if left == 0:
        raise NotThatFormat("JSON that is nested too deeply")


def _check_text(text: str) -> None:
    # What is ASCII, nearly everything, is told apart without looking at each character.
    if not text.isascii() and any("\ud800" <= mark <= "\udfff" for mark in text):
        raise NotThatFormat("half of a surrogate pair")
