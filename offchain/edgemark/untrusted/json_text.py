"""JSON of a file, in which each name of an object stands once.

RFC 8259 4 leaves open which of two fields of one name counts: readers that take the first and
readers that take the last would see two files in one, and a checksum over what was read says
nothing of the other. So neither is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

MOST_SHOWN = 80  # characters of a stranger's name, in an error


class NameTwice(ValueError):
    """A field stands twice in one object; the words name it."""


class NoNumber(ValueError):
    """NaN or an infinite number, which JSON has not."""


def load_json(text: bytes | str, *, parse_float: Callable[[str], float] = float) -> Any:
    """The value of a JSON text.

    Args:
        text: of a file, or of a message.
        parse_float: of a number with a point or an exponent; may raise `NoNumber`.

    Raises:
        NameTwice, NoNumber: as they say.
        ValueError: no JSON.
        RecursionError: nested too deeply.
    """
    return json.loads(
        text,
        parse_constant=_refuse_constant,
        object_pairs_hook=_each_once,
        parse_float=parse_float,
    )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NameTwice(f"field {name[:MOST_SHOWN]!r} twice in one object")
        found[name] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise NoNumber(f"{name} is no number of JSON")
