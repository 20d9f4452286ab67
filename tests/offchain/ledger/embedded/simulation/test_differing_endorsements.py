"""Where two organisations disagree: the error names the key, value, event or response."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.embedded.simulation.differences import compare
from edgemark.ledger.fabric.wire.envelopes import Event, make_event, make_response
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Read,
    Version,
    Write,
    make_results,
)

SEEN = Read("k", Version(3, 1))


def answer(
    *,
    writes: tuple[Write, ...] = (Write("k", b"one"),),
    reads: tuple[Read, ...] = (SEEN,),
    ranges: tuple[RangeRead, ...] = (),
    event: Event | None = None,
    **more: Any,
) -> bytes:
    results = make_results([NamespaceSet("shelf", reads, writes, ranges)])
    told = b"" if event is None else make_event(event)
    facts = {"chaincode": "shelf", "version": "1", "response": b"ok", **more}
    return make_response(b"h" * 32, results, event=told, **facts)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"writes": (Write("k", b"two"),)}, ["write shelf 'k': A 'one', B 'two'"]),
        ({"writes": (Write("k", None),)}, ["write shelf 'k': A 'one', B a delete"]),
        ({"writes": ()}, ["write shelf 'k': A 'one', B nothing"]),
        (
            {"writes": (Write("k", b"one"), Write("\x00t\x00a\x00", b"\x00\xff"))},
            ["write shelf '\\x00t\\x00a\\x00': A nothing, B 0x00ff"],
        ),
        ({"reads": ()}, ["read shelf 'k': A block 3 place 1, B nothing"]),
        ({"reads": (Read("k", None),)}, ["read shelf 'k': A block 3 place 1, B no such key"]),
        ({"response": b"no"}, ["response: A 'ok', B 'no'"]),
        ({"message": "why"}, ["message: A '', B 'why'"]),
        ({"status": 201}, ["status: A 200, B 201"]),
        ({"version": "2"}, ["chaincode: A shelf 1, B shelf 2"]),
        (
            {"event": Event("shelf", "t", "put", b"x")},
            [
                "event chaincode: A nothing, B shelf",
                "event name: A nothing, B put",
                "event payload: A nothing, B 'x'",
                "event transaction: A nothing, B t",
            ],
        ),
        (
            {"ranges": (RangeRead("a", "z", True, (SEEN,)),)},
            [
                "range shelf 'a' (number 1): A nothing, B up to 'z', read to its end, 1 keys",
                "range shelf 'a' (number 1), key 'k': A nothing, B block 3 place 1",
            ],
        ),
    ],
)
def test_a_difference__is_named(other: dict[str, Any], told: list[str]) -> None:
    found = compare({"A": answer(), "B": answer(**other)})
    assert [str(each) for each in found] == told


def test_long_values__that_begin_alike__are_told_apart() -> None:
    one, other = (answer(writes=(Write("k", b"a" * 500 + end),)) for end in (b"1", b"2"))
    (found,) = compare({"A": one, "B": other})
    assert "of 501 bytes" in str(found)


def test_equal_answers__do_not_differ() -> None:
    assert compare({"A": answer(), "B": answer()}) == ()
    assert compare({"A": answer()}) == ()


KEYS = st.sampled_from(["a", "b", "\x00t\x00x\x00"])
WRITES = st.dictionaries(KEYS, st.none() | st.binary(min_size=1, max_size=70), max_size=3)


@given(WRITES, WRITES)
def test_whatever_differs__is_told__and_nothing_else(
    one: dict[str, bytes | None], other: dict[str, bytes | None]
) -> None:
    raw = [
        answer(writes=tuple(Write(key, value) for key, value in sorted(each.items())))
        for each in (one, other)
    ]
    places = {str(each.place) for each in compare({"A": raw[0], "B": raw[1]})}
    nowhere = object()
    changed = {key for key in {*one, *other} if one.get(key, nowhere) != other.get(key, nowhere)}
    assert places == {f"shelf {key!r}" for key in changed}
