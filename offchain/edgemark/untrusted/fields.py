"""JSON that a stranger may have written: each field taken out by name, type and range."""

from __future__ import annotations

import math
from typing import Any, NoReturn, TypeVar

from edgemark.errors import RefusedInput
from edgemark.untrusted.checksum import RESTORE, take_checksum
from edgemark.untrusted.json_text import load_json

T = TypeVar("T")


class BadFile(RefusedInput):
    """A file that is no JSON of the form that is read; who reads it may raise a kind of its own."""


def parse_json(
    raw: bytes, who: str, refusal: type[BadFile] = BadFile, restore: str = RESTORE
) -> Fields:
    """The fields of a JSON object; as `parse_object`."""
    return Fields(parse_object(raw, who, refusal, restore), who, refusal)


def parse_object(
    raw: bytes, who: str, refusal: type[BadFile] = BadFile, restore: str = RESTORE
) -> dict[str, Any]:
    """Parse a JSON object, and compare its checksum where it has one.

    Args:
        raw: the file.
        who: what it is called in errors.
        refusal: the kind of error of whatever is wrong with it, here and in its fields.
        restore: what to do about one that is not as it was written.

    Raises:
        BadFile: of that kind; not UTF-8, not JSON, nested too deep, no object, or changed.
    """
    try:
        value = load_json(raw.decode())
    except RecursionError as error:
        raise refusal("is not JSON", who=who, had="nested too deeply", remedy=restore) from error
    except ValueError as error:
        raise refusal("is not JSON", who=who, had=str(error)[:200], remedy=restore) from error
    if not isinstance(value, dict):
        had = type(value).__name__
        raise refusal("is no JSON object", who=who, had=had, needed="fields and their values")
    return take_checksum(value, who, refusal, restore)


class Fields:
    """An object of JSON; whatever is missing, left over or of another type is refused by name."""

    def __init__(self, value: dict[str, Any], who: str, refusal: type[BadFile] = BadFile) -> None:
        self._value = value
        self._refusal = refusal
        self._left = set(value)
        self.who = who

    def _take(self, name: str, kind: type[T]) -> T:
        if name not in self._value:
            raise self._refusal("lacks a field", who=self.who, needed=name)
        self._left.discard(name)
        value = self._value[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self._refuse(name, type(value).__name__, kind.__name__)
        return value

    def _refuse(self, name: str, had: object, needed: str) -> NoReturn:
        raise self._refusal(
            "has a field of another type", who=f"{self.who}, {name}", had=had, needed=needed
        )

    def text(self, name: str) -> str:
        """A string."""
        return self._take(name, str)

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._take(name, bool)

    def whole(self, name: str) -> int:
        """A whole number."""
        return self._take(name, int)

    def real(self, name: str) -> float:
        """A finite number."""
        self._left.discard(name)
        return self._real(name, self._value.get(name))

    def _real(self, name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(name, type(value).__name__, "a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self._refuse(name, "an infinite number", "a finite number")
        return number

    def items(self, name: str, most: int) -> list[Any]:
        """A list of at most `most` items."""
        items: list[Any] = self._take(name, list)
        if len(items) > most:
            raise self._refusal(
                "has too many items", who=f"{self.who}, {name}", had=len(items), needed=most
            )
        return items

    def reals(self, name: str, most: int) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(self._real(name, item) for item in self.items(name, most))

    def rows(self, name: str, most: int, width: int) -> tuple[tuple[float, ...], ...]:
        """A list of lists of finite numbers."""
        rows = (self._within({name: row}, self.who) for row in self.items(name, most))
        return tuple(row.reals(name, width) for row in rows)

    def wholes(self, name: str, most: int) -> tuple[int, ...]:
        """A list of whole numbers."""
        items = self.items(name, most)
        for item in items:
            if isinstance(item, bool) or not isinstance(item, int):
                self._refuse(name, type(item).__name__, "whole numbers")
        return tuple(items)

    def whole_rows(self, name: str, most: int, width: int) -> tuple[tuple[int, ...], ...]:
        """A list of lists of whole numbers."""
        rows = (self._within({name: row}, self.who) for row in self.items(name, most))
        return tuple(row.wholes(name, width) for row in rows)

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """A list of strings."""
        items = self.items(name, most)
        for item in items:
            if not isinstance(item, str):
                self._refuse(name, type(item).__name__, "strings")
        return tuple(items)

    def labels(self, name: str, most: int) -> tuple[str | int | float | bool, ...]:
        """A list of strings, numbers and booleans."""
        items = self.items(name, most)
        for item in items:
            if not isinstance(item, str | int | float | bool):
                self._refuse(name, type(item).__name__, "strings or numbers")
        return tuple(items)

    def _within(self, value: dict[str, Any], who: str) -> Fields:
        return Fields(value, who, self._refusal)

    def part(self, name: str) -> Fields:
        """An object within this one."""
        value: dict[str, Any] = self._take(name, dict)
        return self._within(value, f"{self.who}, {name}")

    def parts(self, name: str, most: int) -> list[Fields]:
        """A list of objects."""
        items = self.items(name, most)
        for item in items:
            if not isinstance(item, dict):
                self._refuse(name, type(item).__name__, "objects")
        return [self._within(item, f"{self.who}, {name} {i}") for i, item in enumerate(items)]

    def holds(self, name: str) -> bool:
        """Whether the object has this field; nothing is taken."""
        return name in self._value

    def names_format(self, form: str) -> bool:
        """Whether the object says that it is of this format; nothing is taken."""
        return self._value.get("format") == form

    def all(self) -> dict[str, Any]:
        """Every field as it is, for who takes any; what is in them was looked at by nobody."""
        self._left.clear()
        return dict(self._value)

    def finish(self) -> None:
        """Refuse whatever was not taken."""
        if self._left:
            raise self._refusal(
                "has fields that nobody knows",
                who=self.who,
                had=", ".join(sorted(self._left))[:200],
                needed="the fields of this version, each by its name",
            )
