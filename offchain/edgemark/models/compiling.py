"""From a traced model to a function over F_q and the plan that goes with it.

Inputs of different size share one scale: x_i enters as z_i = (x_i - c_i) / 2^p_i with |z_i| <= 1,
and 2^p_i goes into the coefficients, which is exact. So no bit of the field is spent on what an
input cannot be, and a large input does not drown the coefficient of a small one. c_i is the middle
of what may be asked, where that is not around zero: powers of what is far from it say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from edgemark.crypto.polynomial import Monomial, Polynomial
from edgemark.crypto.polynomial.fixed_point import (
    MAX_FRACTION_BITS,
    SIGNED_LIMIT,
    CompiledPolynomial,
    FixedPoint,
    WouldWrap,
    compile_polynomial,
)
from edgemark.errors import RefusedInput
from edgemark.models.exact import gather_terms
from edgemark.models.plan import ModelPlan
from edgemark.models.signature import Signature
from edgemark.models.spread import check_spread
from edgemark.models.traced import Precision, Traced

LEAST_FRACTION_BITS = 1
SPARSE_PART = 0.5  # of the monomials of degree <= 2: with fewer a list of them is shorter


@dataclass(frozen=True, slots=True)
class TracedModel:
    """A model that was run on symbols.

    Attributes:
        source: what it was, for people: estimators or the graph's name.
        signature: names, bounds, labels.
        precision: the plain model's floats.
        outputs: n traced numbers.
        usual: for each input the least and largest value that is mostly asked; () if unknown.
    """

    source: str
    signature: Signature
    precision: Precision
    outputs: tuple[Traced, ...]
    usual: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """A model as it is computed on shares.

    Attributes:
        function: F.
        plan: how inputs enter F_q and answers leave it.
    """

    function: Polynomial
    plan: ModelPlan


def compile_model(model: TracedModel, fraction_bits: int | None = None) -> CompiledModel:
    """Compile a model, at the largest scale at which nothing can wrap.

    Args:
        model: traced.
        fraction_bits: another scale, 0..64.

    Raises:
        RefusedInput: the model does not depend on its inputs, or the scale is out of range.
        WouldWrap: an output could leave the signed range, with the numbers.
        SaysNothing: the bound that the plan would state is as wide as the answers.
        MalformedFunction: more terms, inputs or outputs than a function may have.
    """
    exponents = tuple(find_exponent(bound) for bound in model.signature.bounds)
    terms = _normalise(gather_terms([output.exact for output in model.outputs]), exponents)
    degree = max(map(len, terms), default=0)
    if degree == 0:
        raise RefusedInput(
            "does not depend on its inputs", who=model.source, had="degree 0", needed="degree >= 1"
        )
    if fraction_bits is not None:
        compiled = _compile_at(model, terms, degree, fraction_bits)
    else:
        compiled = _compile_at_largest(model, terms, degree)
    if compiled.polynomial.degree == 0:
        raise RefusedInput(
            "every coefficient of an input rounds to zero",
            who=model.source,
            had=f"scale 2^{compiled.plan.fixed.fraction_bits}",
            remedy="Take more fraction bits.",
        )
    plan = ModelPlan(
        source=model.source,
        signature=model.signature,
        precision=model.precision,
        exponents=exponents,
        overflow=compiled.plan,
        plain_errors=tuple(output.roundoff for output in model.outputs),
        function_hash=compiled.polynomial.hash,
    )
    exact = [output.exact for output in model.outputs]
    check_spread(model.source, model.signature, exact, plan.error_bounds, model.usual)
    return CompiledModel(compiled.polynomial, plan)


def _compile_at_largest(
    model: TracedModel, terms: Mapping[Monomial, Sequence[Fraction]], degree: int
) -> CompiledPolynomial:
    """The guess is right or one too high: rounding can carry a bound over a power of two."""
    bits = guess_fraction_bits(terms, _normal_bounds(model.signature), degree)
    while True:
        try:
            return _compile_at(model, terms, degree, bits)
        except WouldWrap:
            if bits <= LEAST_FRACTION_BITS:
                raise
            bits -= 1


def _compile_at(
    model: TracedModel,
    terms: Mapping[Monomial, Sequence[Fraction]],
    degree: int,
    fraction_bits: int,
) -> CompiledPolynomial:
    signature = model.signature
    inputs = len(signature.inputs)
    all_terms = (inputs + 1) * (inputs + 2) // 2
    dense = degree == 2 and len(terms) >= SPARSE_PART * all_terms
    fixed = FixedPoint(fraction_bits)
    outputs, bounds = len(signature.outputs), _normal_bounds(signature)
    return compile_polynomial(terms, outputs, degree, fixed, bounds, dense=dense)


def find_exponent(bound: float) -> int:
    """The least p with bound <= 2^p; 0 for 0."""
    fraction, exponent = math.frexp(bound)
    return exponent - 1 if fraction == 0.5 else exponent


def _normal_bounds(signature: Signature) -> list[float]:
    """The bounds of z_i = x_i / 2^p_i, at most 1."""
    return [math.ldexp(bound, -find_exponent(bound)) for bound in signature.bounds]


def _normalise(
    terms: Mapping[Monomial, Sequence[Fraction]], exponents: Sequence[int]
) -> dict[Monomial, list[Fraction]]:
    """The same polynomial in z: each coefficient times the 2^p of its variables."""
    return {
        monomial: [c * Fraction(2) ** sum(exponents[i] for i in monomial) for c in coefficients]
        for monomial, coefficients in terms.items()
    }


def guess_fraction_bits(
    terms: Mapping[Monomial, Sequence[Fraction]], bounds: Sequence[float], degree: int
) -> int:
    """About the largest s for which M_o 2^(s(d+1)) <= (q-1)/2, from the real bound M_o."""
    totals = [0.0] * len(next(iter(terms.values())))
    for monomial, coefficients in terms.items():
        size = math.prod(bounds[i] for i in monomial)
        totals = [t + abs(float(c)) * size for t, c in zip(totals, coefficients, strict=True)]
    largest = max(totals)
    room = math.log2(SIGNED_LIMIT) - (math.log2(largest) if largest else 0)
    return min(max(int(room // (degree + 1)), LEAST_FRACTION_BITS), MAX_FRACTION_BITS)
