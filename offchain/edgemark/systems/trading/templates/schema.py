"""JSON Schema of a stranger, in the part of it that ends soon and asks nobody. Pure.

Source: JSON Schema 2020-12. Whatever is not listed here is refused before any validator sees it:

Rule 1: no `$ref` or `$dynamicRef`, no `$id`, no `$defs`: nothing is fetched, nothing goes round.
Rule 2: no `anyOf`, `not` and the like, no `format`, no `uniqueItems`: a check takes one walk.
Rule 3: every object lists its fields and takes no others, every list and text has a length.
Rule 4: a pattern is one row of letters and classes between `^` and `$`, without groups, at most two
        of them of no fixed length: no text makes it try again and again. It means the same in
        ECMAScript and in Python.
Rule 5: so deep, so many parts, so many bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

from edgemark.errors import RefusedInput
from edgemark.untrusted.jcs import MAX_WHOLE, encode_jcs

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_DEPTH = 6  # of schemas in schemas: claims, an object of theirs, its list, an object of that
MAX_PARTS = 512  # schemas in one
MAX_FIELDS = 64  # of an object
MAX_CHOICES = 64  # of `enum`
MAX_ITEMS = 256  # of a list
MAX_TEXT = 1024  # characters of any text of claims
MAX_WORDS = 512  # characters of a title or a description
MAX_PATTERN, MAX_PIECES, MAX_VARIABLE = 128, 32, 2
TYPES = ("object", "array", "string", "integer", "boolean")

_ATOM = (
    r"(?:[A-Za-z0-9 _:/,@=-]|\\[.^$*+?()\[\]{}|\\/-]"
    r"|\[(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9 _.:/+,@=])+-?\])"
)
_COUNT = r"(?:\{[0-9]{1,4}(?:,[0-9]{1,4})?\}|[?*+])?"
_PIECE = re.compile(f"({_ATOM})({_COUNT})")
_PATTERN = re.compile(rf"\^(?:{_ATOM}{_COUNT}){{0,{MAX_PIECES}}}\$")

_ANYWHERE = frozenset({"title", "description", "const", "enum", "type"})
_OF_TYPE = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
}
_NEEDED_OF_TYPE = {  # where there is neither const nor enum
    "object": ("properties", "additionalProperties"),
    "array": ("items", "maxItems"),
    "string": ("maxLength",),
}
_A_PATTERN = (
    f"^ and $ around at most {MAX_PIECES} letters and classes such as [a-z0-9], each with a count"
    f" or none, at most {MAX_VARIABLE} of a count that varies; no groups"
)


def _is_whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _is_words(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_WORDS and value.isprintable()


def _is_fields(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= MAX_FIELDS


def _is_names(value: Any) -> bool:
    is_list = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return is_list and len(set(value)) == len(value)


def _is_pattern(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > MAX_PATTERN or not _PATTERN.fullmatch(value):
        return False
    counts = [count for _, count in _PIECE.findall(value[1:-1])]
    if sum(map(_varies, counts)) > MAX_VARIABLE:
        return False
    try:
        re.compile(value)
    except re.error:  # a class or a count the wrong way round
        return False
    return True


def _varies(count: str) -> bool:
    return count in ("?", "*", "+") or "," in count


_KEYWORDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "title": (_is_words, f"<= {MAX_WORDS} characters"),
    "description": (_is_words, f"<= {MAX_WORDS} characters"),
    "type": (lambda value: value in TYPES, ", ".join(TYPES)),
    "enum": (
        lambda value: isinstance(value, list) and 1 <= len(value) <= MAX_CHOICES,
        f"1..{MAX_CHOICES} choices",
    ),
    "properties": (_is_fields, f"<= {MAX_FIELDS} fields"),
    "required": (_is_names, "names, each once"),
    "additionalProperties": (lambda value: value is False, "false"),
    "items": (lambda value: isinstance(value, dict), "a schema"),
    "minItems": (_is_whole(0, MAX_ITEMS), f"0..{MAX_ITEMS}"),
    "maxItems": (_is_whole(0, MAX_ITEMS), f"0..{MAX_ITEMS}"),
    "minLength": (_is_whole(0, MAX_TEXT), f"0..{MAX_TEXT}"),
    "maxLength": (_is_whole(0, MAX_TEXT), f"0..{MAX_TEXT}"),
    "minimum": (_is_whole(-MAX_WHOLE, MAX_WHOLE), "a whole number"),
    "maximum": (_is_whole(-MAX_WHOLE, MAX_WHOLE), "a whole number"),
    "pattern": (_is_pattern, _A_PATTERN),
}


class SchemaRefused(RefusedInput):
    """A schema uses more of JSON Schema than is safe to run, or is none."""


class ClaimsRefused(RefusedInput):
    """Claims are not what their template asks for."""


def check_schema(schema: Any, *, who: object) -> None:
    """Check a schema of claims: an object, and everything in it within its bounds.

    Raises:
        SchemaRefused: with the place in it, as a JSON pointer.
    """
    _Walk(who).check(schema)


def check_claims(claims: Any, schema: Mapping[str, Any], *, who: object, text: bytes = b"") -> None:
    """Check claims against a schema that `check_schema` let pass.

    Args:
        claims: of a credential.
        schema: of its template.
        who: what they are called in errors.
        text: canonical form of the schema, where it is known: to make it costs as much as to check.

    Raises:
        ClaimsRefused: the first thing that is wrong, with its place.
    """
    for place, each in () if _is_readable(claims) else _texts_in(claims, ""):
        if not _is_readable(each):
            needed = f"<= {MAX_TEXT} characters that print"
            raise ClaimsRefused("has a text that is refused", who=f"{who}{place}", needed=needed)
    validator = _validator_of(text or encode_jcs(schema))
    if is_plainly_valid(claims, validator.schema):
        return
    # The first suffices, and the others are not looked for.
    if error := next(validator.iter_errors(claims), None):
        raise _explain(error, who)


def is_plainly_valid(value: Any, schema: Any) -> bool:
    """Whether claims are what a schema asks for, told in a twentieth of a validator's time.

    True only where a validator says so too. False says nothing: whatever is not of exactly one type
    of JSON, or stands in a schema and is not known here, is for the validator to decide.
    """
    if type(schema) is not dict:
        return False
    for name, needed in schema.items():
        test = _TESTS.get(name)
        if test is None or not test(value, needed, schema):
            return False
    return True


@lru_cache(maxsize=64)
def _validator_of(text: bytes) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - most commands check no claims
    from referencing import Registry  # noqa: PLC0415

    # An empty registry: the one that it has by default fetches what it does not know.
    return Draft202012Validator(json.loads(text), registry=Registry())


def _explain(error: ValidationError, who: object) -> ClaimsRefused:
    place = "".join(f"/{part}" for part in error.absolute_path)
    return ClaimsRefused(
        "is not what the template asks for",
        who=f"{who}{place}",
        had=_show(error.instance),
        needed=_show({error.validator: error.validator_value}),
    )


def _show(value: object) -> str:
    """Of a value that may have no canonical form: a number beyond 2^53 - 1, for one."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)[:120]


