"""Sharing and recovering, over F_q and exhaustively over small fields."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.elements import seeded, vectors

from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.field import FIELD, NotAnElement, Q, WrongLength
from edgemark.crypto.field.plain import PlainArithmetic
from edgemark.crypto.sharing.shamir import (
    InconsistentShares,
    check_points,
    check_values,
    interpolate_at_zero,
    lagrange_weights,
    recover,
    share,
)
from edgemark.errors import RefusedInput

X = FIELD.pack([7, 2**128, Q - 1])


@given(secret=vectors(3), threshold=st.integers(0, 4), extra=st.integers(1, 4), seed=st.integers())
def test_any_t_plus_one_shares__recover_the_secret(
    secret: bytes, threshold: int, extra: int, seed: int
) -> None:
    points = list(range(1, threshold + extra + 1))
    coefficients = seeded(seed).elements(3 * threshold)
    shares = dict(zip(points, share(secret, threshold, points, coefficients), strict=True))
    for some in combinations(points, threshold + 1):
        assert recover(some, [shares[j] for j in some], threshold) == secret
    assert recover(points, list(shares.values()), threshold) == secret


def test_share__is_the_formula(arithmetic: Arithmetic) -> None:
    # v(u) = x + r_1 u + r_2 u^2
    r = FIELD.pack([1, 2, 3, 4, 5, 6])
    shares = share(X, 2, [1, 2, 250], r, arithmetic)
    for u, packed in zip([1, 2, 250], shares, strict=True):
        assert FIELD.unpack(packed) == [
            (x + a * u + b * u * u) % Q
            for x, a, b in zip(FIELD.unpack(X), [1, 2, 3], [4, 5, 6], strict=True)
        ]


@given(vectors(4), st.integers(0, Q - 1))
def test_lagrange_weights__at_any_element__interpolate(coefficients: bytes, at: int) -> None:
    a = FIELD.unpack(coefficients)

    def p(u: int) -> int:
        return sum(c * u**i for i, c in enumerate(a)) % Q

    points = [1, 5, 6, 254]
    weights = lagrange_weights(points, at, Q)
    assert sum(w * p(j) for w, j in zip(weights, points, strict=True)) % Q == p(at)


@pytest.mark.parametrize("points", [[0, 1, 2], [1, 2, 1], [1, Q, 2], [-1, 1, 2], [], range(1, 257)])
def test_share__points_that_are_zero_equal_or_outside__is_refused(points: list[int]) -> None:
    with pytest.raises(RefusedInput):
        share(X, 1, points, FIELD.pack([1, 2, 3]))


@pytest.mark.parametrize("points", [[0, 1], [1, 2, 1], [1, Q], []])
def test_lagrange_weights__of_points_that_nobody_has__is_refused(points: list[int]) -> None:
    with pytest.raises(RefusedInput):
        lagrange_weights(points, 5, Q)


@pytest.mark.parametrize("point", [-1, 0, 11, 12])
def test_check_points__of_zero_or_outside__names_the_point(point: int) -> None:
    with pytest.raises(RefusedInput, match="is not a share index"):
        check_points([1, 10, point], 11)


def test_check_points__takes_every_other_element_once() -> None:
    check_points(range(1, 11), 11)
    check_points(range(1, 256), Q)
    with pytest.raises(RefusedInput, match="number of points"):
        check_points(range(1, 257), Q)
    with pytest.raises(RefusedInput, match="stands twice"):
        check_points([1, 10, 1], 11)


@pytest.mark.parametrize("threshold", [-1, 3, 4])
def test_share__threshold_that_the_points_do_not_bear__is_refused(threshold: int) -> None:
    with pytest.raises(RefusedInput):
        share(X, threshold, [1, 2, 3], FIELD.pack([1] * 3 * max(threshold, 0)))


@pytest.mark.parametrize("count", [0, 3, 5, 7])
def test_share__another_number_of_coefficients__is_refused(count: int) -> None:
    with pytest.raises(WrongLength):
        share(X, 2, [1, 2, 3], FIELD.pack([1] * count))


def test_recover__too_few_shares__is_refused() -> None:
    with pytest.raises(RefusedInput):
        recover([1, 2], [X, X], 2)


def test_recover__shares_of_different_lengths__is_refused() -> None:
    with pytest.raises(WrongLength):
        recover([1, 2], [X, X + X], 1)


@pytest.mark.parametrize("values", [[X, X + X], [X + X, X], [X, X, X + X]])
def test_check_values__measures_all_by_the_first(values: list[bytes]) -> None:
    with pytest.raises(WrongLength) as caught:
        check_values(range(1, len(values) + 1), values)
    assert f"value at {len(values)}" in str(caught.value)


def test_recover__share_that_is_no_element__is_refused() -> None:
    with pytest.raises(NotAnElement):
        recover([1, 2], [X, b"\xff" * len(X)], 1)


def test_recover__one_changed_share_too_many__is_seen() -> None:
    shares = share(X, 1, [1, 2, 3], FIELD.pack([4, 5, 6]))
    shares[2] = FIELD.add(shares[2], FIELD.pack([0, 0, 1]))
    with pytest.raises(InconsistentShares) as caught:
        recover([1, 2, 3], shares, 1)
    assert caught.value.who == "share 3"


def test_recover__threshold_below_zero__is_refused() -> None:
    with pytest.raises(RefusedInput, match="too few shares"):
        recover([1, 2], [X, X], -1)


# of the last two the elements would do, if they were not counted for each point
@pytest.mark.parametrize("values", [[X], [X, X, X], [X + X, b""], [b"", X + X]])
def test_interpolate__vectors_that_do_not_fit_the_points__is_refused(values: list[bytes]) -> None:
    with pytest.raises(RefusedInput):
        interpolate_at_zero([1, 2], values)


@pytest.mark.parametrize(("q", "threshold"), [(7, 1), (7, 2), (11, 1), (11, 2)])
def test_small_field__every_sharing__is_recovered_from_every_subset(q: int, threshold: int) -> None:
    field = PlainArithmetic(q)
    points = list(range(1, threshold + 3))
    for number in range(q ** (threshold + 1)):
        x, *r = [number // q**i % q for i in range(threshold + 1)]
        shares = share(field.pack([x]), threshold, points, field.pack(r), field)
        for some in combinations(points, threshold + 1):
            values = [shares[j - 1] for j in some]
            assert recover(some, values, threshold, field) == field.pack([x])
