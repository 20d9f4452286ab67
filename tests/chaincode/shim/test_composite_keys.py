"""Composite keys: each made once, taken apart as it was made, and none among another's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark_chaincode.shim.composite_keys import (
    FIRST_PLAIN,
    check_key,
    create_composite_key,
    range_of,
    split_composite_key,
)
from edgemark_chaincode.shim.faults import CallRefused
from edgemark_chaincode.shim.limits import MAX_KEY_BYTES

LETTERS = st.characters(
    exclude_characters="\x00\U0010ffff", exclude_categories=["Cs"], codec="utf-8"
)
PARTS = st.lists(st.text(LETTERS, max_size=8), max_size=4)
KINDS = st.text(LETTERS, min_size=1, max_size=8)


@given(KINDS, PARTS)
def test_a_key__is_taken_apart_as_it_was_made(kind: str, parts: list[str]) -> None:
    assert split_composite_key(create_composite_key(kind, parts)) == (kind, parts)


@given(KINDS, PARTS, KINDS, PARTS)
def test_two_keys__are_equal_only_when_their_parts_are(
    kind: str, parts: list[str], other_kind: str, other: list[str]
) -> None:
    keys = create_composite_key(kind, parts), create_composite_key(other_kind, other)
    assert (keys[0] == keys[1]) == ((kind, parts) == (other_kind, other))


@given(KINDS, PARTS, KINDS, PARTS)
def test_a_range__has_the_keys_that_begin_so_and_no_other(
    kind: str, first: list[str], other_kind: str, other: list[str]
) -> None:
    start, end = (key.encode() for key in range_of(kind, first))
    key = create_composite_key(other_kind, other).encode()
    begins_so = other_kind == kind and other[: len(first)] == first
    assert (start <= key < end) == begins_so
    assert start <= create_composite_key(kind, [*first, *other]).encode() < end


@given(st.text(LETTERS, min_size=1), KINDS, PARTS)
def test_a_plain_key__never_lies_among_composite_ones(
    plain: str, kind: str, parts: list[str]
) -> None:
    start, end = range_of(kind, parts)
    assert not start.encode() <= plain.encode() < end.encode()
    assert plain.encode() >= FIRST_PLAIN.encode() > create_composite_key(kind, parts).encode()


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("", []),
        ("a\x00b", []),
        ("a", ["\x00"]),
        ("a", ["\U0010ffff"]),
        ("a", ["\ud800"]),
        ("a", [b"bytes"]),
        ("a", [1]),
        ("a", "one text"),
        (b"a", []),
        ("a", ["x" * MAX_KEY_BYTES]),
    ],
)
def test_a_part_that_is_none__is_refused(kind: str, parts: list[str]) -> None:
    with pytest.raises(CallRefused):
        create_composite_key(kind, parts)


@pytest.mark.parametrize("key", ["", "a", "\x00", "\x00\x00", "\x00a", "a\x00"])
def test_what_is_no_composite_key__is_not_taken_apart(key: str) -> None:
    with pytest.raises(CallRefused):
        split_composite_key(key)


@pytest.mark.parametrize("key", ["", "\ud800", "x" * (MAX_KEY_BYTES + 1), "é" * MAX_KEY_BYTES, 5])
def test_what_is_no_key__is_refused(key: str) -> None:
    with pytest.raises(CallRefused):
        check_key(key)
    check_key("é" * (MAX_KEY_BYTES // 2))


@pytest.mark.parametrize("key", ["\0", "\0\0", "\0a", "\0\0\0", "\0a\0b", "\0\0a\0"])
def test_a_plain_key_that_begins_as_a_composite_one__is_refused(key: str) -> None:
    with pytest.raises(CallRefused, match="begins as a composite key and is none"):
        check_key(key)
