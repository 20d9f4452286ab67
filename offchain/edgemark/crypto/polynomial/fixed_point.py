"""Real numbers in F_q by fixed point, with the proof that no value wraps.

Notation: s fraction bits; a real v at scale 2^b is the element round(v * 2^b) mod q, so that
negative numbers are q - |v|; M_o a bound of |F_o| over all admitted inputs, at the scale of the
outputs; E_o a bound of |decoded F_o - real F_o| over them, as a real number.

A multiplication of two values at 2^s gives one at 2^2s. Every monomial of a function of degree d
must end at one scale, so the coefficient of a monomial of degree i is encoded at 2^(s(d+1-i)): with
i inputs at 2^s each, all of them end at 2^(s(d+1)). Outputs are read back as signed, which is right
exactly when M_o <= (q-1)/2; the plan computes M_o from the declared bounds of the inputs, in
integers.

Rounding is bounded in the same way. With B_i the largest admitted |x_i|, h = 2^-(s+1) half a step
of an input and c a coefficient whose rounded twin is c', a monomial is off by at most

    |c' - c| prod B_i  +  |c| (prod (B_i + h) - prod B_i)

and E_o is the sum over the monomials, plus the rounding of the decoded value to a float.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import index
from typing import TypeAlias

from edgemark.crypto.field.field import FIELD, Q, WrongLength, count_elements
from edgemark.crypto.polynomial import (
    MAX_DEGREE,
    DenseQuadratic,
    Monomial,
    Polynomial,
    SparsePolynomial,
)
from edgemark.crypto.polynomial.header import refuse_outside
from edgemark.errors import RefusedInput

SIGNED_LIMIT = (Q - 1) // 2
"""Largest magnitude that an element can carry with its sign."""

MAX_FRACTION_BITS = 64
FLOAT_UNIT = 2.0**-53
"""Largest relative error of rounding to a float."""

Real: TypeAlias = int | float | Fraction


class WouldWrap(RefusedInput):
    """A number, or a function, whose values could leave the signed range of the field."""


class OutOfBounds(RefusedInput):
    """An input outside the bounds that were declared. Its value is not shown."""


def _round(value: Real, bits: int, who: str) -> tuple[int, bool]:
    """round(value * 2^bits), half to even, and whether that was exact."""
    numerator, denominator = _to_ratio(value, who)
    whole, rest = divmod(numerator << bits, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole & 1):
        whole += 1
    return whole, rest == 0


def _to_ratio(value: Real, who: str) -> tuple[int, int]:
    """A number as a ratio of integers, whoever's number it is; it is a secret, and not shown.

    Raises:
        RefusedInput: it is not finite, or no number.
    """
    try:
        return value.as_integer_ratio()
    except (ValueError, OverflowError):
        raise RefusedInput("is not a finite number", who=who, needed="a finite number") from None
    except AttributeError:
        pass
    try:
        return index(value), 1  # type: ignore[arg-type]  # whole numbers of numpy have no ratio
    except TypeError:
        raise RefusedInput(
            "is no number", who=who, had=type(value).__name__, needed="a real number"
        ) from None


def _to_integer(value: Real, bits: int, who: str) -> int:
    """round(value * 2^bits), exactly rounded (half to even)."""
    return _round(value, bits, who)[0]


def to_signed(element: int) -> int:
    """The integer of least magnitude that is congruent to an element."""
    return element - Q if element > SIGNED_LIMIT else element


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A scale for inputs.

    Args:
        fraction_bits: s, 0..64.

    Raises:
        RefusedInput: out of range.
    """

    fraction_bits: int

    def __post_init__(self) -> None:
        if type(self.fraction_bits) is not int or not 0 <= self.fraction_bits <= MAX_FRACTION_BITS:
            raise RefusedInput(
                "is out of range",
                who="fraction bits",
                had=self.fraction_bits,
                needed=f"a whole number 0..{MAX_FRACTION_BITS}",
            )

    def encode(self, values: Sequence[Real], bits: int | None = None) -> bytes:
        """Real numbers to packed elements at scale 2^bits (2^s when not given).

        Raises:
            RefusedInput: a value is not finite, or at scale 1 no whole number.
            WouldWrap: a value is too large for the field.
        """
        bits = self.fraction_bits if bits is None else bits
        numbers = []
        for position, value in enumerate(values):
            number, exact = _round(value, bits, f"value {position}")
            if not (exact or bits):
                raise RefusedInput(
                    "has a fraction, which a scale of whole numbers has no place for",
                    who=f"value {position}",
                    needed="a whole number",
                    remedy="Take more fraction bits, or round it yourself.",
                )
            if abs(number) > SIGNED_LIMIT:
                raise WouldWrap(
                    "is too large at this scale",
                    who=f"value {position}",
                    needed=f"|value| <= 2^{SIGNED_LIMIT.bit_length() - 1 - bits}",
                )
            numbers.append(number % Q)
        return FIELD.pack(numbers)

    def decode_exact(self, packed: bytes, bits: int | None = None) -> list[Fraction]:
        """Packed elements at scale 2^bits (2^s when not given) to rational numbers.

        Raises:
            RefusedInput: something is no element.
        """
        bits = self.fraction_bits if bits is None else bits
        return [Fraction(to_signed(number), 1 << bits) for number in FIELD.unpack(packed)]

    def decode(self, packed: bytes, bits: int | None = None) -> list[float]:
        """Like `decode_exact`, rounded to the nearest floats."""
        return [float(value) for value in self.decode_exact(packed, bits)]


