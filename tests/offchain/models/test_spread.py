"""Models far from zero: right when their ranges are declared, refused when they say nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from tests.offchain.models.plain_models import find_excess, run_in_field

from edgemark.errors import RefusedInput
from edgemark.models.compiling import compile_model
from edgemark.models.description import description_from_json, description_to_json
from edgemark.models.estimators.reading import describe_estimator
from edgemark.models.exact import ExactPolynomial
from edgemark.models.plan import plan_from_json, plan_to_json
from edgemark.models.signature import Signature
from edgemark.models.spread import SaysNothing, check_spread
from edgemark.untrusted.checksum import take_checksum

RANDOM = np.random.default_rng(9)
MOMENTS = 1.7e9 + RANDOM.uniform(0, 3e7, size=(80, 1))  # a year in Unix seconds
WAVES = 18 * np.sin((MOMENTS[:, 0] - 1.7e9) / 5e6)
RANGE = [(1.7e9, 1.731e9)]


def cubic() -> object:
    return make_pipeline(StandardScaler(), PolynomialFeatures(3), Ridge(alpha=1e-3))


def test_moments_by_their_range__are_answered_and_by_their_magnitude_refused() -> None:
    model = cubic().fit(MOMENTS, WAVES)  # type: ignore[attr-defined]
    description = describe_estimator(model, RANGE)
    assert description_from_json(description_to_json(description), "m") == description
    compiled = compile_model(description.trace())
    assert find_excess(compiled, MOMENTS.tolist(), model.predict(MOMENTS)) <= 0
    assert compiled.plan.error_bounds[0] < 1e-5
    assert plan_from_json(plan_to_json(compiled.plan, "f"), "p") == (compiled.plan, "f")
    with pytest.raises(
        SaysNothing, match=r"a bound of .* within .*\(least, largest\).* x_0 mostly from 169"
    ):
        compile_model(describe_estimator(model, 1.8e9).trace())


def test_powers_of_what_was_not_standardised__are_right_about_the_middle_of_their_range() -> None:
    model = make_pipeline(PolynomialFeatures(3), LinearRegression()).fit(MOMENTS, WAVES)
    compiled = compile_model(describe_estimator(model, RANGE).trace())
    assert find_excess(compiled, MOMENTS.tolist(), model.predict(MOMENTS)) <= 0


def test_degree_at_which_each_number_has_six_bits__is_refused() -> None:
    rows = RANDOM.normal(25.0, 4.0, size=(90, 1))
    model = make_pipeline(StandardScaler(), PolynomialFeatures(20), Ridge()).fit(rows, rows[:, 0])
    with pytest.raises(SaysNothing, match="take a lower degree"):
        compile_model(describe_estimator(model, float(rows.max())).trace())


def test_classifier_that_would_be_sure_of_nothing__is_refused() -> None:
    labels = MOMENTS[:, 0] > np.median(MOMENTS)
    model = make_pipeline(StandardScaler(), PolynomialFeatures(5), LogisticRegression())
    model.fit(MOMENTS, labels)
    with pytest.raises(SaysNothing, match="no label would be sure"):
        compile_model(describe_estimator(model, 1.8e9).trace())
    compiled = compile_model(describe_estimator(model, RANGE, row_type="float64").trace())
    answers = run_in_field(compiled, MOMENTS.tolist())
    assert [a.label for a in answers if a.is_sure] == [
        said for a, said in zip(answers, model.predict(MOMENTS), strict=True) if a.is_sure
    ]
    assert sum(answer.is_sure for answer in answers) > 70


def test_output_that_hardly_changes_beside_large_ones__is_no_reason_to_refuse() -> None:
    rows = RANDOM.normal(size=(30, 2))
    targets = np.stack([1e6 * rows[:, 0], np.full(30, 5.0), rows[:, 1]], axis=1)
    model = LinearRegression().fit(rows, targets)
    compiled = compile_model(describe_estimator(model, 4.0).trace())
    assert find_excess(compiled, rows.tolist(), model.predict(rows)) <= 0


@pytest.mark.parametrize("level", [0.0, 1e6, 1.7e9])
def test_level_of_an_output__does_not_make_up_for_a_bound_as_wide_as_it_spreads(
    level: float,
) -> None:
    """As of prices, years and moments: what tells one answer from another is what counts."""
    signature = Signature(("x",), is_named=True, bounds=(1.0,), outputs=("y",))
    output = ExactPolynomial({(0,): 1}, 2).plus(level)
    check_spread("m", signature, [output], [0.1])
    with pytest.raises(SaysNothing):
        check_spread("m", signature, [output], [0.9])
    constant = ExactPolynomial.constant(level + 1)
    check_spread("m", signature, [constant], [1e-7])


def test_value_outside_a_range__is_refused_with_the_range_and_without_the_value() -> None:
    model = cubic().fit(MOMENTS, WAVES)  # type: ignore[attr-defined]
    plan = compile_model(describe_estimator(model, RANGE).trace()).plan
    plan.encode([[1.7e9], [1.731e9]])
    for value in (1.6999e9, 1.7311e9, -1.7e9):
        with pytest.raises(RefusedInput, match=r"row 1, column x_0: .*needed 1700000000.0\.\.1731"):
            plan.encode([[value]])
    for value in (float("nan"), float("inf")):
        with pytest.raises(RefusedInput):
            plan.encode([[value]])


def test_model_file_without_centres__still_opens() -> None:
    model = LinearRegression().fit(np.eye(2), [1.0, 2.0])
    raw = description_to_json(describe_estimator(model, 3.0))
    assert "centres" not in json.loads(raw)
    value = take_checksum(json.loads(raw), "m", RefusedInput)
    value["centres"] = [1.0]
    with pytest.raises(RefusedInput, match="wrong number of centres"):
        description_from_json(json.dumps(value).encode(), "m")


BOUNDS = {
    "a number of numpy": (np.float32(1), (1.0, 1.0), ()),
    "an array of one number": (np.array(2), (2.0, 2.0), ()),
    "an array": (np.array([1, 2]), (1.0, 2.0), ()),
    "a range beside a magnitude": ([(2, 6), 4], (2.0, 4.0), (4.0, 0.0)),
    "a range around zero": ([(-3, 3), 4], (3.0, 4.0), ()),
    "an array of ranges": (np.array([[0.0, 1.0], [10.0, 30.0]]), (0.5, 10.0), (0.5, 20.0)),
    "one value": ([(7, 7), 1], (0.0, 1.0), (7.0, 0.0)),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_of_any_library__are_taken(name: str) -> None:
    given, bounds, centres = BOUNDS[name]
    model = LinearRegression().fit([[0, 1], [1, 3], [2, 2]], [1.0, 2.0, 4.0])
    signature = describe_estimator(model, given).signature
    assert signature.bounds == pytest.approx(bounds, abs=1e-12)
    assert all(had >= wanted for had, wanted in zip(signature.bounds, bounds, strict=True))
    assert signature.centres == centres


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("auto", "wrong number of bounds; had auto; needed one number, or one for each of "),
        (None, "wrong number of bounds; had none; .*largest magnitude"),
        ([1.0], "had 1; needed one number, or one for each of 2 inputs"),
        ([(1, 2, 3), 1], "is no bound"),
        ([(2, 1), 1], r"needed the largest magnitude, or \(least, largest\)"),
        ([(0, float("inf")), 1], "is no bound"),
        (["a", 1], "is no bound"),
        ([float("nan"), 1], "is no bound"),
        (-1, "is no bound"),
    ],
)
def test_bounds_that_are_none__are_refused(given: object, words: str) -> None:
    model = LinearRegression().fit([[0, 1], [1, 3], [2, 2]], [1.0, 2.0, 4.0])
    with pytest.raises(RefusedInput, match=words):
        describe_estimator(model, given)  # type: ignore[arg-type]