def _is_readable(value: Any) -> bool:
    """Whether all texts in claims, names of fields included, may be there."""
    if type(value) is str or isinstance(value, str):
        return len(value) <= MAX_TEXT and value.isprintable()
    if type(value) is dict or isinstance(value, Mapping):
        return all(map(_is_readable, value)) and all(map(_is_readable, value.values()))
    return not isinstance(value, list) or all(map(_is_readable, value))


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of equal types all through: 1 is neither 1.0 nor true."""
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(_is_same(one[n], other[n]) for n in one)
    if type(one) is list:
        return len(one) == len(other) and all(map(_is_same, one, other))
    return type(one) in _TYPES.values() and bool(one == other)


def _has_valid_fields(value: Any, needed: Any, _: Any) -> bool:
    if type(value) is not dict:
        return False
    return all(is_plainly_valid(value[n], part) for n, part in needed.items() if n in value)


_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
_TESTS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "$schema": lambda _, __, ___: True,
    "title": lambda _, __, ___: True,
    "description": lambda _, __, ___: True,
    "type": lambda value, needed, _: type(needed) is str and type(value) is _TYPES.get(needed),
    "const": lambda value, needed, _: _is_same(value, needed),
    "enum": lambda value, needed, _: any(_is_same(value, each) for each in needed),
    "properties": _has_valid_fields,
    "required": lambda value, needed, _: type(value) is dict and all(n in value for n in needed),
    "additionalProperties": lambda value, needed, schema: (
        needed is False
        and type(value) is dict
        and value.keys() <= schema.get("properties", {}).keys()
    ),
    "items": lambda value, needed, _: (
        type(value) is list and all(is_plainly_valid(each, needed) for each in value)
    ),
    "minItems": lambda value, needed, _: type(value) is list and len(value) >= needed,
    "maxItems": lambda value, needed, _: type(value) is list and len(value) <= needed,
    "minLength": lambda value, needed, _: type(value) is str and len(value) >= needed,
    "maxLength": lambda value, needed, _: type(value) is str and len(value) <= needed,
    "minimum": lambda value, needed, _: type(value) is int and value >= needed,
    "maximum": lambda value, needed, _: type(value) is int and value <= needed,
    "pattern": lambda value, needed, _: type(value) is str and re.search(needed, value) is not None,
}


def _texts_in(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text in claims, names of fields included, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield place, name
            yield from _texts_in(part, f"{place}/{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _texts_in(part, f"{place}/{number}")


class _Walk:
    """One way through a schema of a stranger."""

    def __init__(self, who: object) -> None:
        self._who = who
        self._parts = 0

    def check(self, schema: Any) -> None:
        if not isinstance(schema, dict) or schema.get("$schema") != DIALECT:
            raise self._refuse("", "is of no known dialect", needed=f"$schema {DIALECT}")
        if schema.get("type") != "object":
            raise self._refuse("/type", "is no object of claims", needed="object")
        self._check({name: part for name, part in schema.items() if name != "$schema"}, "", 1)

    def _check(self, schema: Any, place: str, depth: int) -> None:
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_PARTS:
            needed = f"<= {MAX_DEPTH} deep, <= {MAX_PARTS} schemas"
            raise self._refuse(place, "is too large", needed=needed)
        if not isinstance(schema, dict):
            raise self._refuse(place, "is no schema", needed="an object")
        has_constant = not schema.keys().isdisjoint({"const", "enum"})
        kind = schema.get("type")
        if kind is None and not has_constant:
            raise self._refuse(place, "allows anything", needed="type, const or enum")
        for name, value in schema.items():
            self._check_keyword(name, value, kind, f"{place}/{name[:40]}")
        for name in () if has_constant else _NEEDED_OF_TYPE.get(str(kind), ()):
            if name not in schema:
                raise self._refuse(place, f"is a {kind} without an end", needed=name)
        self._check_parts(schema, place, depth)

    def _check_keyword(self, name: str, value: Any, kind: Any, place: str) -> None:
        allowed = _ANYWHERE | (_OF_TYPE.get(kind, frozenset()) if isinstance(kind, str) else set())
        if name not in allowed:
            raise self._refuse(place, "is a keyword that is not taken here", needed=sorted(allowed))
        is_fine, needed = _KEYWORDS.get(name, (lambda _: True, ""))
        if not is_fine(value):
            raise self._refuse(place, "is refused", _show(value), needed)

    def _check_parts(self, schema: dict[str, Any], place: str, depth: int) -> None:
        fields = schema.get("properties", {})
        for name, part in fields.items():
            self._check(part, f"{place}/properties/{name[:40]}", depth + 1)
        unknown = [name for name in schema.get("required", ()) if name not in fields]
        if unknown:
            raise self._refuse(f"{place}/required", "names no field", unknown[0][:40], "properties")
        if "items" in schema:
            self._check(schema["items"], f"{place}/items", depth + 1)

    def _refuse(
        self, place: str, what: str, had: object = None, needed: object = None
    ) -> SchemaRefused:
        return SchemaRefused(what, who=f"{self._who}{place}", had=had, needed=needed)
