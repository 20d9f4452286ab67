"""Sparse functions large enough to be split, and their order, on every implementation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations_with_replacement, groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.offchain.crypto.elements import elements, seeded, vectors

from edgemark.crypto.field.arithmetic import Arithmetic, MonomialTable
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, Q
from edgemark.crypto.field.plain import PlainArithmetic, quadratic_terms

PLAIN = PlainArithmetic()
Factors = tuple[tuple[int, int], ...]

each_example = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def all_monomials(inputs: int, degree: int) -> list[Factors]:
    """Every monomial of at most that degree, in canonical order."""

    def generate() -> Iterator[Factors]:
        for size in range(degree + 1):
            for variables in combinations_with_replacement(range(inputs), size):
                yield tuple((i, len(list(group))) for i, group in groupby(variables))

    return sorted(generate())


def table_of(inputs: int, rows: list[Factors], coefficients: bytes) -> MonomialTable:
    factors = [factor for row in rows for factor in row]
    return MonomialTable(
        inputs=inputs,
        outputs=len(coefficients) // ELEMENT_BYTES // len(rows),
        factor_counts=bytes(map(len, rows)),
        factors=b"".join(i.to_bytes(2, "big") + bytes([exponent]) for i, exponent in factors),
        coefficients=coefficients,
    )


# Inputs, degree: both halves even, uneven, one variable; 126 to 330 monomials.
LONG = 515
SHAPES = [(4, 5), (5, 4), (7, 4), (2, 15), (3, 8)]


@each_example
@given(
    data=st.data(),
    shape=st.sampled_from(SHAPES),
    outputs=st.integers(1, 3),
    left_out=st.integers(0, 40),
)
def test_split_function__equals_plain(
    arithmetic: Arithmetic,
    data: st.DataObject,
    shape: tuple[int, int],
    outputs: int,
    left_out: int,
) -> None:
    inputs, degree = shape
    draw = seeded(data.draw(st.integers()))
    rows = all_monomials(inputs, degree)
    for _ in range(left_out):
        del rows[draw.element() % len(rows)]
    numbers = FIELD.unpack(draw.elements(len(rows) * outputs))
    for place in data.draw(st.lists(st.integers(0, len(numbers) - 1), max_size=9)):
        numbers[place] = data.draw(elements)  # edges: the 51 largest are kept apart
    table = table_of(inputs, rows, FIELD.pack(numbers))
    x = data.draw(vectors(inputs)) + draw.elements(inputs)
    assert arithmetic.prepare_sparse(table).evaluate(x) == PLAIN.prepare_sparse(table).evaluate(x)


@pytest.mark.parametrize("number", [2**128 - 1, 2**128, Q - 1])
def test_split_function__of_largest_elements_and_long_sums__carries_right(
    arithmetic: Arithmetic, number: int
) -> None:
    # One half is x_0, the other has 5151 monomials in x_1 and x_2: more than one round of sums.
    pairs = [((0, 1), *row) for row in [(), ((1, 1),), ((2, 1),)]]
    rows = sorted(
        [*([(i + 1, e) for i, e in row] for row in all_monomials(2, 100)), *pairs], key=tuple
    )
    table = table_of(3, [tuple(row) for row in rows], FIELD.pack([number] * len(rows)))
    x = FIELD.pack([number, Q - 1, number])
    assert arithmetic.prepare_sparse(table).evaluate(x) == PLAIN.prepare_sparse(table).evaluate(x)


@cache
def long_quadratic() -> tuple[bytes, bytes, bytes]:
    """Coefficients, inputs and outputs of a function with more rows than one round sums."""
    draw = seeded("long")
    coefficients, x = draw.elements(quadratic_terms(LONG)), draw.elements(3 * LONG)
    return coefficients, x, PLAIN.prepare_quadratic(coefficients, LONG, 1).evaluate(x)


def test_quadratic__longer_than_a_round_of_sums__equals_plain(arithmetic: Arithmetic) -> None:
    coefficients, x, expected = long_quadratic()
    assert arithmetic.prepare_quadratic(coefficients, LONG, 1).evaluate(x) == expected


rows_of_any_kind = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=3).map(tuple),
    min_size=1,
    max_size=6,
)


@each_example
@given(rows=rows_of_any_kind, in_order=st.booleans(), data=st.data())
def test_survey__of_rows_in_any_order__equals_plain(
    arithmetic: Arithmetic, rows: list[Factors], in_order: bool, data: st.DataObject
) -> None:
    if in_order:
        rows = sorted(set(rows))
    coefficients = FIELD.pack(
        data.draw(st.lists(st.integers(0, 2), min_size=2 * len(rows), max_size=2 * len(rows)))
    )
    table = table_of(4, rows, coefficients)
    assert arithmetic.survey(table) == PLAIN.survey(table)


def test_survey__of_a_canonical_table__is_its_length_and_degree(arithmetic: Arithmetic) -> None:
    rows = all_monomials(4, 5)
    ones = FIELD.pack([1] * len(rows))
    assert arithmetic.survey(table_of(4, rows, ones)) == (126, 5)
    swapped = [*rows[:7], rows[8], rows[7], *rows[9:]]
    assert arithmetic.survey(table_of(4, swapped, ones))[0] == 8
    assert arithmetic.survey(table_of(4, rows, ones[:-1] + b"\0")) == (125, 5)


def test_rows_out_of_canonical_order__are_evaluated_all_the_same(arithmetic: Arithmetic) -> None:
    rows = all_monomials(4, 5)
    table = table_of(4, [*rows, *reversed(rows)], seeded("twice").elements(2 * len(rows)))
    x = seeded("x").elements(4)
    assert arithmetic.prepare_sparse(table).evaluate(x) == PLAIN.prepare_sparse(table).evaluate(x)
