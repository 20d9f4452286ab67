"""JSON Schema of strangers: what is refused before a validator sees it; what is run ends soon."""

from __future__ import annotations

import re
import urllib.request
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.offchain.systems.trading.templates.template_forms import (
    AMOUNT,
    draft_initiation,
    draft_settlement,
)

from edgemark.systems.trading.templates.schema import (
    DIALECT,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_TEXT,
    ClaimsRefused,
    SchemaRefused,
    check_claims,
    check_schema,
    is_plainly_valid,
)

TEXT = {"type": "string", "maxLength": 64}


def whole(part: Any, name: str = "field") -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "type": "object",
        "additionalProperties": False,
        "properties": {name: part},
    }


def nested(depth: int) -> dict[str, Any]:
    part: dict[str, Any] = TEXT
    for _ in range(depth):
        part = {"type": "array", "maxItems": 2, "items": part}
    return part


def with_pattern(pattern: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": 64, "pattern": pattern}


REFUSED: dict[str, Any] = {
    "reference to a server": {"$ref": "http://schemas.example/secret"},
    "reference beside a type": {**TEXT, "$ref": "http://schemas.example/secret"},
    "reference to a file": {"$ref": "file:///etc/passwd"},
    "reference to itself": {"$ref": "#"},
    "dynamic reference": {"$dynamicRef": "#node"},
    "id of its own": {**TEXT, "$id": "http://schemas.example/"},
    "anchor": {**TEXT, "$anchor": "node"},
    "definitions": {**TEXT, "$defs": {"a": TEXT}},
    "dialect inside": {**TEXT, "$schema": DIALECT},
    "vocabulary": {**TEXT, "$vocabulary": {}},
    "all of many": {"allOf": [TEXT] * 3},
    "any of many": {**TEXT, "anyOf": [TEXT]},
    "one of many": {**TEXT, "oneOf": [TEXT]},
    "not": {**TEXT, "not": TEXT},
    "condition": {**TEXT, "if": TEXT},
    "names by pattern": {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
        "patternProperties": {"^(a+)+$": TEXT},
    },
    "unique items": {"type": "array", "maxItems": 3, "items": TEXT, "uniqueItems": True},
    "contains": {"type": "array", "maxItems": 3, "items": TEXT, "contains": TEXT},
    "format": {**TEXT, "format": "regex"},
    "multiple": {"type": "integer", "multipleOf": 3},
    "numbers": {"type": "number"},
    "null": {"type": "null"},
    "types": {"type": ["string", "integer"], "maxLength": 5},
    "anything": {},
    "true": True,
    "a list": [],
    "open object": {"type": "object", "properties": {}},
    "object open to a type": {"type": "object", "properties": {}, "additionalProperties": TEXT},
    "object without fields": {"type": "object", "additionalProperties": False},
    "text without end": {"type": "string"},
    "list without end": {"type": "array", "items": TEXT},
    "list of anything": {"type": "array", "maxItems": 3},
    "list by places": {"type": "array", "maxItems": 3, "prefixItems": [TEXT], "items": TEXT},
    "long list": {"type": "array", "maxItems": MAX_ITEMS + 1, "items": TEXT},
    "long text": {"type": "string", "maxLength": MAX_TEXT + 1},
    "negative length": {"type": "string", "maxLength": -1},
    "length of another type": {"type": "string", "maxLength": True},
    "length of an integer": {"type": "integer", "maxLength": 5},
    "minimum of a text": {**TEXT, "minimum": 5},
    "minimum that is text": {"type": "integer", "minimum": "5"},
    "no choices": {"enum": []},
    "too many choices": {"enum": list(range(65))},
    "unknown required": {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
        "required": ["ghost"],
    },
    "required twice": {
        "type": "object",
        "properties": {"a": TEXT},
        "additionalProperties": False,
        "required": ["a", "a"],
    },
    "too many fields": {
        "type": "object",
        "properties": {f"f{n}": TEXT for n in range(MAX_FIELDS + 1)},
        "additionalProperties": False,
    },
    "too deep": nested(MAX_DEPTH - 1),
    "words that do not print": {**TEXT, "title": "a\x1b[2J"},
    "words that do not end": {**TEXT, "description": "a" * 600},
}


@pytest.mark.parametrize("name", REFUSED)
def test_schema_that_could_fetch_or_take_long__is_refused_with_its_place(name: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        check_schema(whole(REFUSED[name]), who="template")
    assert str(refused.value.who).startswith("template/properties/field")


@pytest.mark.parametrize(
    "schema",
    [
        [],
        None,
        True,
        {},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
        {"$schema": DIALECT, "type": "array", "maxItems": 1, "items": TEXT},
        {"$schema": DIALECT, "type": "object", "properties": {}},
        {**whole(TEXT), "$defs": {}},
    ],
)
def test_schema_of_no_claims__is_refused(schema: Any) -> None:
    with pytest.raises(SchemaRefused):
        check_schema(schema, who="template")


def test_schema_with_too_many_parts__is_refused() -> None:
    row = {
        "type": "object",
        "additionalProperties": False,
        "properties": {f"f{n}": TEXT for n in range(60)},
    }
    table = {**row, "properties": {f"r{n}": row for n in range(9)}}
    with pytest.raises(SchemaRefused, match="too large"):
        check_schema(whole(table), who="template")


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|a)*$",
        "^(a|b)$",
        "^a*a*a*$",
        "^[a-z]+[a-z]+[a-z]?$",
        "^.*$",
        r"^\d+$",
        r"^\w{3}$",
        "a+",
        "^a",
        "a$",
        "^[^a]$",
        "^[]$",
        "^[z-a]$",
        "^a{5,3}$",
        "^a{2}{3}$",
        "^a**$",
        "^a+?$",
        "^(?=a)$",
        r"^(a)\1$",
        "^a$\n",
        "^\n$",
        "^é$",
        "^" + "a" * 33 + "$",
        "^" + "a" * 200 + "$",
        "",
        7,
        None,
    ],
)
def test_pattern_that_could_take_long_or_means_two_things__is_refused(pattern: Any) -> None:
    with pytest.raises(SchemaRefused):
        check_schema(whole(with_pattern(pattern)), who="template")


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("^[a-z]{2}-[0-9]+$", "eu-17", "eu-"),
        (r"^0x[0-9a-f]{64}$", "0x" + "a1" * 32, "0x"),
        (r"^[A-Za-z0-9 _.-]{1,32}$", "Zen 5, no".replace(",", ""), ""),
        (r"^v\.[0-9]+\.[0-9]+$", "v.1.22", "v-1-22"),
        (r"^\[x\]$", "[x]", "x"),
        ("^$", "", "a"),
    ],
)
def test_pattern_of_one_row__is_run(pattern: str, fits: str, does_not: str) -> None:
    schema = whole({"type": "string", "maxLength": 66, "pattern": pattern})
    check_schema(schema, who="template")
    check_claims({"field": fits}, schema, who="claims")
    for text in (does_not, f"{fits}\n"):
        with pytest.raises(ClaimsRefused):
            check_claims({"field": text}, schema, who="claims")


