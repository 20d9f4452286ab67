"""Decoding: planted errors are found up to the radius; beyond it nothing is guessed."""

from __future__ import annotations

import os
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.elements import seeded

from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.field import FIELD, NotAnElement, Q, WrongLength
from edgemark.crypto.field.plain import PlainArithmetic
from edgemark.crypto.sharing.reed_solomon import Undecided, decode, find_errors, is_of_degree
from edgemark.crypto.sharing.shamir import interpolate_at_zero
from edgemark.errors import RefusedInput

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"


def codeword(
    points: list[int], degree: int, width: int, seed: object
) -> tuple[bytes, dict[int, bytes]]:
    """Value at 0 and at the points of `width` random polynomials."""
    draw = seeded(seed)
    at_zero = draw.elements(width)
    shares = PlainArithmetic().share(at_zero, draw.elements(width * degree), points)
    return at_zero, dict(zip(points, shares, strict=True))


def change(packed: bytes, column: int, by: int) -> bytes:
    """The packed vector with `by` added to one column."""
    numbers = FIELD.unpack(packed)
    numbers[column] = (numbers[column] + by) % Q
    return FIELD.pack(numbers)


@given(
    degree=st.integers(0, 4),
    radius=st.integers(0, 3),
    extra=st.integers(0, 2),
    width=st.integers(1, 4),
    data=st.data(),
)
def test_up_to_the_radius__the_wrong_points_are_found_exactly(
    degree: int, radius: int, extra: int, width: int, data: st.DataObject
) -> None:
    count = degree + 1 + 2 * radius + extra
    points = data.draw(st.lists(st.integers(1, 255), min_size=count, max_size=count, unique=True))
    at_zero, columns = codeword(points, degree, width, data.draw(st.integers()))
    wrong = data.draw(st.sets(st.sampled_from(points), max_size=radius))
    for j in wrong:
        columns[j] = change(
            columns[j], data.draw(st.integers(0, width - 1)), data.draw(st.integers(1, Q - 1))
        )
    challenge = seeded("challenge").elements(width)
    decoded = decode(points, list(columns.values()), degree, radius, challenge)
    assert decoded.errors == wrong
    assert decoded.at_zero == at_zero


@given(data=st.data(), radius=st.integers(0, 2), more=st.integers(1, 3))
def test_beyond_the_radius__random_errors__are_undecided(
    data: st.DataObject, radius: int, more: int
) -> None:
    points = list(range(1, 9))
    degree = len(points) - 1 - 2 * radius - 1
    _, columns = codeword(points, degree, 2, data.draw(st.integers()))
    wrong = data.draw(st.sets(st.sampled_from(points), min_size=radius + more, max_size=radius + 3))
    for j in wrong:
        columns[j] = seeded((j, wrong)).elements(2)
    with pytest.raises(Undecided):
        decode(points, list(columns.values()), degree, radius, seeded("c").elements(2))


def test_radius_below_what_the_code_bears__is_kept(arithmetic: Arithmetic) -> None:
    # 7 points of degree 2 could correct two errors; asked for one, two are refused
    points = list(range(1, 8))
    _, columns = codeword(points, 2, 1, "radius")
    columns[1], columns[2] = change(columns[1], 0, 1), change(columns[2], 0, 1)
    values, challenge = list(columns.values()), FIELD.pack([1])
    assert decode(points, values, 2, 2, challenge, arithmetic).errors == {1, 2}
    with pytest.raises(Undecided):
        decode(points, values, 2, 1, challenge, arithmetic)


def test_errors_in_different_columns__are_one_set() -> None:
    points = list(range(1, 7))
    at_zero, columns = codeword(points, 1, 3, "columns")
    columns[2], columns[5] = change(columns[2], 0, 9), change(columns[5], 2, 9)
    decoded = decode(points, list(columns.values()), 1, 2, seeded("c").elements(3))
    assert (decoded.errors, decoded.at_zero) == (frozenset({2, 5}), at_zero)


