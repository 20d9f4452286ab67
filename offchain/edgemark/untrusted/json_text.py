"""JSON of a file, in which each name of an object stands once.

RFC 8259 4 leaves open which of two fields of one name counts: readers that take the first and
readers that take the last would see two files in one, and a checksum over what was read says
nothing of the other. So neither is taken.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

MOST_SHOWN = 80  # characters of a stranger's name, in an error


def load_json(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: no JSON, a number that is none there (NaN), or a name twice in one object.
        RecursionError: nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"field {name[:MOST_SHOWN]!r} twice in one object")
        found[name] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
