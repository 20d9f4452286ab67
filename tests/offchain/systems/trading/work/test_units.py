"""Units: what a polynomial costs is counted from function and batch alone, and exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense, make_sparse

from edgemark.crypto.field.arithmetic import MonomialTable
from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.field.plain import split_factors
from edgemark.crypto.polynomial import DenseQuadratic, Monomial, Polynomial, SparsePolynomial
from edgemark.systems.trading.work.checking import count_units


@dataclass
class Instrument:
    """Multiplies, and counts how often."""

    count: int = field(default=0)

    def multiply(self, a: int, b: int) -> int:
        self.count += 1
        return a * b % Q


def evaluate_sparse(function: SparsePolynomial, x: Sequence[int], by: Instrument) -> list[int]:
    """F(x) as the definition says: powers, then monomials, then coefficients."""
    table: MonomialTable = function._table
    rows = split_factors(table.factor_counts, table.factors)
    powers: dict[int, list[int]] = {}
    for variable, exponent in (factor for row in rows for factor in row):
        known = powers.setdefault(variable, [1, x[variable]])
        while len(known) <= exponent:
            known.append(by.multiply(known[-1], x[variable]))
    coefficients = FIELD.unpack(table.coefficients)
    totals = [0] * function.outputs
    for index, row in enumerate(rows):
        value = 1
        for variable, exponent in row:
            value = by.multiply(value, powers[variable][exponent])
        for output in range(function.outputs):
            product = by.multiply(coefficients[index * function.outputs + output], value)
            totals[output] = (totals[output] + product) % Q
    return totals


def evaluate_dense(
    function: DenseQuadratic, x: Sequence[int], by: Instrument, outer: Instrument
) -> list[int]:
    """F(x) by rows; the products of a row's sum with its variable are counted apart."""
    z = [1, *x]
    left = iter(FIELD.unpack(function.to_bytes()[19:]))
    totals = []
    for _ in range(function.outputs):
        total = 0
        for i in range(len(z)):
            row = sum(by.multiply(next(left), z[j]) for j in range(i, len(z)))
            total += outer.multiply(z[i], row % Q)
        totals.append(total % Q)
    return totals


def count_of(function: Polynomial, batch: bytes) -> int:
    """Products that an instrumented evaluation takes, whose values are those of the kernel."""
    by, outer = Instrument(), Instrument()
    numbers, k = FIELD.unpack(batch), function.inputs
    values: list[int] = []
    for at in range(0, len(numbers), k):
        x = numbers[at : at + k]
        if isinstance(function, SparsePolynomial):
            values += evaluate_sparse(function, x, by)
        else:
            assert isinstance(function, DenseQuadratic)
            values += evaluate_dense(function, x, by, outer)
    assert FIELD.pack(values) == function.evaluate(batch)
    return by.count


@pytest.mark.parametrize("function", [make_dense(), make_sparse(), make_dense(1, 1)], ids=str)
@pytest.mark.parametrize("inputs", [1, 3])
def test_t4_units__are_the_products_of_an_instrumented_evaluation(
    function: Polynomial, inputs: int
) -> None:
    batch = make_batch(function, inputs)
    assert count_units(function, inputs) == count_of(function, batch) > 0


monomials = st.lists(st.integers(0, 3), max_size=6).map(sorted).map(tuple)
elements = st.integers(0, Q - 1)


@given(st.dictionaries(monomials, st.tuples(elements, elements), max_size=6))
def test_units_of_any_sparse_function__are_counted_exactly(
    terms: dict[Monomial, tuple[int, int]],
) -> None:
    function = SparsePolynomial.from_terms(4, 2, terms)
    assert count_units(function, 2) == count_of(function, make_batch(function, 2))
    assert function.product_count <= function.term_count


def test_units_of_a_dense_function__are_its_terms() -> None:
    function = make_dense(7, 2)
    assert function.product_count == function.term_count == 2 * 36
    assert count_units(function, 0) == 0


def test_the_same_function_of_either_kind__differs_by_what_builds_monomials() -> None:
    terms: dict[Monomial, tuple[int]] = {(): (1,), (0,): (2,), (0, 0): (3,)}
    dense = DenseQuadratic.from_terms(1, 1, terms)
    sparse = SparsePolynomial.from_terms(1, 1, terms)
    assert dense.product_count == 3
    assert sparse.product_count == 3 + 2 + 1  # coefficients, factors, the square
