"""Whether an answer can say anything: a bound that is as wide as all answers says nothing.

The largest possible output is no measure of that: a polynomial of high degree is huge where nobody
asks. So the model is computed, without rounding, at some inputs within its bounds, and where it
begins with a scaler, within what that was trained on; the same ones each time. A number says
something when its bound is smaller than what lies between the middle half of these; a label, when
it is sure at one of them at least.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from edgemark.errors import RefusedInput
from edgemark.models.exact import ExactPolynomial
from edgemark.models.signature import Decision, Signature, decide

MOST_POINTS, LEAST_POINTS = 60, 12
WORK = 300_000  # terms computed, about half a second
BITS = 40  # of a coordinate
FAR = 4.0  # times its width an input's range is away from zero
# Shares of the largest value among the outputs. What spreads by no more than the first, as rounding
# in the fitting leaves it, is one number: who is off it by less than the second is not useless.
NOISE, TRIFLE = 2.0**-40, 2.0**-20

REMEDY = (
    "Declare the range of each input, (least, largest), where it is far from zero; standardise "
    "before raising to powers; take a lower degree; or, if the rows are float64, say so when the "
    "model is saved: row_type='float64'."
)


class SaysNothing(RefusedInput):
    """A plan whose stated bound is as wide as what the model says."""


def check_spread(
    source: str,
    signature: Signature,
    outputs: Sequence[ExactPolynomial],
    errors: Sequence[float],
    usual: Sequence[tuple[float, float]] = (),
) -> None:
    """Refuse a plan whose answers could be anything.

    Args:
        source: what was compiled.
        signature: of the model.
        outputs: n polynomials of the inputs, measured from their centres.
        errors: n bounds of how far an answer can be from the plain model's.
        usual: for each input the least and largest value that is mostly asked; () if unknown.

    Raises:
        SaysNothing: a bound is as wide as the output is over most inputs, with the numbers.
    """
    terms = sum(len(output.numbers) for output in outputs)
    count = max(LEAST_POINTS, min(MOST_POINTS, WORK // max(1, terms)))
    shares = _spread_evenly()
    ranges = [_range(signature, i, usual) for i in range(len(signature.inputs))]
    points = [
        [_to_integer(low + next(shares) * (high - low)) for low, high in ranges]
        for _ in range(count)
    ]
    values = [[_evaluate(output, point) for output in outputs] for point in points]
    if signature.decision is Decision.VALUES:
        _check_numbers(source, signature, values, errors, _remedy(signature, usual))
    elif not any(decide(signature, row, errors).is_sure for row in values):
        raise SaysNothing(
            "no label would be sure",
            who=source,
            had=f"an error bound of {max(errors):.3g} beside scores of up to "
            f"{max(abs(value) for row in values for value in row):.3g}",
            needed="a bound below the differences of scores",
            remedy=_remedy(signature, usual),
        )


def _check_numbers(
    source: str,
    signature: Signature,
    values: Sequence[Sequence[float]],
    errors: Sequence[float],
    remedy: str,
) -> None:
    largest = max(abs(value) for row in values for value in row)
    columns = zip(*values, strict=True)
    for name, column, error in zip(signature.outputs, columns, errors, strict=True):
        ordered = sorted(column)
        quarter = len(ordered) // 4
        spread = ordered[-1 - quarter] - ordered[quarter]
        is_constant = spread <= NOISE * largest
        if error > TRIFLE * largest if is_constant else error >= spread:
            raise SaysNothing(
                "the error bound is wider than what the model says",
                who=f"{source}, output {name}",
                had=f"a bound of {error:.3g} where half of all outputs are within {spread:.3g}",
                needed="a bound below that",
                remedy=remedy,
            )


def _remedy(signature: Signature, usual: Sequence[tuple[float, float]]) -> str:
    """What helps; and where the first input that is far from zero mostly is."""
    for name, (low, high) in zip(signature.inputs, usual, strict=False):
        if abs(high + low) > FAR * (high - low):
            return f"{REMEDY} The model learned {name} mostly from {low:.10g} to {high:.10g}."
    return REMEDY


def _range(
    signature: Signature, position: int, usual: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """Where an input is mostly, measured from its centre, as far as it is within its bound."""
    bound, centre = signature.bounds[position], signature.centre(position)
    if usual:
        low, high = (end - centre for end in usual[position])
        if max(low, -bound) < min(high, bound):
            return max(low, -bound), min(high, bound)
    return -bound, bound


def _spread_evenly() -> Iterator[float]:
    """Numbers between 0 and 1 that look drawn and are always the same (Knuth's MMIX)."""
    state = 1
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state / 2**64


def _to_integer(value: float) -> tuple[int, int]:
    """About a value, as a whole number of few bits and a power of two."""
    mantissa, exponent = math.frexp(value)
    return round(mantissa * 2**BITS), exponent - BITS


def _evaluate(polynomial: ExactPolynomial, point: Sequence[tuple[int, int]]) -> float:
    terms = [
        (
            math.prod((point[i][0] for i in monomial), start=number),
            sum(point[i][1] for i in monomial),
        )
        for monomial, number in polynomial.numbers.items()
    ]
    if not terms:
        return 0.0
    lowest = min(exponent for _, exponent in terms)
    total = sum(number << (exponent - lowest) for number, exponent in terms)
    return float(Fraction(total) * Fraction(2) ** (lowest - polynomial.bits))