@dataclass(frozen=True, slots=True)
class OverflowPlan:
    """How real numbers enter and leave the field, and why none of them can wrap.

    Args:
        fixed: scale 2^s of the inputs.
        degree: d; outputs come back at scale 2^(s(d+1)).
        input_bounds: largest magnitude of each encoded input.
        output_bounds: M_o, largest magnitude of each encoded output.
        output_errors: E_o, how far a decoded output can be from the real polynomial.

    Raises:
        WouldWrap: an output bound is above (q-1)/2.
    """

    fixed: FixedPoint
    degree: int
    input_bounds: tuple[int, ...]
    output_bounds: tuple[int, ...]
    output_errors: tuple[float, ...]

    def __post_init__(self) -> None:
        for output, bound in enumerate(self.output_bounds):
            if bound > SIGNED_LIMIT:
                raise WouldWrap(
                    "could wrap",
                    who=f"output {output}",
                    had=f"a bound of {bound.bit_length()} bits ({bound})",
                    needed=f"at most {SIGNED_LIMIT}",
                    remedy="Take fewer fraction bits, narrower input bounds or a lower degree.",
                )

    @property
    def output_bits(self) -> int:
        """Scale of the outputs, s(d+1)."""
        return self.fixed.fraction_bits * (self.degree + 1)

    @property
    def headroom_bits(self) -> int:
        """Bits between the largest output bound and the limit."""
        return SIGNED_LIMIT.bit_length() - max(self.output_bounds).bit_length()

    def real_input_bound(self, position: int) -> float:
        """The largest magnitude that input `position` may have."""
        return float(Fraction(self.input_bounds[position], 1 << self.fixed.fraction_bits))

    def encode_input(self, x: Sequence[Real]) -> bytes:
        """Encode one input within its declared bounds.

        Raises:
            WrongLength: not k values.
            OutOfBounds: a value is outside its bound.
            RefusedInput: a value is not finite.
        """
        if len(x) != len(self.input_bounds):
            raise WrongLength(
                "has the wrong length", who="input", had=len(x), needed=len(self.input_bounds)
            )
        bits = self.fixed.fraction_bits
        numbers = [_to_integer(value, bits, f"input {i}") for i, value in enumerate(x)]
        for i, (number, bound) in enumerate(zip(numbers, self.input_bounds, strict=True)):
            if abs(number) > bound:
                raise OutOfBounds(
                    "is outside the declared bounds",
                    who=f"input {i}",
                    needed=f"|x| <= {self.real_input_bound(i)}",
                )
        return FIELD.pack(number % Q for number in numbers)

    def decode_output(self, packed: bytes) -> list[list[float]]:
        """Real outputs, one list of n for each input of the batch.

        Raises:
            WrongLength: no whole number of rows.
            NotAnElement: something is no element.
        """
        n = len(self.output_bounds)
        if count_elements(packed, who="outputs") % n:
            raise WrongLength(
                "are no whole number of rows",
                who="outputs",
                had=count_elements(packed),
                needed=f"B * {n}",
            )
        values = self.fixed.decode(packed, self.output_bits)
        return [values[at : at + n] for at in range(0, len(values), n)]


