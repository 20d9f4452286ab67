"""Canonical JSON of files that strangers hand over: one value has one encoding, every part a bound.

Keys are sorted, there are no spaces, bytes are lower-case hexadecimal, one newline ends the file.
The readers raise `ValueError` or `TypeError`; who calls them says of which file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_NUMBER = 2**96  # no number of a job is larger


def encode(facts: Mapping[str, Any]) -> bytes:
    """The one encoding."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError(f"text needed, not {type(value).__name__}")
    return value


def number(value: Any) -> int:
    """An integer, 0 .. 2^96 - 1."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_NUMBER:
        raise ValueError(f"number of 0..2^96-1 needed, not {str(value)[:40]}")
    return value


def octets(value: Any, most: int, *, exactly: bool = False) -> bytes:
    """Bytes of a hexadecimal string: `most` of them, or up to it."""
    raw = bytes.fromhex(text(value))
    if len(raw) > most or (exactly and len(raw) != most):
        raise ValueError(f"{len(raw)} bytes, needed {'' if exactly else '<= '}{most}")
    return raw


def items(value: Any, *, most: int, least: int = 0) -> list[Any]:
    """A list of `least` to `most` items."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise ValueError(f"list of {least} to {most} needed")
    return value
