"""Canonical JSON of files that strangers hand over: one value has one encoding, every part a bound.

Keys are sorted, there are no spaces, bytes are lower-case hexadecimal, one newline ends the file.
The readers raise `NotThatFormat`; who calls them says of which file (`canonical_file`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_NUMBER = 2**96  # no time, count or amount of tokens is larger
MAX_WORDS = 80  # of a stranger's, in an error


class NotThatFormat(ValueError):
    """The text is none of this format; the words may be shown, nothing of a value is in them."""


def parse(raw: bytes, form: str, version: int) -> dict[str, Any]:
    """The facts of a file; that they are the one encoding is for the caller to check.

    Raises:
        NotThatFormat: not JSON, nested too deeply, or of another format or version.
    """
    try:
        facts = json.loads(raw)
    except RecursionError:
        raise NotThatFormat("JSON that is nested too deeply") from None
    except ValueError:
        raise NotThatFormat("no JSON, or a part of it") from None
    found = (facts.get("format"), facts.get("version")) if isinstance(facts, dict) else (None, None)
    if found != (form, version):
        named = f"format {found[0]}, version {found[1]}" if found[0] else "JSON of another kind"
        raise NotThatFormat(named[:MAX_WORDS])
    return facts  # type: ignore[no-any-return]


def version_of(raw: bytes) -> object:
    """What a file says its version is, where several are read; None when it says nothing."""
    try:
        facts = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return facts.get("version") if isinstance(facts, dict) else None


def encode(facts: Mapping[str, Any]) -> bytes:
    """The one encoding."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise NotThatFormat(f"text needed, not {type(value).__name__}")
    return value


def number(value: Any) -> int:
    """An integer, 0 .. 2^96 - 1."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_NUMBER:
        raise NotThatFormat("number of 0..2^96-1 needed")
    return value


def octets(value: Any, most: int, *, exactly: bool = False) -> bytes:
    """Bytes of a hexadecimal string: `most` of them, or up to it."""
    try:
        raw = bytes.fromhex(text(value))
    except ValueError as error:
        if isinstance(error, NotThatFormat):
            raise
        raise NotThatFormat("hexadecimal needed") from None
    if len(raw) > most or (exactly and len(raw) != most):
        raise NotThatFormat(f"{len(raw)} bytes, needed {'' if exactly else '<= '}{most}")
    return raw


def items(value: Any, *, most: int, least: int = 0) -> list[Any]:
    """A list of `least` to `most` items."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise NotThatFormat(f"list of {least} to {most} needed")
    return value