@dataclass(frozen=True, slots=True)
class CompiledPolynomial:
    """A real polynomial as a function over F_q.

    Args:
        polynomial: F.
        plan: scales and bounds, and the proof that it does not wrap.
    """

    polynomial: Polynomial
    plan: OverflowPlan


@dataclass(slots=True)
class _Tally:
    """Bounds of one function, monomial by monomial, in integers.

    Magnitudes stand at scale 2^(s(d+1)), errors at 2^(s(d+1) + 1 + d).
    """

    degree: int
    input_bounds: tuple[int, ...]
    magnitudes: list[int]
    errors: list[int]

    def add(self, monomial: Monomial, rounded: Sequence[tuple[int, bool]]) -> None:
        """Count a monomial with its rounded coefficients, and whether each was exact."""
        bounds = [self.input_bounds[i] for i in monomial]
        size = math.prod(bounds)
        # prod (B + h) - prod B, where an admitted x may be half a step above its encoded bound
        spread = math.prod(2 * b + 2 for b in bounds) - math.prod(2 * b + 1 for b in bounds)
        doubled = size << len(bounds)
        shift = self.degree - len(bounds)
        for output, (number, exact) in enumerate(rounded):
            magnitude = abs(number)
            self.magnitudes[output] += magnitude * size
            error = 2 * magnitude * spread if exact else doubled + (2 * magnitude + 1) * spread
            self.errors[output] += error << shift

    def plan(self, fixed: FixedPoint) -> OverflowPlan:
        """The plan, when nothing could wrap."""
        bits = fixed.fraction_bits * (self.degree + 1)
        return OverflowPlan(
            fixed=fixed,
            degree=self.degree,
            input_bounds=self.input_bounds,
            output_bounds=tuple(self.magnitudes),
            output_errors=tuple(
                _above(Fraction(error, 1 << (bits + 1 + self.degree)))
                + _above(Fraction(magnitude, 1 << bits)) * FLOAT_UNIT
                for error, magnitude in zip(self.errors, self.magnitudes, strict=True)
            ),
        )


def _above(exact: Fraction) -> float:
    """A float that is not below."""
    return math.nextafter(float(exact), math.inf) if exact else 0.0


def compile_polynomial(
    terms: Mapping[Monomial, Sequence[Real]],
    outputs: int,
    degree: int,
    fixed: FixedPoint,
    bounds: Sequence[Real],
    *,
    dense: bool = True,
) -> CompiledPolynomial:
    """Turn a real polynomial into a function over F_q, and prove that it does not wrap.

    Args:
        terms: {monomial: n real coefficients}, monomials as in `polynomial.Monomial`.
        outputs: n.
        degree: d, at least that of every monomial; 2 when dense.
        fixed: scale of the inputs.
        bounds: for each of the k inputs the largest |x_i| that will be asked, >= 0.
        dense: as a `DenseQuadratic`; else as a `SparsePolynomial`.

    Raises:
        RefusedInput: a number is out of range or not finite.
        WouldWrap: an output could leave the signed range.
    """
    refuse_outside("degree", degree, 2 if dense else 0, 2 if dense else MAX_DEGREE)
    input_bounds = tuple(
        abs(_to_integer(bound, fixed.fraction_bits, f"bound {i}")) for i, bound in enumerate(bounds)
    )
    tally = _Tally(degree, input_bounds, [0] * outputs, [0] * outputs)
    encoded: dict[Monomial, list[int]] = {}
    for monomial, coefficients in terms.items():
        refuse_outside("degree", len(monomial), 0, degree)
        refuse_outside("outputs", len(coefficients), outputs, outputs)
        for variable in monomial:
            refuse_outside("variable", variable, 0, len(bounds) - 1)
        bits = fixed.fraction_bits * (degree + 1 - len(monomial))
        rounded = [_round(c, bits, f"coefficient of {monomial}") for c in coefficients]
        tally.add(monomial, rounded)
        encoded[monomial] = [number % Q for number, _ in rounded]
    plan = tally.plan(fixed)
    kind = DenseQuadratic if dense else SparsePolynomial
    return CompiledPolynomial(kind.from_terms(len(bounds), outputs, encoded), plan)
