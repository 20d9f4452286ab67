"""Polynomials with real coefficients, without rounding.

Every float is a whole number over a power of two, and so are sums and products of floats: a
polynomial is kept as whole numbers over one power of two. A model is expanded here exactly, and
rounded once, when its coefficients enter the field.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from edgemark.crypto.polynomial import MAX_DEGREE, Monomial
from edgemark.errors import RefusedInput

MAX_STEPS = 30_000_000  # products of two coefficients in one model: about half a minute
INVERSE_BITS = 256  # of a reciprocal, beyond those of what it is the reciprocal of


class ModelTooLarge(RefusedInput):
    """A model whose polynomial is larger than a function, or this program, can take."""


@dataclass(slots=True)
class Budget:
    """Work that is left for one model, and what is being worked at, for whoever runs out."""

    steps: int = MAX_STEPS
    place: str = "model"

    def take(self, steps: int) -> None:
        """Spend steps.

        Raises:
            ModelTooLarge: there are not so many left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise ModelTooLarge(
                "takes too many steps to expand",
                who=self.place,
                had=f"more than {MAX_STEPS:,} products of coefficients",
                needed=f"<= {MAX_STEPS:,}",
                remedy="Take fewer inputs, hidden units or support vectors, or a lower degree.",
            )

    def check_degree(self, degree: int) -> None:
        """Refuse a degree that no function may have.

        Raises:
            ModelTooLarge: it is above `MAX_DEGREE`.
        """
        if degree > MAX_DEGREE:
            raise ModelTooLarge(
                "raises the degree too far", who=self.place, had=degree, needed=f"<= {MAX_DEGREE}"
            )


@dataclass(frozen=True, slots=True)
class ExactPolynomial:
    """Sum of `numbers[monomial]` * monomial, all over 2^bits; no number is zero."""

    numbers: dict[Monomial, int]
    bits: int

    @classmethod
    def constant(cls, value: float | Fraction) -> ExactPolynomial:
        """A finite number whose denominator is a power of two."""
        numerator, denominator = value.as_integer_ratio()
        return cls({(): numerator} if numerator else {}, denominator.bit_length() - 1)

    @classmethod
    def variable(cls, position: int) -> ExactPolynomial:
        """x_position."""
        return cls({(position,): 1}, 0)

    @property
    def degree(self) -> int:
        """Degree of the largest monomial; 0 for a constant."""
        return max(map(len, self.numbers), default=0)

    @property
    def as_constant(self) -> Fraction | None:
        """The value of a constant; None for anything else."""
        if self.degree:
            return None
        return Fraction(self.numbers.get((), 0), 1 << self.bits)

    def plus(self, value: float) -> ExactPolynomial:
        """This polynomial and a number."""
        if not value:
            return self
        number, denominator = value.as_integer_ratio()
        own = denominator.bit_length() - 1
        bits = max(self.bits, own)
        numbers = {monomial: n << (bits - self.bits) for monomial, n in self.numbers.items()}
        constant = numbers.pop((), 0) + (number << (bits - own))
        return ExactPolynomial({**numbers, **({(): constant} if constant else {})}, bits)

    def bound(self, bounds: Mapping[int, float]) -> float:
        """Largest magnitude, term by term, over variables of at most these magnitudes."""
        try:
            return sum(
                abs(float(Fraction(n, 1 << self.bits))) * math.prod(bounds[i] for i in monomial)
                for monomial, n in self.numbers.items()
            )
        except OverflowError:
            return math.inf

    def negated(self) -> ExactPolynomial:
        """Minus this polynomial, over the same power of two."""
        return ExactPolynomial({monomial: -n for monomial, n in self.numbers.items()}, self.bits)

    def coefficient(self, monomial: Monomial) -> Fraction:
        """The coefficient of a monomial."""
        return Fraction(self.numbers.get(monomial, 0), 1 << self.bits)


def invert(value: Fraction) -> Fraction:
    """1/value to `INVERSE_BITS` bits beyond those of the value, over a power of two."""
    bits = INVERSE_BITS + max(0, abs(value).numerator.bit_length())
    return Fraction(round(Fraction(1 << bits) / value), 1 << bits)


def sum_products(
    pairs: Iterable[tuple[ExactPolynomial, ExactPolynomial]], budget: Budget
) -> ExactPolynomial:
    """The sum of left * right over all pairs.

    Raises:
        ModelTooLarge: the degree of a product, or the work, is above its limit.
    """
    factors = [pair for pair in pairs if pair[0].numbers and pair[1].numbers]
    bits = max((left.bits + right.bits for left, right in factors), default=0)
    total: dict[Monomial, int] = {}
    for left, right in factors:
        budget.take(len(left.numbers) * len(right.numbers))
        budget.check_degree(left.degree + right.degree)
        _add_product(total, left, right, bits - left.bits - right.bits)
    return ExactPolynomial({monomial: n for monomial, n in total.items() if n}, bits)


def _add_product(
    total: dict[Monomial, int], left: ExactPolynomial, right: ExactPolynomial, shift: int
) -> None:
    for first, a in left.numbers.items():
        scaled = a << shift
        for second, b in right.numbers.items():
            monomial = tuple(sorted(first + second)) if first and second else first or second
            total[monomial] = total.get(monomial, 0) + scaled * b


def gather_terms(polynomials: Sequence[ExactPolynomial]) -> dict[Monomial, list[Fraction]]:
    """{monomial: its coefficient in each of the polynomials}."""
    monomials = dict.fromkeys(m for polynomial in polynomials for m in polynomial.numbers)
    return {monomial: [p.coefficient(monomial) for p in polynomials] for monomial in monomials}
