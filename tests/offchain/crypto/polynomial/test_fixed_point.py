"""Real numbers in the field: exact round trips, one scale, and no job that could wrap."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.field.field import FIELD, NotAnElement, Q, WrongLength
from edgemark.crypto.polynomial import DenseQuadratic, MalformedFunction, SparsePolynomial
from edgemark.crypto.polynomial.fixed_point import (
    SIGNED_LIMIT,
    CompiledPolynomial,
    FixedPoint,
    OutOfBounds,
    OverflowPlan,
    WouldWrap,
    compile_polynomial,
    to_signed,
)
from edgemark.errors import RefusedInput

reals = st.floats(-16, 16)
monomials = st.lists(st.integers(0, 2), max_size=2).map(lambda m: tuple(sorted(m)))
Terms = dict[tuple[int, ...], list[float]]


def value_of(terms: Terms, x: list[Fraction], output: int) -> Fraction:
    """The polynomial in rational numbers."""
    total = Fraction(0)
    for monomial, coefficients in terms.items():
        total += Fraction(coefficients[output]) * math.prod(x[i] for i in monomial)
    return total


@given(st.lists(st.integers(-(2**40), 2**40)), st.integers(0, 64))
def test_encode__numbers_of_the_scale__come_back_exactly(numbers: list[int], bits: int) -> None:
    values = [Fraction(number, 2**20) for number in numbers]
    fixed = FixedPoint(max(bits, 20))
    assert fixed.decode_exact(fixed.encode([float(v) for v in values])) == values


@given(reals, st.integers(1, 64))
def test_encode__is_off_by_at_most_half_a_step(value: float, bits: int) -> None:
    fixed = FixedPoint(bits)
    (back,) = fixed.decode_exact(fixed.encode([value]))
    assert abs(back - Fraction(value)) <= Fraction(1, 2 ** (bits + 1))
    assert fixed.decode(fixed.encode([value])) == [float(back)]


@pytest.mark.parametrize("bits", [1, 4])
def test_encode__half_a_step__goes_to_the_even_number(bits: int) -> None:
    halves = [(number + 0.5) / 2**bits for number in range(-4, 4)]
    rounded = [to_signed(n) for n in FIELD.unpack(FixedPoint(bits).encode(halves))]
    assert rounded == [-4, -2, -2, 0, 0, 2, 2, 4] == [round(h * 2**bits) for h in halves]
    thirds = FixedPoint(bits).encode([1 / 3 / 2**bits, 2 / 3 / 2**bits, 4 / 3 / 2**bits])
    assert FIELD.unpack(thirds) == [0, 1, 1]


def test_encode__a_fraction_at_a_scale_of_whole_numbers__is_refused() -> None:
    assert FIELD.unpack(FixedPoint(0).encode([2.0, 3])) == [2, 3]
    with pytest.raises(RefusedInput, match=r"value 1: has a fraction.*Take more fraction bits"):
        FixedPoint(0).encode([2.0, 2.5])


def test_negative_number__is_q_minus_its_magnitude() -> None:
    assert FIELD.unpack(FixedPoint(4).encode([-1.5, 1.5, 0.0])) == [Q - 24, 24, 0]
    assert [to_signed(n) for n in (0, 1, SIGNED_LIMIT, SIGNED_LIMIT + 1, Q - 1)] == [
        *(0, 1, SIGNED_LIMIT, -SIGNED_LIMIT, -1),
    ]


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float64, np.float32, np.longdouble])
def test_encode__numbers_of_numpy__are_numbers(kind: type) -> None:
    values: Any = np.array([3, 1], dtype=kind)
    assert FixedPoint(0).encode(values) == FixedPoint(0).encode([3, 1])
    assert FixedPoint(8).encode([values[0], Fraction(1, 2)]) == FixedPoint(8).encode([3, 0.5])


@pytest.mark.parametrize("value", ["3", None, 1j, [3], np.array([[3, 1]])[0]])
def test_encode__no_number__is_refused_by_its_type_and_not_shown(value: Any) -> None:
    with pytest.raises(RefusedInput, match="value 0: is no number") as refused:
        FixedPoint(0).encode([value])
    assert "3" not in str(refused.value)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, np.float32("nan"), np.longdouble("inf")]
)
def test_encode__not_a_finite_number__is_refused(value: float) -> None:
    with pytest.raises(RefusedInput):
        FixedPoint(16).encode([value])


def test_encode__largest_numbers__are_kept_and_larger_ones_refused() -> None:
    fixed = FixedPoint(0)
    assert fixed.decode_exact(fixed.encode([SIGNED_LIMIT, -SIGNED_LIMIT])) == [
        SIGNED_LIMIT,
        -SIGNED_LIMIT,
    ]
    for value in (SIGNED_LIMIT + 1, -SIGNED_LIMIT - 1):
        with pytest.raises(WouldWrap):
            fixed.encode([value])
    with pytest.raises(WouldWrap):
        fixed.encode([1e300])


@pytest.mark.parametrize("bits", [-1, 65, 2.5, True, "3", None])
def test_scale_out_of_range__is_refused(bits: Any) -> None:
    with pytest.raises(RefusedInput):
        FixedPoint(bits)


@given(
    terms=st.dictionaries(monomials, st.lists(reals, min_size=2, max_size=2), max_size=8),
    x=st.lists(st.lists(st.floats(-4, 4), min_size=3, max_size=3), min_size=1, max_size=3),
    bits=st.integers(8, 32),
    dense=st.booleans(),
)
def test_compiled__computes_the_real_polynomial_of_the_rounded_numbers(
    terms: Terms, x: list[list[float]], bits: int, dense: bool
) -> None:
    fixed = FixedPoint(bits)
    compiled = compile_polynomial(terms, 2, 2, fixed, [4.0] * 3, dense=dense)
    outputs = compiled.polynomial.evaluate(b"".join(compiled.plan.encode_input(row) for row in x))
    rounded = {
        monomial: [
            fixed.decode_exact(fixed.encode([c], s := bits * (3 - len(monomial))), s)[0]
            for c in coefficients
        ]
        for monomial, coefficients in terms.items()
    }
    expected = [
        value_of(rounded, fixed.decode_exact(fixed.encode(row)), output)
        for row in x
        for output in range(2)
    ]
    assert fixed.decode_exact(outputs, compiled.plan.output_bits) == expected
    as_floats = [value for row in compiled.plan.decode_output(outputs) for value in row]
    assert as_floats == [float(value) for value in expected]
    for bound, value in zip(compiled.plan.output_bounds * len(x), expected, strict=True):
        assert abs(value) * 2**compiled.plan.output_bits <= bound


@given(
    terms=st.dictionaries(monomials, st.lists(reals, min_size=2, max_size=2), max_size=8),
    x=st.lists(st.floats(-4, 4), min_size=3, max_size=3),
    bits=st.integers(1, 32),
)
def test_output_error__bounds_the_distance_to_the_real_polynomial(
    terms: Terms, x: list[float], bits: int
) -> None:
    compiled = compile_polynomial(terms, 2, 2, FixedPoint(bits), [4.0] * 3)
    plan = compiled.plan
    outputs = compiled.polynomial.evaluate(plan.encode_input(x))
    (row,) = plan.decode_output(outputs)
    for output, (seen, error) in enumerate(zip(row, plan.output_errors, strict=True)):
        real = value_of(terms, [Fraction(value) for value in x], output)
        assert abs(Fraction(seen) - real) <= Fraction(error)


def test_output_error__of_an_exact_constant__is_that_of_a_float_alone() -> None:
    compiled = compile_polynomial({(): [0.25]}, 1, 2, FixedPoint(8), [1.0])
    (error,) = compiled.plan.output_errors
    assert 0.25 * 2**-53 <= error < 0.26 * 2**-53


def test_output_error__of_numbers_at_half_a_step__is_nearly_reached() -> None:
    half = 2.0**-9  # half a step at 8 bits
    compiled = compile_polynomial({(0,): [1.0]}, 1, 1, FixedPoint(8), [1.0], dense=False)
    ((seen,),) = compiled.plan.decode_output(
        compiled.polynomial.evaluate(compiled.plan.encode_input([half]))
    )
    assert abs(seen - half) == half
    assert half <= compiled.plan.output_errors[0] <= half * 1.001


def test_output_error__of_a_coefficient_and_a_number_at_half_a_step__is_reached() -> None:
    half_above = 1 + 2.0**-9  # both become 1 at 8 bits
    compiled = compile_polynomial(
        {(0,): [half_above]}, 1, 1, FixedPoint(8), [half_above], dense=False
    )
    ((seen,),) = compiled.plan.decode_output(
        compiled.polynomial.evaluate(compiled.plan.encode_input([half_above]))
    )
    missed = Fraction(half_above) ** 2 - Fraction(seen)
    assert missed <= Fraction(compiled.plan.output_errors[0]) <= missed * Fraction(1.000001)


def compile_square(bits: int, bound: float) -> CompiledPolynomial:
    return compile_polynomial({(0, 0): [1.0]}, 1, 2, FixedPoint(bits), [bound])


def test_plan__worst_input__reaches_the_bound_and_does_not_wrap() -> None:
    compiled = compile_square(30, 2.0**18)  # (2^18 * 2^30)^2 * 2^30 = 2^126
    assert compiled.plan.output_bounds == (2**126,)
    assert compiled.plan.headroom_bits == 1
    for x in (2.0**18, -(2.0**18)):
        assert compiled.plan.decode_output(
            compiled.polynomial.evaluate(compiled.plan.encode_input([x]))
        ) == [[2.0**36]]


def test_plan__job_that_could_wrap__is_refused_with_the_numbers() -> None:
    with pytest.raises(WouldWrap) as caught:
        compile_square(30, 2.0**19)
    assert str(2**128) in str(caught.value)
    assert caught.value.who == "output 0"


def test_plan__limit__is_exact() -> None:
    OverflowPlan(FixedPoint(1), 2, (1,), (SIGNED_LIMIT,), (0.0,))
    with pytest.raises(WouldWrap):
        OverflowPlan(FixedPoint(1), 2, (1,), (SIGNED_LIMIT + 1,), (0.0,))


def test_plan__cancelling_terms__are_not_counted_on() -> None:
    # x - x + ... could cancel; the bound adds magnitudes all the same
    with pytest.raises(WouldWrap):
        compile_polynomial(
            {(0, 0): [1.0], (1, 1): [-1.0]}, 1, 2, FixedPoint(30), [2.0**18.9, 2.0**18.9]
        )


@pytest.mark.parametrize("x", [[1.01], [-1.01], [1e300]])
def test_input_outside_its_bounds__is_refused_without_showing_it(x: list[float]) -> None:
    with pytest.raises(OutOfBounds) as caught:
        compile_square(16, 1.0).plan.encode_input(x)
    assert str(x[0]) not in str(caught.value)
    assert "|x| <= 1.0" in str(caught.value)


@pytest.mark.parametrize("x", [[], [1.0, 1.0]])
def test_input_of_the_wrong_length__is_refused(x: list[float]) -> None:
    with pytest.raises(WrongLength):
        compile_square(16, 1.0).plan.encode_input(x)


def test_output_that_is_no_row_or_no_element__is_refused() -> None:
    compiled = compile_polynomial({(0,): [1.0, 1.0]}, 2, 2, FixedPoint(8), [1.0])
    with pytest.raises(WrongLength):
        compiled.plan.decode_output(FIELD.pack([1, 2, 3]))
    with pytest.raises(NotAnElement):
        compiled.plan.decode_output(b"\xff" * 34)


BAD_TERMS: dict[str, tuple[Terms, int]] = {
    "degree above the job's": ({(0, 0, 0): [1.0]}, 2),
    "too few coefficients": ({(0,): []}, 2),
    "too many coefficients": ({(0,): [1.0, 0.0]}, 2),
    "variable that is not there": ({(1,): [1.0]}, 2),
    "dense of degree 1": ({(0,): [1.0]}, 1),
    "dense of degree 3": ({(0,): [1.0]}, 3),
}


@pytest.mark.parametrize(("terms", "degree"), BAD_TERMS.values(), ids=BAD_TERMS.keys())
def test_compile__bad_terms__is_refused(terms: Terms, degree: int) -> None:
    with pytest.raises(MalformedFunction):
        compile_polynomial(terms, 1, degree, FixedPoint(8), [1.0])


def test_compile__not_a_finite_number__is_refused() -> None:
    with pytest.raises(RefusedInput):
        compile_polynomial({(0,): [math.nan]}, 1, 2, FixedPoint(8), [1.0])
    with pytest.raises(RefusedInput):
        compile_polynomial({(0,): [1.0]}, 1, 2, FixedPoint(8), [math.inf])


def test_compile__degree_five_sparse__ends_at_one_scale() -> None:
    compiled = compile_polynomial(
        {(0,) * 5: [0.5], (0, 1): [-2.0], (): [0.25]}, 1, 5, FixedPoint(8), [2.0, 2.0], dense=False
    )
    x = compiled.plan.encode_input([1.5, -1.25])
    assert compiled.plan.decode_output(compiled.polynomial.evaluate(x)) == [
        [0.5 * 1.5**5 + 2 * 1.5 * 1.25 + 0.25]
    ]


@pytest.mark.parametrize(("dense", "kind"), [(True, DenseQuadratic), (False, SparsePolynomial)])
def test_compile__makes_the_kind_that_was_asked_for(dense: bool, kind: type) -> None:
    compiled = compile_polynomial({(0,): [1.0]}, 1, 2, FixedPoint(8), [1.0], dense=dense)
    assert isinstance(compiled.polynomial, kind)