def test_worst_pattern_on_the_longest_text__ends() -> None:
    schema = whole({"type": "string", "maxLength": MAX_TEXT, "pattern": "^[a-z]*[a-z]*-$"})
    check_schema(schema, who="template")
    with pytest.raises(ClaimsRefused):
        check_claims({"field": "a" * MAX_TEXT}, schema, who="claims")


def test_planted_pattern__would_not_end_and_is_never_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[str] = []
    compile_it = re.compile

    def watch(pattern: Any, flags: Any = 0) -> Any:
        compiled.append(pattern)
        return compile_it(pattern, flags)

    monkeypatch.setattr(re, "compile", watch)
    with pytest.raises(SchemaRefused):
        check_schema(whole(with_pattern("^(a+)+$")), who="template")
    assert "^(a+)+$" not in compiled


def test_nothing_is_fetched__even_of_a_schema_that_was_never_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The validator that is planted by default opens the address; ours knows no way to do so."""
    fetched: list[Any] = []

    def open_it(request: Any, *_: Any, **__: Any) -> Any:
        fetched.append(request)
        raise OSError("no network here")

    monkeypatch.setattr(urllib.request, "urlopen", open_it)
    schema = whole({"$ref": "http://schemas.example/secret"})
    with pytest.raises(Exception, match=r"schemas\.example"):
        check_claims({"field": "a"}, schema, who="claims")
    assert fetched == []
    planted = Draft202012Validator(schema)
    with pytest.raises(Exception, match=r"schemas\.example"):
        list(planted.iter_errors({"field": "a"}))
    assert len(fetched) == 1


@pytest.mark.parametrize("schema", [draft_initiation(), draft_settlement(), whole(AMOUNT)])
def test_what_is_let_through__is_json_schema_to_its_own_metaschema(schema: Any) -> None:
    check_schema(schema, who="template")
    Draft202012Validator.check_schema(schema)


LEAVES = st.one_of(
    st.just(TEXT),
    st.builds(lambda n: {"type": "integer", "minimum": n}, st.integers(-9, 9)),
    st.just({"type": "boolean"}),
    st.builds(lambda v: {"const": v}, st.integers(-9, 9) | st.text("ab", max_size=3)),
    st.builds(lambda vs: {"enum": vs}, st.lists(st.integers(0, 9), min_size=1, max_size=3)),
)


def objects_of(inner: Any) -> Any:
    return st.builds(
        lambda parts: {
            "type": "object",
            "properties": parts,
            "additionalProperties": False,
            "required": sorted(parts)[:1],
        },
        st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    )


PARTS = st.recursive(
    LEAVES,
    lambda inner: (
        objects_of(inner)
        | st.builds(lambda part: {"type": "array", "maxItems": 3, "items": part}, inner)
    ),
    max_leaves=6,
)


@given(objects_of(PARTS))
def test_schemas_of_the_part_that_is_taken__are_valid_for_any_validator(part: Any) -> None:
    schema = {"$schema": DIALECT, **part}
    try:
        check_schema(schema, who="template")
    except SchemaRefused as refused:
        assert refused.what == "is too large"
        return
    Draft202012Validator.check_schema(schema)


ODD: list[Any] = [None, True, False, 0, 1, 1.0, 0.0, 2**60, "", "ab", "é", [], [1], {}, {"a": 1}]
ODD_SCHEMAS: list[Any] = [
    True,
    {"type": "number"},
    {"type": ["string", "integer"]},
    {"$ref": "#"},
    {"enum": [1, "ab", [1], {"a": 1}, None, True]},
    *({"const": each} for each in ODD),
    *({"type": kind} for kind in ("object", "array", "string", "integer", "boolean")),
    {"type": "string", "minLength": 1, "maxLength": 1, "pattern": "^[a-z]*$"},
    {"type": "integer", "minimum": 1, "maximum": 1},
    {"type": "array", "minItems": 1, "maxItems": 1, "items": {"type": "integer"}},
    {"properties": {"a": {"type": "integer"}}, "additionalProperties": False, "required": ["a"]},
    {"maxItems": 0},
    {"maxLength": 0},
    {"maximum": 0},
    {"required": []},
    {"additionalProperties": {"type": "boolean"}},
]


@pytest.mark.parametrize("schema", ODD_SCHEMAS, ids=str)
def test_what_is_plainly_valid__is_so_for_the_validator_too(schema: Any) -> None:
    for value in ODD:
        if is_plainly_valid(value, schema):
            assert schema != {"$ref": "#"}
            assert Draft202012Validator(schema).is_valid(value), (value, schema)


VALUES = st.recursive(
    st.sampled_from(ODD), lambda inner: st.dictionaries(st.text("abc", max_size=2), inner)
)


@given(objects_of(PARTS), VALUES)
def test_claims_of_any_kind__are_never_plainly_valid_against_the_validator(
    schema: Any, value: Any
) -> None:
    """A planted table that calls all texts fine lets this fail."""
    if is_plainly_valid(value, schema):
        assert Draft202012Validator(schema).is_valid(value)


def test_claims_of_every_keyword__are_plainly_valid_and_so_cost_little() -> None:
    properties = {
        "constant": {"const": {"name": "a", "version": [1, True]}},
        "choice": {"title": "one", "description": "of two", "enum": ["a", 2]},
        "whole": {"type": "integer", "minimum": 1, "maximum": 1},
        "yes": {"type": "boolean"},
        "text": {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^[a-z]+$"},
        "list": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer"}},
    }
    schema = {**whole(TEXT), "properties": properties, "required": sorted(properties)}
    check_schema(schema, who="template")
    constant = {"version": [1, True], "name": "a"}
    claims = {"constant": constant, "choice": 2, "whole": 1, "yes": True, "text": "a", "list": [7]}
    assert is_plainly_valid(claims, schema)
    wrong = {"constant": {"version": [1, 1], "name": "a"}, "choice": 2.0, "whole": True, "yes": 1}
    for name, value in {**wrong, "text": "A", "list": [7, "7"]}.items():
        assert not is_plainly_valid({**claims, name: value}, schema)


@pytest.mark.parametrize(
    "claims",
    [
        {"field": "a" * (MAX_TEXT + 1)},
        {"field": "a\n"},
        {"field": "a\x00"},
        {"field": "\u202egnirts"},
        {"a\x1b[2J": "a"},
        {"field": 5},
        {"field": 2**60},  # no number of canonical JSON, to be said in the refusal
        {"field": None},
        {"other": "a"},
        [],
        "field",
    ],
)
def test_claims_that_are_no_text_of_the_field__are_refused(claims: Any) -> None:
    with pytest.raises(ClaimsRefused):
        check_claims(claims, whole(TEXT), who="claims")
