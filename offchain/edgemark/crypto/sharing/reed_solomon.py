"""Reed-Solomon decoding of the nodes' answers, with erasures and one error set for all columns.

Source: Meta-BMEOC IV-A 5) interpolates phi from all answers and fails when one is false; this
decodes instead. Method: Gao, "A new algorithm for decoding Reed-Solomon codes" (2003).

Notation: N points, a column = the N values of one output of one input, D = dt the degree that
honest columns have at most, r the radius. An honest column is a word of the code [N, D + 1].

A liar may lie in some columns only, and two of them in different ones; decoding column by column
would then accept more liars than the code bears and may name honest nodes. So the columns are
combined with random weights into one word, that word is decoded at radius r, and *every* column
must then be of degree at most D on the points that are left. A liar is missed by the combination
with probability 1/q and then caught by the second step, which refuses instead of guessing. Columns
that are all of degree at most D are accepted at once: nobody lied, and the decoder would say so.

Only a device runs this, on values that it holds in clear; nothing here is constant-time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.field import PrimeField, count_elements, require_count
from edgemark.crypto.sharing.shamir import (
    CACHED_POINT_SETS,
    check_points,
    check_values,
    interpolate_at_zero,
)
from edgemark.errors import PeerFault, RefusedInput


class Undecided(PeerFault):
    """The answers contradict each other in more places than can be told apart: nobody is named."""


@dataclass(frozen=True, slots=True)
class Codeword:
    """What the answers agree on.

    Args:
        errors: points whose values lie off the codeword in at least one column.
        at_zero: packed value at 0 of every column.
    """

    errors: frozenset[int]
    at_zero: bytes


def decode(
    points: Sequence[int],
    columns: Sequence[bytes],
    degree: int,
    radius: int,
    challenge: bytes,
    arithmetic: Arithmetic | None = None,
) -> Codeword:
    """Find the at most `radius` points that are wrong, and the value at 0.

    Args:
        points: distinct non-zero elements: the points that answered.
        columns: for each point the packed values of all columns, of one width.
        degree: D >= 0, of honest columns at most.
        radius: errors to bear; N >= D + 1 + 2 * radius.
        challenge: packed random elements, one a column, drawn after the answers were fixed.
        arithmetic: the field; the active kernel when not given.

    Raises:
        RefusedInput: bad points or lengths, too few points for the radius, or no elements.
        Undecided: no codeword within the radius of all columns with one error set.
    """
    arithmetic = arithmetic or kernel.active()
    check_points(points, arithmetic.modulus)
    check_values(points, columns)
    if degree < 0 or radius < 0 or len(points) < degree + 1 + 2 * radius:
        raise RefusedInput(
            "too few points for this degree and radius",
            who="decoder",
            had=len(points),
            needed=f"degree {degree} + 1 + 2 * radius {radius}",
        )
    require_count(challenge, count_elements(columns[0]), who="challenge")
    arithmetic.check(challenge)
    errors: frozenset[int] = frozenset()
    kept, values = points, columns
    if not is_of_degree(points, columns, degree, arithmetic):
        errors = _find_common_errors(points, columns, degree, radius, challenge, arithmetic)
        left = [(u, column) for u, column in zip(points, columns, strict=True) if u not in errors]
        kept, values = [u for u, _ in left], [column for _, column in left]
        if not is_of_degree(kept, values, degree, arithmetic):
            raise _undecided("the columns have no common error set", radius)
    at_zero = interpolate_at_zero(kept[: degree + 1], values[: degree + 1], arithmetic)
    return Codeword(errors=errors, at_zero=at_zero)


def _find_common_errors(
    points: Sequence[int],
    columns: Sequence[bytes],
    degree: int,
    radius: int,
    challenge: bytes,
    arithmetic: Arithmetic,
) -> frozenset[int]:
    """The errors of the randomly combined columns; see `decode`."""
    combined = arithmetic.combine(b"".join(columns), challenge, count_elements(challenge))
    field = PrimeField(arithmetic.modulus)
    errors = find_errors(field, points, field.unpack(combined), degree)
    if errors is None or len(errors) > radius:
        raise _undecided("more values are wrong than can be told apart", radius)
    return errors


def _undecided(what: str, radius: int) -> Undecided:
    return Undecided(
        what,
        who="answers",
        needed=f"at most {radius} wrong among those that answered",
        remedy="Share afresh, with other nodes.",
    )


def is_of_degree(
    points: Sequence[int], columns: Sequence[bytes], degree: int, arithmetic: Arithmetic
) -> bool:
    """Whether every column is the values of a polynomial of degree at most `degree`.

    Parity checks of the generalised Reed-Solomon code: with u_j = product over i != j of 1/(j - i),
    sum over j of u_j j^s p(j) = 0 for s = 0 .. N - degree - 2, exactly when deg p <= degree.
    """
    if len(points) <= degree + 1:
        return True
    rows = _parity_rows(tuple(points), degree, arithmetic.modulus)
    sums = arithmetic.combine(rows, b"".join(columns), len(points))
    return sums.count(0) == len(sums)


@lru_cache(maxsize=CACHED_POINT_SETS)
def _parity_rows(points: tuple[int, ...], degree: int, modulus: int) -> bytes:
    """The packed parity checks of one set of points, which all batches of them have in common."""
    field = PrimeField(modulus)
    products = []
    for j in points:
        product = 1
        for i in points:
            if i != j:
                product = product * (j - i) % modulus
        products.append(product)
    row = field.inverses(products)
    rows: list[int] = []
    for _ in range(len(points) - degree - 1):
        rows.extend(row)
        row = [weight * u % modulus for weight, u in zip(row, points, strict=True)]
    return field.pack(rows)


def find_errors(
    field: PrimeField, points: Sequence[int], word: Sequence[int], degree: int
) -> frozenset[int] | None:
    """The points where `word` leaves the nearest codeword; None when there is no unique one.

    Gao: with g_0 = product of (u - point) and g_1 the interpolation of the word, run Euclid until a
    remainder g has 2 deg g < N + D + 1; with its cofactor v, g / v is the codeword's polynomial.
    """
    q = field.modulus
    g_0 = [1]
    for point in points:
        g_0 = _multiply(g_0, [-point % q, 1], q)
    g_1 = _interpolate(field, points, word)
    previous, current = g_0, g_1
    cofactor_before, cofactor = [0], [1]
    while 2 * _degree(current) >= len(points) + degree + 1:
        quotient, rest = _divide(field, previous, current)
        previous, current = current, rest
        product = _multiply(quotient, cofactor, q)
        cofactor_before, cofactor = cofactor, _subtract(cofactor_before, product, q)
    message, rest = _divide(field, current, cofactor)
    if any(rest) or _degree(message) > degree:
        return None
    return frozenset(
        point
        for point, value in zip(points, word, strict=True)
        if _evaluate(message, point, q) != value
    )


# Polynomials in one variable: coefficients from the constant up, without leading zeros beyond one.


def _degree(polynomial: Sequence[int]) -> int:
    """Degree; -1 for zero."""
    return -1 if not any(polynomial) else len(polynomial) - 1


def _trim(polynomial: list[int]) -> list[int]:
    while len(polynomial) > 1 and polynomial[-1] == 0:
        polynomial.pop()
    return polynomial


def _multiply(a: Sequence[int], b: Sequence[int], q: int) -> list[int]:
    product = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] += x * y
    return _trim([coefficient % q for coefficient in product])


def _subtract(a: Sequence[int], b: Sequence[int], q: int) -> list[int]:
    width = max(len(a), len(b))
    left = [*a, *[0] * (width - len(a))]
    right = [*b, *[0] * (width - len(b))]
    return _trim([(x - y) % q for x, y in zip(left, right, strict=True)])


def _divide(
    field: PrimeField, numerator: Sequence[int], denominator: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Quotient and remainder."""
    q = field.modulus
    rest = list(numerator)
    steps = len(rest) - len(denominator) + 1
    if steps < 1:
        return [0], _trim(rest)
    inverse = field.inverse(denominator[-1])
    quotient = [0] * steps
    for shift in range(steps - 1, -1, -1):
        factor = rest[shift + len(denominator) - 1] * inverse % q
        quotient[shift] = factor
        for i, coefficient in enumerate(denominator):
            rest[shift + i] = (rest[shift + i] - factor * coefficient) % q
    return _trim(quotient), _trim(rest[: len(denominator) - 1] or [0])


def _interpolate(field: PrimeField, points: Sequence[int], word: Sequence[int]) -> list[int]:
    """Polynomial through all (point, value) pairs, by Newton's divided differences."""
    q = field.modulus
    differences = list(word)
    for order in range(1, len(points)):
        inverses = field.inverses(
            [points[i] - points[i - order] for i in range(order, len(points))]
        )
        for i in range(len(points) - 1, order - 1, -1):
            step = differences[i] - differences[i - 1]
            differences[i] = step * inverses[i - order] % q
    polynomial = [differences[-1]]
    for point, difference in zip(points[-2::-1], differences[-2::-1], strict=True):
        polynomial = _multiply(polynomial, [-point % q, 1], q)
        polynomial[0] = (polynomial[0] + difference) % q
    return _trim(polynomial)


def _evaluate(polynomial: Sequence[int], at: int, q: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = (value * at + coefficient) % q
    return value
