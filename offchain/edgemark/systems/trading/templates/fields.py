"""The fields of claims: each by name, type and range, the same for every seller. Pure.

A template may narrow what a field holds and add fields of the seller's own; it can leave none out
and cannot change what one means. Amounts and counts are text of digits: JSON has no whole numbers
above 2^53 - 1 that every reader keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn

from edgemark.errors import about
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.identity.did.identifier import Did, parse_did
from edgemark.systems.trading.templates.schema import ClaimsRefused
from edgemark.systems.trading.templates.strategies import MAX_AMOUNT, MAX_COUNT

MAX_VERSION = 2**32 - 1
MAX_SECOND = 2**40 - 1  # as the escrow stores it
MAX_DURATION_S = 31 * 86_400  # an interval or a grace is shorter than a month
MAX_NAME = 32  # bytes of a name on chain

_DIGITS = re.compile(r"0|[1-9][0-9]{0,38}")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HASH = re.compile(r"0x[0-9a-f]{64}")


class TemplateKind(Enum):
    """What claims a template is of: TIT, TST."""

    INITIATION = "initiation"
    SETTLEMENT = "settlement"


class Encryption(Enum):
    """How claims travel: in the clear, or as a JWE to both parties' keys for agreement."""

    NONE = "none"
    JWE = "jwe"


@dataclass(frozen=True)
class Label:
    """Which template claims follow.

    Attributes:
        name: of small letters, digits and hyphens, of the seller's choice.
        version: from 1 on.
    """

    kind: TemplateKind
    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.kind.value})"


@dataclass(frozen=True)
class Field:
    """One field of claims.

    Attributes:
        name: in JSON.
        kind: its type in JSON Schema.
        parse: reads it; raises `RefusedInput`.
        meaning: in a few words.
        is_fixed: whether a template must have it as a constant: it is what the seller sells.
    """

    name: str
    kind: str
    parse: Callable[[Any], Any]
    meaning: str
    is_fixed: bool = False


def parse_fields(claims: Mapping[str, Any], fields: tuple[Field, ...], who: object) -> list[Any]:
    """The values of these fields, in their order.

    Raises:
        ClaimsRefused: one is missing.
        RefusedInput: one is of another type, or out of its range; with its name.
    """
    values = []
    for field in fields:
        if field.name not in claims:
            raise ClaimsRefused("lacks a field", who=who, needed=field.name)
        with about(f"{who}, {field.name}"):
            values.append(field.parse(claims[field.name]))
    return values


def parse_amount(value: Any) -> Tokens:
    """Smallest units of tokens, 0 .. `MAX_AMOUNT`, as text of digits."""
    return Tokens(_parse_digits(value, MAX_AMOUNT))


def parse_count(value: Any) -> int:
    """A number of units, 0 .. `MAX_COUNT`, as text of digits."""
    return _parse_digits(value, MAX_COUNT)


def _parse_digits(value: Any, most: int) -> int:
    needed = f'text of digits, "0" .. "{most}"'
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        _refuse(value, needed)
    number = int(value)
    if number > most:
        _refuse(value, needed)
    return number


def parse_whole(least: int, most: int) -> Callable[[Any], int]:
    """Reads a JSON number within these bounds."""

    def parse(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            _refuse(value, f"a whole number, {least} .. {most}")
        return value

    return parse


def parse_second(value: Any) -> Timestamp:
    """A Unix second."""
    return Timestamp(parse_whole(0, MAX_SECOND)(value))


def parse_party(value: Any) -> Did:
    """A DID, in the text that claims have."""
    if not isinstance(value, str):
        _refuse(value, "a DID")
    return parse_did(value)


def parse_hash(value: Any) -> Hash32:
    """`0x` and 64 hexadecimal digits."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        _refuse(value, "0x and 64 of 0-9, a-f")
    return Hash32(bytes.fromhex(value[2:]))


def parse_choice(kind: type[Enum]) -> Callable[[Any], Any]:
    """Reads one of the values of an enumeration."""

    def parse(value: Any) -> Any:
        names = [each.value for each in kind]
        if value not in names:
            _refuse(value, " or ".join(names))
        return kind(value)

    return parse


def parse_object(value: Any, needed: set[str], optional: frozenset[str] = frozenset()) -> Any:
    """An object of exactly these names, and perhaps those."""
    if not isinstance(value, dict) or not needed <= value.keys() <= needed | optional:
        had = sorted(value) if isinstance(value, dict) else value
        _refuse(had, f"an object of {', '.join(sorted(needed))}")
    return value


def parse_list(value: Any, most: int) -> list[Any]:
    """A list of 1 .. `most` items."""
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        _refuse(value, f"a list of 1 .. {most}")
    return value


def parse_label(value: Any) -> Label:
    """Which template: `{"kind": "initiation", "name": "hours-of-cpu", "version": 2}`."""
    parts = parse_object(value, {"kind", "name", "version"})
    name = parts["name"]
    if not isinstance(name, str) or len(name) > MAX_NAME or not _NAME.fullmatch(name):
        _refuse(name, f"a name of 1 .. {MAX_NAME} small letters, digits and single hyphens")
    kind = parse_choice(TemplateKind)(parts["kind"])
    return Label(kind, name, parse_whole(1, MAX_VERSION)(parts["version"]))


def _refuse(had: Any, needed: str) -> NoReturn:
    shown = repr(had) if isinstance(had, str | int) else type(had).__name__
    if isinstance(had, list) and all(isinstance(each, str) for each in had):
        shown = ", ".join(had)
    raise ClaimsRefused("is refused", had=shown[:120], needed=needed)
