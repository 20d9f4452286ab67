"""The device's check: liars named exactly, honest nodes never, results right or refused."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.sharing.job_of_nodes import (
    WIDTH,
    SharedJob,
    evaluate_at,
    make_job,
    vanishing_at,
)

from edgemark.crypto.field.field import FIELD, NotAnElement, Q, WrongLength
from edgemark.crypto.sharing.reed_solomon import Undecided
from edgemark.crypto.sharing.verification import (
    Answer,
    CheckingKey,
    Decoded,
    SharingParameters,
    check_answers,
)
from edgemark.errors import RefusedInput

PARAMETERS = [
    SharingParameters(6, 1, 2, 1),
    SharingParameters(4, 1, 2, 0),
    SharingParameters(8, 1, 2, 1),
    SharingParameters(9, 2, 2, 1),
    SharingParameters(11, 2, 2, 2),
    SharingParameters(16, 3, 2, 3),
]
KINDS = ["random", "one component", "inconsistent", "checks only", "another polynomial"]


@st.composite
def jobs(draw: st.DrawFn) -> SharedJob:
    return make_job(draw(st.sampled_from(PARAMETERS)), draw(st.integers(0, 2**32)))


def plant(job: SharedJob, liars: list[int], kind: str, silent: set[int]) -> None:
    """Let all liars lie in one way; "another polynomial" is one they agree on."""
    shift = job.draw.nonzero_element()
    others = [j for j in job.parameters.points if j not in {*liars, *silent}]
    steps = job.parameters.degree * job.parameters.threshold
    # a difference of degree dt that vanishes at as many honest nodes as it can
    difference = vanishing_at(others[:steps])
    for j in liars:
        match kind:
            case "random":
                job.lie(j, [job.draw.nonzero_element() for _ in range(WIDTH)])
            case "one component":
                job.lie(j, [0] * (j % WIDTH) + [shift] + [0] * (WIDTH - 1 - j % WIDTH))
            case "inconsistent":
                job.lie(j, [shift] * WIDTH, consistent=False)
            case "checks only":
                answer = job.answers[j]
                job.answers[j] = Answer(answer.values, FIELD.add(answer.checks, answer.values))
            case _:
                offset = shift * evaluate_at(difference, j) % Q
                job.lie(j, [offset] * WIDTH)


@given(job=jobs(), kind=st.sampled_from(KINDS), data=st.data())
def test_up_to_e_minus_silent_liars__are_named_exactly(
    job: SharedJob, kind: str, data: st.DataObject
) -> None:
    points = list(job.parameters.points)
    order = data.draw(st.permutations(points))
    silent_count = data.draw(st.integers(0, job.parameters.errors))
    liar_count = data.draw(st.integers(0, job.parameters.errors - silent_count))
    silent, liars = set(order[:silent_count]), order[silent_count : silent_count + liar_count]
    plant(job, liars, kind, silent)
    decoded = job.check(silent)
    assert decoded.liars == set(liars)
    assert decoded.result == job.truth


@given(job=jobs(), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), data=st.data())
def test_up_to_t_plus_e_liars__result_is_right_or_refused_and_no_honest_node_is_named(
    job: SharedJob, kinds: list[str], data: st.DataObject
) -> None:
    m, t, e = job.parameters.node_count, job.parameters.threshold, job.parameters.errors
    order = data.draw(st.permutations(list(range(1, m + 1))))
    silent_count = data.draw(st.integers(0, e))
    liar_count = data.draw(st.integers(0, min(t + e, m - silent_count)))
    silent, liars = set(order[:silent_count]), order[silent_count : silent_count + liar_count]
    for number, kind in enumerate(kinds):
        plant(job, liars[number :: len(kinds)], kind, silent)
    try:
        decoded = job.check(silent)
    except Undecided:
        assert liar_count + silent_count > e
        return
    assert decoded.liars <= set(liars)
    assert decoded.result == job.truth


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_more_than_e_silent__is_undecided(parameters: SharingParameters) -> None:
    job = make_job(parameters, "silent")
    for silent in combinations(parameters.points, parameters.errors + 1):
        with pytest.raises(Undecided):
            job.check(set(silent))


@pytest.mark.parametrize("parameters", [one for one in PARAMETERS if one.errors > 1])
def test_silent_and_false_together_more_than_e__is_undecided(parameters: SharingParameters) -> None:
    # Of those whose checks alone are false the values decode: only the count tells.
    job = make_job(parameters, "together")
    for silent_count in range(1, parameters.errors):
        liars = list(range(1, parameters.errors - silent_count + 2))
        silent = set(list(parameters.points)[-silent_count:])
        plant(job, liars, "checks only", silent)
        with pytest.raises(Undecided, match="too many answers are false"):
            job.check(silent)
        job = make_job(parameters, silent_count)


def test_psi_that_does_not_fit_alpha__is_undecided() -> None:
    job = make_job(PARAMETERS[0], "alpha")
    job.key = CheckingKey(job.key.alpha % (Q - 1) + 1, job.key.weights)
    with pytest.raises(Undecided) as caught:
        job.check()
    assert "psi(0)" in caught.value.what


def test_answers_checked_with_the_key_of_another_attempt__are_undecided() -> None:
    job, other = make_job(PARAMETERS[0], "one"), make_job(PARAMETERS[0], "two")
    job.key = other.key
    with pytest.raises(Undecided):
        job.check()


def test_secrets__do_not_print() -> None:
    job = make_job(PARAMETERS[0], "print")
    decoded = job.check()
    shown = repr((job.key, job.answers, decoded))
    secrets = [job.key.alpha, *job.key.weights.values(), *FIELD.unpack(decoded.result)]
    assert not any(str(number) in shown or f"{number:x}" in shown for number in secrets)
    assert "liars" in repr(decoded)
    assert repr(Answer(values=b"values of a node", checks=b"checks of a node")) == "Answer()"


def test_key_with_alpha_zero__is_refused() -> None:
    with pytest.raises(RefusedInput):
        CheckingKey.from_coefficients(0, FIELD.pack([1]), [1, 2, 3])


@pytest.mark.parametrize("points", [[0, 1, 2], [1, 2, 1], [1, Q], []])
def test_key_at_points_that_nobody_has__is_refused(points: list[int]) -> None:
    with pytest.raises(RefusedInput):  # w(0) is alpha itself
        CheckingKey.from_coefficients(5, FIELD.pack([1]), points)


@pytest.mark.parametrize(
    "numbers",
    [(5, 1, 2, 1), (6, 0, 2, 0), (6, 1, 2, 2), (6, 1, 0, 1), (256, 1, 2, 1), (6, 1, 2, -1)],
)
def test_parameters_out_of_range__are_refused(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(RefusedInput) as caught:
        SharingParameters(*numbers)
    assert caught.value.had is not None
    assert caught.value.needed is not None


@pytest.mark.parametrize("numbers", [(5, 1, 1, 1), (255, 1, 1, 1), (255, 126, 1, 1)])
def test_parameters_at_their_bounds__are_taken(numbers: tuple[int, int, int, int]) -> None:
    parameters = SharingParameters(*numbers)
    assert list(parameters.points) == list(range(1, numbers[0] + 1))


def check_one(job: SharedJob, j: int, answer: Answer) -> Decoded:
    challenge = job.draw.elements(WIDTH)
    return check_answers(job.parameters, {**job.answers, j: answer}, job.key, challenge)


def test_answer_that_should_have_been_left_out__is_refused_by_its_index() -> None:
    job = make_job(PARAMETERS[0], "shape")
    good = job.answers[3]
    cases = [
        (3, Answer(good.values[17:], good.checks), WrongLength, "answer 3, values"),
        (3, Answer(good.values, good.checks + bytes(17)), WrongLength, "answer 3, checks"),
        (3, Answer(b"\xff" * len(good.values), good.checks), NotAnElement, "answer 3, values"),
        (0, good, RefusedInput, "answer"),
        (7, good, RefusedInput, "answer"),
    ]
    for j, answer, kind, who in cases:
        with pytest.raises(kind) as caught:
            check_one(job, j, answer)
        assert caught.value.who == who


def test_key_that_lacks_a_point__is_refused() -> None:
    job = make_job(PARAMETERS[0], "point")
    job.key = CheckingKey(job.key.alpha, {j: job.key.weights[j] for j in range(1, 6)})
    with pytest.raises(RefusedInput) as caught:
        job.check()
    assert caught.value.who == "checking key"
