"""Threats A24 (withheld or false answers) and A25 (collusion, evaluation points, degrees).

Each planted version is what the paper, or a first thought, does; the test shows that it frames
honest nodes or gives the secret away, and that the library does not.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.sharing.job_of_nodes import (
    WIDTH,
    SharedJob,
    column,
    evaluate_at,
    make_job,
    vanishing_at,
)

from edgemark.crypto.field.field import FIELD, PrimeField, Q
from edgemark.crypto.field.plain import PlainArithmetic
from edgemark.crypto.field.randomness import SeededRandomness
from edgemark.crypto.sharing.reed_solomon import Undecided, decode, find_errors
from edgemark.crypto.sharing.shamir import InconsistentShares, interpolate_at_zero, recover, share
from edgemark.crypto.sharing.verification import Answer, SharingParameters
from edgemark.errors import RefusedInput

SMALL = SharingParameters(6, 1, 2, 1)
LARGE = SharingParameters(9, 2, 2, 1)


def decode_column(word: dict[int, int], degree: int, radius: int) -> frozenset[int]:
    """The planted decoder's verdict on one column: whom it names."""
    found = find_errors(FIELD, list(word), list(word.values()), degree)
    return found if found is not None and len(found) <= radius else frozenset()


# --- A24 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [SMALL, LARGE, SharingParameters(11, 2, 2, 2)])
def test_a24_every_subset_of_at_most_e_absent__gives_the_result(
    parameters: SharingParameters,
) -> None:
    job = make_job(parameters, "liveness")
    for count in range(parameters.errors + 1):
        for silent in combinations(parameters.points, count):
            decoded = job.check(set(silent))
            assert (decoded.result, decoded.liars) == (job.truth, frozenset())


def test_a24_planted_paper__needs_all_answers_and_falls_to_one_liar() -> None:
    # m = (d+1)t + 1 nodes, psi interpolated from all of them: no index to spare
    job = make_job(SMALL, "paper")
    needed = range(1, 5)
    values = [job.answers[j].values for j in needed]
    checks = [job.answers[j].checks for j in needed]
    phi = interpolate_at_zero(needed, values)
    assert interpolate_at_zero(needed, checks) == FIELD.scale(phi, job.key.alpha)
    phi, psi = (interpolate_at_zero([1, 2, 3], each[:3]) for each in (values, checks))
    assert psi != FIELD.scale(phi, job.key.alpha)  # one absent
    job.lie(2, [1] * WIDTH)
    values, checks = ([getattr(job.answers[j], n) for j in needed] for n in ("values", "checks"))
    phi, psi = (interpolate_at_zero(needed, each) for each in (values, checks))
    assert psi != FIELD.scale(phi, job.key.alpha)  # one liar, and nobody can be named
    assert job.check().liars == {2}
    assert job.check().result == job.truth


def two_liars_frame_by_checks(job: SharedJob, liars: tuple[int, int], framed: int) -> None:
    """Shift b at two liars by a word of psi's code that is zero everywhere but there and at one."""
    others = [j for j in job.parameters.points if j not in (*liars, framed)]
    difference = vanishing_at(others)  # degree 3 = (d+1)t
    for j in liars:
        offset = evaluate_at(difference, j)
        checks = FIELD.add(job.answers[j].checks, FIELD.pack([offset] * WIDTH))
        inverse = FIELD.inverse(job.key.weights[j])
        job.answers[j] = Answer(FIELD.scale(checks, inverse), checks)


@pytest.mark.parametrize("liars", list(combinations(range(1, 7), 2)))
def test_a24_planted_decoder_of_b__two_liars_frame_any_honest_node(liars: tuple[int, int]) -> None:
    for framed in set(SMALL.points) - set(liars):
        job = make_job(SMALL, (liars, framed))
        two_liars_frame_by_checks(job, liars, framed)
        psi = {j: column(job.answers[j].checks, 0) for j in SMALL.points}
        assert decode_column(psi, degree=3, radius=1) == {framed}
        with pytest.raises(Undecided):
            job.check()


def frame_by_values(job: SharedJob, present: list[int], liars: list[int], at: int) -> None:
    """Move column `at` of the liars to another word of phi's code that honest nodes share."""
    steps = job.parameters.degree * job.parameters.threshold
    honest = [j for j in present if j not in liars]
    difference = vanishing_at(honest[:steps])
    for j in liars:
        offsets = [0] * WIDTH
        offsets[at] = evaluate_at(difference, j)
        job.lie(j, offsets)


def test_a24_planted_radius_e_with_a_silent_node__frames_an_honest_node() -> None:
    for silent in SMALL.points:
        present = [j for j in SMALL.points if j != silent]
        for liars in combinations(present, 2):
            job = make_job(SMALL, (silent, liars))
            frame_by_values(job, present, list(liars), 0)
            phi = {j: column(job.answers[j].values, 0) for j in present}
            named = decode_column(phi, degree=2, radius=1)  # e, not e - s
            assert len(named) == 1
            assert not named & set(liars)
            with pytest.raises(Undecided):
                job.check({silent})


@given(st.permutations(list(LARGE.points)), st.integers(0, 1000))
def test_a24_planted_component_by_component__frames_honest_nodes(
    order: list[int], seed: int
) -> None:
    # each column alone decoded as far as its code [9, 5] goes, radius 2, and the names collected
    job = make_job(LARGE, seed)
    liars = order[:3]  # t + e
    frame_by_values(job, list(LARGE.points), liars, 1)
    named: set[int] = set()
    for at in range(WIDTH):
        phi = {j: column(job.answers[j].values, at) for j in LARGE.points}
        named |= decode_column(phi, degree=4, radius=2)
    assert len(named) == 2
    assert not named & set(liars)
    with pytest.raises(Undecided):
        job.check()


