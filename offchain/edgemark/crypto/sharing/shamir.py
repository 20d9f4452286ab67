"""Secret sharing of vectors (Shamir 1979), as Meta-BMEOC IV-A uses it for the input and the key.

Notation: x secret vector, t threshold, v(u) = x + r_1 u + ... + r_t u^t, share j = v(j).

| paper step                         | function                |
|------------------------------------|-------------------------|
| IV-A eqs 3-5, shares of x, alpha   | `share`                 |
| IV-A 5), interpolation at 0        | `interpolate_at_zero`   |
| (not in the paper) share import    | `recover`               |

At most t shares tell nothing about x, because the r_i are uniform and the points are distinct and
not 0: the share at 0 is the secret itself, and equal points are one share counted twice. Both are
refused here, not left to callers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.field import PrimeField, count_elements, require_count
from edgemark.errors import PeerFault, RefusedInput

MAX_POINTS = 255  # indices are one byte on the wire and on chain


CACHED_POINT_SETS = 64  # in use at once, with other nodes or silent ones; points are public


class InconsistentShares(PeerFault):
    """More than t + 1 shares that do not lie on one polynomial of degree t."""


def check_points(points: Sequence[int], modulus: int) -> None:
    """Check that the evaluation points are distinct elements other than 0, at most 255 of them.

    Raises:
        RefusedInput: one is 0, out of range or twice, or there are none or too many.
    """
    _check_points(tuple(points), modulus)


@lru_cache(maxsize=CACHED_POINT_SETS)
def _check_points(points: tuple[int, ...], modulus: int) -> None:
    """What `check_points` checks, once for each set of points."""
    if not 1 <= len(points) <= MAX_POINTS:
        raise RefusedInput(
            "number of points out of range",
            who="shares",
            had=len(points),
            needed=f"1..{MAX_POINTS}",
        )
    seen: set[int] = set()
    for point in points:
        if not 1 <= point < modulus:
            raise RefusedInput(
                "is not a share index",
                who="evaluation point",
                had=point,
                needed="a non-zero element; 0 is the secret itself",
            )
        if point in seen:
            raise RefusedInput("stands twice", who="evaluation point", had=point, needed="once")
        seen.add(point)


def lagrange_weights(points: Sequence[int], at: int, modulus: int) -> list[int]:
    """Lagrange weights at any element: p(at) = sum over j of weight_j p(j), deg p < len(points).

    weight_j = product over i != j of (at - i) / (j - i)

    Raises:
        RefusedInput: see `check_points`.
    """
    check_points(points, modulus)
    return list(_lagrange_weights(tuple(points), at, modulus))


@lru_cache(maxsize=CACHED_POINT_SETS)
def _lagrange_weights(points: tuple[int, ...], at: int, modulus: int) -> tuple[int, ...]:
    """The weights of one set of points, which all batches of them have in common."""
    numerators, denominators = [], []
    for j in points:
        numerator = denominator = 1
        for i in points:
            if i != j:
                numerator = numerator * (at - i) % modulus
                denominator = denominator * (j - i) % modulus
        numerators.append(numerator)
        denominators.append(denominator)
    inverses = PrimeField(modulus).inverses(denominators)
    return tuple(a * b % modulus for a, b in zip(numerators, inverses, strict=True))


@lru_cache(maxsize=CACHED_POINT_SETS)
def _zero_row(points: tuple[int, ...], modulus: int) -> bytes:
    """The packed weights at 0."""
    return PrimeField(modulus).pack(_lagrange_weights(points, 0, modulus))


def share(
    secret: bytes,
    threshold: int,
    points: Sequence[int],
    coefficients: bytes,
    arithmetic: Arithmetic | None = None,
) -> list[bytes]:
    """Share a packed vector among the holders of `points`.

    Args:
        secret: packed vector x.
        threshold: t >= 0, shares that together tell nothing; fewer than the points.
        points: distinct non-zero elements, one a holder.
        coefficients: r_1, ..., r_t one after the other, uniform and used for this sharing only.
        arithmetic: the field; the active kernel when not given.

    Returns:
        One packed vector like the secret for each point, in their order.

    Raises:
        RefusedInput: bad points, threshold or lengths, or something that is no element.
    """
    arithmetic = arithmetic or kernel.active()
    check_points(points, arithmetic.modulus)
    if not 0 <= threshold < len(points):
        raise RefusedInput(
            "is out of range", who="threshold", had=threshold, needed=f"0..{len(points) - 1}"
        )
    length = count_elements(secret, who="secret")
    require_count(coefficients, threshold * length, who="coefficients")
    return arithmetic.share(secret, coefficients, points)


def interpolate_at_zero(
    points: Sequence[int], values: Sequence[bytes], arithmetic: Arithmetic | None = None
) -> bytes:
    """Value at 0 of the polynomial of least degree through all the given points.

    Args:
        points: distinct non-zero elements.
        values: one packed vector for each point, all of one length.
        arithmetic: the field; the active kernel when not given.

    Raises:
        RefusedInput: bad points or lengths, or something that is no element.
    """
    arithmetic = arithmetic or kernel.active()
    check_points(points, arithmetic.modulus)
    check_values(points, values)
    row = _zero_row(tuple(points), arithmetic.modulus)
    return arithmetic.combine(row, b"".join(values), len(points))


def check_values(points: Sequence[int], values: Sequence[bytes]) -> None:
    """Check that there is one vector a point, all of one length.

    Raises:
        RefusedInput: there is not.
    """
    if len(values) != len(points):
        raise RefusedInput("one vector a point", who="values", had=len(values), needed=len(points))
    width = count_elements(values[0], who=f"value at {points[0]}")
    for point, value in zip(points, values, strict=True):
        if len(value) != len(values[0]):
            require_count(value, width, who=f"value at {point}")


def recover(
    points: Sequence[int],
    shares: Sequence[bytes],
    threshold: int,
    arithmetic: Arithmetic | None = None,
) -> bytes:
    """The secret behind at least t + 1 shares; further shares must agree with them.

    Raises:
        RefusedInput: fewer than t + 1 shares, bad points or lengths, or something that is no
            element.
        InconsistentShares: the shares do not lie on one polynomial of degree t.
    """
    arithmetic = arithmetic or kernel.active()
    check_points(points, arithmetic.modulus)
    check_values(points, shares)
    needed = threshold + 1
    if threshold < 0 or len(points) < needed:
        raise RefusedInput("too few shares", who="shares", had=len(points), needed=needed)
    field = PrimeField(arithmetic.modulus)
    first = b"".join(shares[:needed])
    for point, value in zip(points[needed:], shares[needed:], strict=True):
        weights = lagrange_weights(points[:needed], point, arithmetic.modulus)
        if arithmetic.combine(field.pack(weights), first, needed) != value:
            raise InconsistentShares(
                "does not lie on the polynomial of the others",
                who=f"share {point}",
                needed=f"degree <= {threshold}",
                remedy="Decode with errors instead, or ask for the shares again.",
            )
    return interpolate_at_zero(points[:needed], shares[:needed], arithmetic)