def test_error_that_the_challenge_misses__is_refused_not_guessed() -> None:
    # weights (1, -1) do not see the same lie in both columns; the check of every column does
    points = list(range(1, 7))
    _, columns = codeword(points, 1, 2, "unlucky")
    columns[3] = change(change(columns[3], 0, 5), 1, 5)
    with pytest.raises(Undecided):
        decode(points, list(columns.values()), 1, 2, FIELD.pack([1, Q - 1]))


@pytest.mark.parametrize(
    ("points", "degree", "radius"),
    [([1, 2, 3], 2, 1), ([1, 2, 3], 3, 0), ([1, 2, 3], -1, 0), ([1, 2, 3], 0, -1)],
)
def test_too_few_points__is_refused(points: list[int], degree: int, radius: int) -> None:
    with pytest.raises(RefusedInput):
        decode(points, [FIELD.pack([1])] * 3, degree, radius, FIELD.pack([1]))


def test_lengths_that_differ__are_refused() -> None:
    one = FIELD.pack([1])
    with pytest.raises(WrongLength):
        decode([1, 2], [one, one + one], 0, 0, one)
    with pytest.raises(WrongLength):
        decode([1, 2], [one, one], 0, 0, one + one)
    with pytest.raises(WrongLength):  # together they are as long as they should be
        decode([1, 2], [one + one, b""], 0, 0, one + one)
    with pytest.raises(RefusedInput):
        decode([1, 2], [one], 0, 0, one)
    # Without an error the challenge is not needed, and has to be one all the same.
    for challenge in (one + one, b""):
        with pytest.raises(WrongLength, match="challenge"):
            decode([1, 2], [one, one], 0, 0, challenge)
    with pytest.raises(NotAnElement):
        decode([1, 2], [one, one], 0, 0, b"\xff" * len(one))


def test_is_of_degree__highest_coefficient__is_seen(arithmetic: Arithmetic) -> None:
    points = [1, 2, 3, 4, 9]
    _, columns = codeword(points, 3, 2, "degree")
    values = list(columns.values())
    assert is_of_degree(points, values, 3, arithmetic)
    assert is_of_degree(points, values, 4, arithmetic)
    assert not is_of_degree(points, values, 2, arithmetic)


@pytest.mark.parametrize(("q", "points"), [(7, [1, 2, 3, 4, 5]), (11, [1, 3, 4, 10])])
def test_small_field__every_word__is_decoded_as_by_search(q: int, points: list[int]) -> None:
    # all words beside the code [N, 2]: a codeword is found exactly when one is within the radius
    field = PlainArithmetic(q)
    degree, radius = 1, (len(points) - 2) // 2
    code = [tuple((a + b * u) % q for u in points) for a in range(q) for b in range(q)]
    words = list(product(range(q), repeat=len(points)))
    for word in words[:: 1 if q == 7 else 3]:
        near = [
            other
            for other in code
            if sum(a != b for a, b in zip(word, other, strict=True)) <= radius
        ]
        found = find_errors(field, points, word, degree)
        if near:
            expected = {u for u, a, b in zip(points, word, near[0], strict=True) if a != b}
            assert found == expected
        else:
            assert found is None or len(found) > radius


def test_small_field__every_error_pattern__gives_the_value_at_zero() -> None:
    field = PlainArithmetic(7)
    points = [1, 2, 3, 4, 5, 6]
    lines = list(product(range(7), repeat=2))  # what decoding finds depends on the errors alone
    for a, b in lines if SOAK else lines[::8]:  # every a and every b
        for wrong in combinations(points, 2):
            for lies in product(range(1, 7), repeat=2):
                values = {u: (a + b * u) % 7 for u in points}
                for u, lie in zip(wrong, lies, strict=True):
                    values[u] = (values[u] + lie) % 7
                columns = [field.pack([values[u]]) for u in points]
                decoded = decode(points, columns, 1, 2, field.pack([1]), field)
                assert decoded.errors == set(wrong)
                assert decoded.at_zero == field.pack([a])


def test_value_at_zero__is_that_of_any_right_points() -> None:
    points = list(range(1, 10))
    at_zero, columns = codeword(points, 4, 2, "zero")
    for some in combinations(points, 5):
        assert interpolate_at_zero(some, [columns[j] for j in some]) == at_zero
