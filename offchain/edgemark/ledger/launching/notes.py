"""What is written down of a process in a folder: small files of JSON that tell when they changed.

A number that is another than was written names no process, or somebody else's: a chain that runs
would be none, and nobody could end it. So a note that is not as it was written is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgemark.files import write_whole
from edgemark.untrusted.checksum import with_checksum
from edgemark.untrusted.fields import BadFile, parse_object

MAX_NOTE_BYTES = 64 * 1024
BY_HAND = "If what it names runs still, end that by hand; then remove this file."


class NoteDamaged(BadFile):
    """What is known of a process of this folder cannot be read."""


def write_note(path: Path, facts: Mapping[str, object]) -> None:
    """Write a note, whole or not at all."""
    write_whole(path, json.dumps(with_checksum(facts)).encode())


def read_note(path: Path) -> dict[str, Any] | None:
    """The facts of a note; None when there is none.

    Raises:
        NoteDamaged: it is not as it was written.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_NOTE_BYTES)
    except FileNotFoundError:
        return None
    return parse_object(raw, str(path), NoteDamaged, BY_HAND)


def number_in(facts: Mapping[str, Any], name: str, path: Path) -> int:
    """A whole number of a note.

    Raises:
        NoteDamaged: it is not there, or none.
    """
    value = facts.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise NoteDamaged("lacks a number", who=path, needed=name, remedy=BY_HAND)
    return value
