"""A model, run on symbols: every number of it as a polynomial of the inputs, with two bounds.

Notation: u the unit roundoff of the plain model's floats, m a bound of a number's magnitude over
all admitted inputs, r a bound of how far the plain model's float is from the exact number.

A sum of N products, in whatever order and with or without fused multiply-add, satisfies (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1)

    |computed - exact| <= g sum |a_i||b_i|,   g = (N+1) u / (1 - (N+1) u)

for the numbers that it was given; what these were off already is carried on. Magnitudes are those
before anything cancels, so the bound holds for every input within its declared bound.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from edgemark.errors import RefusedInput
from edgemark.models.exact import (
    Budget,
    ExactPolynomial,
    ModelTooLarge,
    invert,
    sum_products,
)

SHORT = 4  # terms of a polynomial whose own bound is worth computing
SLACK = 1 + 1e-6  # the bounds are sums of positive floats: far more than their own rounding


class Precision(Enum):
    """The floats that the plain model computes with."""

    SINGLE = "float32"
    DOUBLE = "float64"

    @property
    def unit(self) -> float:
        """Largest relative error of one rounding."""
        return 2.0**-24 if self is Precision.SINGLE else 2.0**-53

    @property
    def least(self) -> float:
        """Smallest positive number: what a rounding can lose near zero."""
        return 2.0**-149 if self is Precision.SINGLE else 2.0**-1074

    @property
    def largest(self) -> float:
        """Above this a number is infinite."""
        return 2.0**127 if self is Precision.SINGLE else 2.0**1023


@dataclass(frozen=True, slots=True)
class Traced:
    """One number of a model.

    Attributes:
        exact: as a polynomial of the inputs.
        magnitude: m, without rounding.
        roundoff: r.
    """

    exact: ExactPolynomial
    magnitude: float
    roundoff: float

    @property
    def reach(self) -> float:
        """Largest magnitude of the plain model's float."""
        return self.magnitude + self.roundoff

    @property
    def is_zero(self) -> bool:
        """Whether exactly nothing is left of it."""
        return not self.exact.numbers and not self.reach


@dataclass(slots=True)
class Tracer:
    """The arithmetic of a plain model, on symbols.

    Args:
        precision: its floats, of the step that runs.
        budget: how much work may be done.
        bounds: largest magnitude of each variable, filled by `variable`.
    """

    precision: Precision
    budget: Budget = field(default_factory=Budget)
    bounds: dict[int, float] = field(default_factory=dict)

    def at(self, place: str) -> None:
        """Say what is being worked at, for errors."""
        self.budget.place = place

    def variable(self, position: int, bound: float, centre: float = 0.0) -> Traced:
        """An input x = centre + v, as a polynomial of v, which is at most `bound`.

        It is rounded when the plain model takes float32.
        """
        self.bounds[position] = bound
        exact = ExactPolynomial.variable(position).plus(centre)
        largest = bound + abs(centre)
        rounds = self.precision is Precision.SINGLE
        roundoff = self.precision.unit * largest + self.precision.least if rounds else 0.0
        return Traced(exact, largest, roundoff)

    def constant(self, value: float | Fraction) -> Traced:
        """A parameter, as it is stored; rounded where these floats do not have it."""
        size = abs(float(value))
        rounds = self.precision is Precision.SINGLE and not _is_single(value)
        roundoff = self.precision.unit * size + self.precision.least if rounds else 0.0
        return Traced(ExactPolynomial.constant(value), size, roundoff)

    def shift(self, value: Traced, by: float) -> Traced:
        """A number minus a parameter, in one rounding of what is left."""
        constant = self.constant(by)
        exact = value.exact.plus(-by)
        magnitude = self._least(exact, value.magnitude + constant.magnitude)
        carried = value.roundoff + constant.roundoff
        self._check_magnitude(magnitude + carried)
        lost = self.precision.unit * (magnitude + carried)
        return Traced(exact, magnitude * SLACK, (carried + lost) * SLACK)

    def _least(self, exact: ExactPolynomial, magnitude: float) -> float:
        """A bound of the magnitude: the known one, or that of a short polynomial, term by term."""
        if len(exact.numbers) > SHORT:
            return magnitude
        return min(magnitude, exact.bound(self.bounds))

    def dot(
        self, left: Sequence[Traced], right: Sequence[Traced], offset: Traced | None = None
    ) -> Traced:
        """Sum of products, and an offset.

        Raises:
            ModelTooLarge: degree, work or magnitude is above its limit.
        """
        pairs = [p for p in zip(left, right, strict=True) if not (p[0].is_zero or p[1].is_zero)]
        if offset is not None:
            pairs.append((offset, self.constant(1.0)))
        magnitude = sum(a.magnitude * b.magnitude for a, b in pairs)
        reach = sum(a.reach * b.reach for a, b in pairs)
        self._check_magnitude(reach)
        carried = sum(a.magnitude * b.roundoff + a.roundoff * b.reach for a, b in pairs)
        count = len(pairs) + 1
        share = count * self.precision.unit
        lost = share / (1 - share) * reach + count * self.precision.least
        exact = sum_products(((a.exact, b.exact) for a, b in pairs), self.budget)
        return Traced(
            exact=exact,
            magnitude=self._least(exact, magnitude) * SLACK,
            roundoff=(carried + lost) * SLACK,
        )

    def multiply(self, left: Traced, right: Traced) -> Traced:
        """One product."""
        return self.dot([left], [right])

    def add(self, left: Traced, right: Traced) -> Traced:
        """One sum."""
        return self.dot([left, right], [self.constant(1.0)] * 2)

    def subtract(self, left: Traced, right: Traced) -> Traced:
        """One difference."""
        return self.dot([left, right], [self.constant(1.0), self.constant(-1.0)])

    def power(self, value: Traced, exponent: int) -> Traced:
        """A power of exponent >= 0, as if multiplied out one by one."""
        self.budget.check_degree(exponent * value.exact.degree)
        result = self.constant(1.0)
        for _ in range(exponent):
            result = self.multiply(result, value)
        return result

    def divide(self, value: Traced, divisor: Fraction) -> Traced:
        """A quotient by a constant, taken as a product with its inverse to 256 bits.

        What the inverse lacks is counted as one more rounding.

        Raises:
            RefusedInput: the divisor is zero.
        """
        if not divisor:
            raise RefusedInput("divides by zero", who=self.budget.place)
        inverse = self.constant(invert(divisor))
        return self.multiply(self.multiply(value, inverse), self.constant(1.0))

    def round_once(self, value: Traced) -> Traced:
        """The same number, stored in this precision."""
        return self.multiply(value, self.constant(1.0))

    def _check_magnitude(self, magnitude: float) -> None:
        if not magnitude < self.precision.largest:
            raise ModelTooLarge(
                "numbers are too large for the model's own floats",
                who=self.budget.place,
                had=f"up to {magnitude:g}",
                needed=f"< {self.precision.largest:g}",
                remedy="Declare narrower input bounds.",
            )


def _is_single(value: float | Fraction) -> bool:
    """Whether a number is a float32."""
    try:
        return bool(struct.unpack("f", struct.pack("f", value))[0] == value)
    except (struct.error, OverflowError):
        return False
