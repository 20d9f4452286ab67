"""A checksum among the fields of a file: what was changed since it was written is told by name.

It is SHA-256 over the one encoding of all other fields (`canonical_json.encode`), so it does not
matter how a file is indented. It shows damage and slips, no forgery: who means to change a file
takes the field out. Files of before have none, and are read as they stand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.untrusted.canonical_json import encode

CHECKSUM = "checksum"
CHANGED = "was changed since it was written"
RESTORE = "Restore it from a copy, or from who made it."


def with_checksum(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a file with their checksum."""
    return {**facts, CHECKSUM: _compute(facts)}


def take_checksum(
    facts: Mapping[str, Any], who: object, refusal: type[RefusedInput], remedy: str = RESTORE
) -> dict[str, Any]:
    """The facts of a file without their checksum, once it was compared; all of them without one.

    Args:
        facts: as they were read.
        who: what the file is called in errors.
        refusal: kind of error.
        remedy: what to do about a file that was changed.

    Raises:
        RefusedInput: of that kind; a field is not what it was when the file was written.
    """
    others = {name: value for name, value in facts.items() if name != CHECKSUM}
    if CHECKSUM in facts and not _fits(facts[CHECKSUM], others):
        raise refusal(CHANGED, who=who, remedy=remedy)
    return others


def _fits(told: object, facts: Mapping[str, Any]) -> bool:
    try:
        return told == _compute(facts)
    except RecursionError:  # brackets that were just read, and are too many to be written
        return False


def _compute(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(encode(facts)).hexdigest()
