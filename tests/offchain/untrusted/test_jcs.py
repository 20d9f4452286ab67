"""One value, one encoding: vectors of the author of RFC 8785; numbers that readers differ about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.architecture.checkout import ROOT

from edgemark.untrusted.jcs import MAX_WHOLE, JsonInvalid, encode_jcs, parse_hashable

VECTORS = json.loads((ROOT / "tests" / "vectors" / "jcs.json").read_text())
WHOLE = st.integers(-MAX_WHOLE, MAX_WHOLE)
# No lone surrogate: they are refused, in another test.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def parse(raw: bytes) -> Any:
    return parse_hashable(raw, who="text", most=1000)


@pytest.mark.parametrize("vector", VECTORS["texts"], ids=lambda v: v["name"])
def test_canonical_form__is_that_of_the_vectors(vector: dict[str, str]) -> None:
    canonical = vector["canonical"].encode()
    assert encode_jcs(parse(vector["raw"].encode())) == canonical
    assert encode_jcs(parse(canonical)) == canonical


@pytest.mark.parametrize("vector", VECTORS["fractions"], ids=lambda v: v["name"])
def test_vectors_with_fractions__are_refused_here(vector: dict[str, str]) -> None:
    with pytest.raises(JsonInvalid, match="not written as a whole one"):
        parse(vector["raw"].encode())


@given(VALUES)
def test_value__comes_back_whatever_spaces_and_order_it_had(value: Any) -> None:
    canonical = encode_jcs(value)
    spaced = json.dumps(value, indent=3, ensure_ascii=True).encode()
    assert parse_hashable(canonical, who="text", most=10**6) == value
    assert encode_jcs(parse_hashable(spaced, who="text", most=10**6)) == canonical


@pytest.mark.parametrize("number", ["1.0", "0.5", "1e2", "1E2", "-0.0", "1e400", "NaN", "Infinity"])
def test_number_that_is_not_written_whole__is_refused(number: str) -> None:
    with pytest.raises(JsonInvalid):
        parse(f'{{"n":[{number}]}}'.encode())


def test_largest_number__is_taken_and_one_more_is_refused() -> None:
    for number in (MAX_WHOLE, -MAX_WHOLE):
        assert parse(f"[{number}]".encode()) == [number]
        with pytest.raises(JsonInvalid, match="beyond"):
            parse(f"[{number + (1 if number > 0 else -1)}]".encode())


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":[{"c":1,"c":2}]}}',
        b'{"a":1,"\\u0061":2}',
        b'["\\ud800"]',
        b'{"\\udc00":1}',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b"[" * 500 + b"]" * 500,
        b"1" * 1001,
        b"",
    ],
)
def test_text_that_two_readers_read_otherwise__is_refused_by_its_name(raw: bytes) -> None:
    with pytest.raises(JsonInvalid) as refused:
        parse(raw)
    assert refused.value.who == "text"


@pytest.mark.parametrize("value", [MAX_WHOLE + 1, [{"n": -(2**60)}], {"n": float("nan")}])
def test_value_without_an_encoding__is_refused_by_name(value: object) -> None:
    with pytest.raises(JsonInvalid, match="has no encoding"):
        encode_jcs(value)


def test_value_that_is_nested_beyond_all_bounds__has_no_encoding() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(JsonInvalid, match="has no encoding"):
        encode_jcs(value)
