"""Values in the words of people."""

from __future__ import annotations

from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import EdgemarkError
from edgemark.words import count, in_words, name_each, show_measured

PLAIN = st.none() | st.booleans() | st.integers() | st.binary(max_size=4)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers(), inner, max_size=3)
        | st.frozensets(PLAIN, max_size=3)
    ),
    max_leaves=8,
)


class Colour(Enum):
    """Something with names."""

    DARK_RED = 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "yes"),
        (False, "no"),
        (31337, "31337"),
        (0.5, "0.5"),
        ("as it is", "as it is"),
        (b"\x01\xff", "01ff"),
        (Colour.DARK_RED, "dark red"),
        ([], "none"),
        ({}, "none"),
        ([3], "3"),
        ((1, 2, None), "1, 2, none"),
        ([[1, 2], [3]], "1, 2; 3"),
        ({"node 1": "70", "pool": 2}, "node 1: 70; pool: 2"),
        ({"b", "a"}, "a, b"),
    ],
)
def test_r26_r32_a_value__is_told_without_python(value: object, words: str) -> None:
    assert in_words(value) == words


@given(value=VALUES)
def test_no_value__is_told_with_brackets_or_quotes(value: object) -> None:
    told = in_words(value)
    assert not set(told) & set("[]{}()'\"")
    assert "None" not in told
    assert "True" not in told


def test_what_was_measured__has_commas_and_what_is_counted_has_its_plural() -> None:
    assert [show_measured(value) for value in (31337, True, "1000", 0.5)] == [
        *("31,337", "yes", "1000", "0.5")
    ]
    assert [count(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert [count(number, "index") for number in (0, 1, 2)] == ["0 indices", "1 index", "2 indices"]


def test_what_is_named__has_its_plural_too() -> None:
    assert [name_each("node", names) for names in ((), (3,), (3, 5))] == [
        *("no node", "node 3", "nodes 3, 5")
    ]
    assert name_each("index", [1, 2]) == "indices 1, 2"


class Fruit(Enum):
    BLACK_CHERRY = 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([3, 5], "3, 5"),
        ((), "none"),
        (True, "yes"),
        (Fruit.BLACK_CHERRY, "black cherry"),
        (b"\x0a\x0b", "0a0b"),
        ({"a": None}, "a: none"),
        ("as it is", "as it is"),
    ],
)
def test_r32_an_error__says_values_in_words_to_people_and_programs(
    value: object, words: str
) -> None:
    error = EdgemarkError("is wrong", who="it", had=value, needed=value)
    assert str(error) == f"it: is wrong; had {words}; needed {words}"
    assert (error.as_dict()["had"], error.as_dict()["needed"]) == (words, words)
