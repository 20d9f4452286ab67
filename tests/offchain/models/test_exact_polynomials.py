"""Polynomials with real coefficients: exact, and never more work than allowed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.models.exact import (
    Budget,
    ExactPolynomial,
    ModelTooLarge,
    gather_terms,
    invert,
    sum_products,
)

reals = st.floats(allow_nan=False, allow_infinity=False)
small = st.builds(
    lambda a, b, c: sum_products(
        [
            (ExactPolynomial.constant(a), ExactPolynomial.variable(0)),
            (ExactPolynomial.constant(b), ExactPolynomial.variable(1)),
            (ExactPolynomial.constant(c), ExactPolynomial.constant(1.0)),
        ],
        Budget(),
    ),
    *[st.floats(-1e6, 1e6)] * 3,
)


def value_at(polynomial: ExactPolynomial, x: tuple[Fraction, ...]) -> Fraction:
    total = Fraction(0)
    for monomial, coefficient in gather_terms([polynomial]).items():
        product = coefficient[0]
        for variable in monomial:
            product *= x[variable]
        total += product
    return total


@given(reals)
def test_constant__is_the_float(value: float) -> None:
    assert ExactPolynomial.constant(value).as_constant == Fraction(value)


@given(st.lists(st.tuples(small, small), max_size=4), st.tuples(reals, reals))
def test_sum_of_products__is_exact(
    pairs: list[tuple[ExactPolynomial, ExactPolynomial]], x: tuple[float, float]
) -> None:
    at = (Fraction(x[0]), Fraction(x[1]))
    expected = sum((value_at(a, at) * value_at(b, at) for a, b in pairs), Fraction(0))
    result = sum_products(pairs, Budget())
    assert value_at(result, at) == expected
    assert all(result.numbers.values())


def test_terms_that_cancel__are_gone() -> None:
    x, minus = ExactPolynomial.variable(0), ExactPolynomial.constant(-1.0)
    result = sum_products([(x, ExactPolynomial.constant(1.0)), (x, minus)], Budget())
    assert result.numbers == {}
    assert result.degree == 0


@given(reals.filter(bool))
def test_inverse__is_right_to_256_bits(value: float) -> None:
    inverse = invert(Fraction(value))
    assert abs(inverse * Fraction(value) - 1) <= Fraction(1, 2**255)
    assert inverse.denominator & (inverse.denominator - 1) == 0


def test_budget__that_is_spent__is_refused_with_the_place() -> None:
    budget = Budget(steps=3, place="node 7 (Gemm)")
    x = ExactPolynomial.variable(0)
    sum_products([(x, x)] * 3, budget)
    with pytest.raises(ModelTooLarge, match=r"node 7 \(Gemm\).*too many steps"):
        sum_products([(x, x)], budget)


def test_degree__above_the_jobs_limit__is_refused() -> None:
    power = ExactPolynomial({(0,) * 20: 1}, 0)
    with pytest.raises(ModelTooLarge, match=r"had 21; needed <= 20"):
        sum_products([(power, ExactPolynomial.variable(0))], Budget())