def test_a24_planted_component_by_component__names_more_than_e() -> None:
    job = make_job(SMALL, "spread")
    job.lie(2, [5, 0, 0, 0])
    job.lie(4, [0, 0, 0, 5])
    named: set[int] = set()
    for at in range(WIDTH):
        phi = {j: column(job.answers[j].values, at) for j in SMALL.points}
        named |= decode_column(phi, degree=2, radius=1)
    assert named == {2, 4}  # e = 1: a job may charge one
    with pytest.raises(Undecided):
        job.check()


# --- A25 -----------------------------------------------------------------------------------------


def views(q: int, points: list[int], x: int, threshold: int) -> Counter[tuple[bytes, ...]]:
    """What the holders of `points` see together, over all choices of the coefficients."""
    field = PlainArithmetic(q)
    seen: Counter[tuple[bytes, ...]] = Counter()
    for r in product(range(q), repeat=threshold):
        seen[tuple(field.share(field.pack([x]), field.pack(r), points))] += 1
    return seen


@pytest.mark.parametrize(("q", "threshold"), [(7, 1), (7, 2), (7, 3), (11, 1), (11, 2)])
def test_a25_t_shares__look_the_same_for_every_secret(q: int, threshold: int) -> None:
    for points in combinations(range(1, q), threshold):
        first = views(q, list(points), 0, threshold)
        assert set(first.values()) == {1}  # every view once: uniform
        assert all(views(q, list(points), x, threshold) == first for x in range(1, q))


@pytest.mark.parametrize(("q", "threshold"), [(7, 1), (7, 2), (11, 1)])
def test_a25_t_plus_one_shares__are_the_secret(q: int, threshold: int) -> None:
    field = PlainArithmetic(q)
    for points in combinations(range(1, q), threshold + 1):
        for x in range(q):
            for view in views(q, list(points), x, threshold):
                assert recover(points, view, threshold, field) == field.pack([x])


def test_a25_planted_coefficients_without_zero__one_share_rules_a_secret_out() -> None:
    # r uniform in 1..q-1 looks as good; then share j is never the secret itself
    field = PlainArithmetic(7)
    for x in range(7):
        seen = {field.share(field.pack([x]), field.pack([r]), [1])[0] for r in range(1, 7)}
        assert field.pack([x]) not in seen


def chi_square(x: int, draw: SeededRandomness, *, planted: bool) -> float:
    field, q, rounds = PlainArithmetic(11), 11, 11_000
    counts = [0] * q
    for _ in range(rounds):
        r = draw.nonzero_element() if planted else draw.element()
        (packed,) = field.share(field.pack([x]), field.pack([r]), [3])
        counts[field.unpack(packed)[0]] += 1
    expected = rounds / q
    return sum((count - expected) ** 2 / expected for count in counts)


@pytest.mark.parametrize("x", [0, 5, 10])
def test_a25_one_share_of_many_sharings__is_uniform(x: int) -> None:
    limit = 29.59  # 10 degrees of freedom, p = 0.001
    draw = SeededRandomness(bytes([x]), for_tests_only=True, over=PrimeField(11))
    assert chi_square(x, draw, planted=False) < limit
    assert chi_square(x, draw, planted=True) > limit


def test_a25_point_zero__is_the_secret_in_the_paper_and_refused_here() -> None:
    x, r = FIELD.pack([42]), FIELD.pack([7])
    assert FIELD.share(x, r, [0]) == [x]  # the formula alone hands the secret out
    for points in ([0, 1], [1, Q], [1, -Q]):
        with pytest.raises(RefusedInput):
            share(x, 1, points, r)


def test_a25_equal_points__are_refused() -> None:
    # two holders of one point: t + 1 shares that do not recover
    with pytest.raises(RefusedInput):
        share(FIELD.pack([42]), 1, [1, 2, 1], FIELD.pack([7]))
    with pytest.raises(RefusedInput):
        share(FIELD.pack([42]), 1, [1, Q + 1], FIELD.pack([7]))
    with pytest.raises(RefusedInput):
        recover([2, 2], [FIELD.pack([1])] * 2, 1)


def test_a25_coefficients_used_again__give_the_difference_away() -> None:
    r, points = FIELD.pack([123_456]), [1, 2]
    first = share(FIELD.pack([10]), 1, points, r)
    second = share(FIELD.pack([17]), 1, points, r)
    assert FIELD.subtract(second[0], first[0]) == FIELD.pack([7])
    draw = SeededRandomness(b"fresh", for_tests_only=True)
    fresh = [share(FIELD.pack([x]), 1, points, draw.elements(1))[0] for x in (10, 17)]
    assert FIELD.subtract(fresh[1], fresh[0]) != FIELD.pack([7])


def test_a25_tampered_extra_point__is_seen_by_its_degree() -> None:
    job = make_job(SMALL, "extra")
    points = [1, 2, 3, 4]  # dt + 1 = 3 would do; the fourth must fit
    values = [job.answers[j].values for j in points]
    challenge = job.draw.elements(WIDTH)
    assert decode(points, values, 2, 0, challenge).at_zero == job.truth
    values[3] = FIELD.add(values[3], FIELD.pack([0, 0, 1, 0]))
    assert interpolate_at_zero(points, values) != job.truth  # interpolation takes it in
    with pytest.raises(Undecided):
        decode(points, values, 2, 0, challenge)
    with pytest.raises(InconsistentShares):
        recover(points, values, 2)
