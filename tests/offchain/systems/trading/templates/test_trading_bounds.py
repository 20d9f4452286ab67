"""The bounds of what a stranger's template or claims may say: the last that is taken, and the next.

They are written out, for what a release takes is what another one has to take.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from tests.offchain.systems.trading.templates.test_trading_schemas import (
    TEXT,
    nested,
    whole,
    with_pattern,
)

from edgemark.errors import RefusedInput
from edgemark.systems.trading.templates import allowance, initiation, readings, template
from edgemark.systems.trading.templates.fields import (
    ClaimsRefused,
    parse_choice,
    parse_hash,
    parse_list,
    parse_object,
    parse_party,
    parse_whole,
)
from edgemark.systems.trading.templates.schema import SchemaRefused, check_claims, check_schema


def fields(count: int) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {f"f{number}": TEXT for number in range(count)},
    }


def parts(count: int) -> dict[str, Any]:
    """A schema of so many schemas, itself and the object of claims among them."""
    left = count - 2
    rows = {}
    while left > 0:
        taken = min(left - 1, 64)
        rows[f"r{len(rows)}"] = fields(taken)
        left -= taken + 1
    return {"type": "object", "additionalProperties": False, "properties": rows}


BOUNDS: dict[str, tuple[Any, Any]] = {
    "depth": (nested(4), nested(5)),
    "fields": (fields(64), fields(65)),
    "schemas": (parts(512), parts(513)),
    "choices": ({"enum": list(range(64))}, {"enum": list(range(65))}),
    "a list": (
        {"type": "array", "maxItems": 256, "items": TEXT},
        {"type": "array", "maxItems": 257, "items": TEXT},
    ),
    "a text": ({"type": "string", "maxLength": 1024}, {"type": "string", "maxLength": 1025}),
    "words": ({**TEXT, "title": "a" * 512}, {**TEXT, "title": "a" * 513}),
    "a pattern": (with_pattern(f"^{'a{1000}' * 18}$"), with_pattern(f"^{'a{1000}' * 21}b$")),
    "pieces of a pattern": (with_pattern(f"^{'a' * 32}$"), with_pattern(f"^{'a' * 33}$")),
    "counts that vary": (with_pattern("^a+b?$"), with_pattern("^a+b?c*$")),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_schema__is_taken_up_to_its_bound_and_refused_above(name: str) -> None:
    taken, refused = BOUNDS[name]
    check_schema(whole(taken), who="template")
    with pytest.raises(SchemaRefused):
        check_schema(whole(refused), who="template")


def test_claims_of_another_form__are_refused_with_what_the_template_asks_for() -> None:
    schema = whole({"type": "string", "maxLength": 3})
    check_claims({"field": "abc"}, schema, who="claims")
    with pytest.raises(ClaimsRefused) as refused:
        check_claims({"field": "abcd"}, schema, who="claims")
    assert (refused.value.who, refused.value.had) == ("claims/field", '"abcd"')
    assert refused.value.needed == '{"maxLength":3}'


def test_whole_number__is_read_with_both_its_bounds() -> None:
    parse = parse_whole(1, 5)
    assert [parse(value) for value in (1, 5)] == [1, 5]
    for value in (0, 6, True, 1.0, "1", None):
        with pytest.raises(ClaimsRefused):
            parse(value)


@pytest.mark.parametrize("value", [7, None, [], {}])
def test_party_or_hash_that_is_no_text__is_refused_as_a_claim(value: object) -> None:
    for parse in (parse_party, parse_hash):
        with pytest.raises(ClaimsRefused, match="is refused"):
            parse(value)


def test_list_object_and_choice__say_what_they_had() -> None:
    class Fruit(Enum):
        PEAR = "pear"

    assert parse_list([1, 2], 2) == [1, 2]
    assert parse_choice(Fruit)("pear") is Fruit.PEAR
    assert parse_object({"a": 1}, {"a"}, frozenset({"b"})) == {"a": 1}
    told: list[tuple[Any, str]] = [
        (lambda: parse_list("ab", 2), "'ab'"),
        (lambda: parse_list([1, 2, 3], 2), "list"),
        (lambda: parse_choice(Fruit)("plum"), "'plum'"),
        (lambda: parse_object({"b": 1, "c": 2}, {"a"}), "b, c"),
        (lambda: parse_object({"a": 1, "c": 2}, {"a"}, frozenset({"b"})), "a, c"),
        (lambda: parse_object("ab", {"a"}), "'ab'"),
    ]
    for call, had in told:
        with pytest.raises(ClaimsRefused) as refused:
            call()
        assert refused.value.had == had


@pytest.mark.parametrize("version", [0, -1, 2**32])
def test_settlement_template_of_no_version__is_refused(version: int) -> None:
    named = {"version": version, "contentHash": "0x" + "ab" * 32}
    with pytest.raises(RefusedInput):
        initiation.parse_settlement_template(named)
    assert initiation.parse_settlement_template({**named, "version": 1}).version == 1


def test_numbers__are_those_of_the_page() -> None:
    assert (allowance.LONG_QUEUE, allowance.SHORT_QUEUE) == (64, 8)
    assert readings.MAX_CORES == 4096
    assert (template.MAX_TEXT_BYTES, template.MAX_CLAIMS_BYTES) == (65536, 65536)
