"""The floats of the rows: found in what was fitted, told, or reckoned with at their least."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from tests.offchain.models.plain_models import find_excess, run_in_field

from edgemark.errors import RefusedInput
from edgemark.models.compiling import compile_model
from edgemark.models.description import description_from_json, description_to_json
from edgemark.models.estimators.reading import describe_estimator
from edgemark.models.traced import Precision

RANDOM = np.random.default_rng(3)
ROWS = np.round(RANDOM.normal(size=(60, 3)) * [3.0, 40.0, 0.5] + [50.0, 120.0, 4.0], 2)
NUMBERS = ROWS[:, 0] / 3 + ROWS[:, 1] / 40 + ROWS[:, 2]
LABELS = np.array(["no", "yes"])[(np.median(NUMBERS) < NUMBERS).astype(int)]
BOUNDS = np.stack([ROWS.min(axis=0) - 1, ROWS.max(axis=0) + 1], axis=1).tolist()
IN_PLACE: dict[str, Callable[[], Any]] = {
    "support vectors": lambda: make_pipeline(StandardScaler(), SVR(kernel="linear")),
    "linear support vectors": lambda: make_pipeline(StandardScaler(), LinearSVR(random_state=1)),
    "squares": lambda: make_pipeline(
        MinMaxScaler(), PolynomialFeatures(2), SVR(kernel="poly", degree=2)
    ),
    "squares first": lambda: make_pipeline(PolynomialFeatures(2), LinearSVR(random_state=1)),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_float32_that_a_scaler_keeps__is_in_the_bound_though_every_number_is_float64(
    name: str,
) -> None:
    rows = ROWS.astype("float32")
    model = IN_PLACE[name]().fit(rows, NUMBERS)
    description = describe_estimator(model, BOUNDS)
    assert description.precision is Precision.SINGLE
    assert description_from_json(description_to_json(description), "m") == description
    compiled = compile_model(description.trace())
    assert find_excess(compiled, rows.astype(float).tolist(), model.predict(rows)) <= 0


@pytest.mark.parametrize("last", [SVC(kernel="linear"), LinearSVC(random_state=1)])
def test_label_beside_the_border_of_float32_rows__is_never_sure_and_wrong(last: Any) -> None:
    rows = ROWS.astype("float32")
    model = make_pipeline(StandardScaler(), last).fit(rows, LABELS)
    compiled = compile_model(describe_estimator(model, BOUNDS).trace())
    low, high = rows[LABELS == "no"][0], rows[LABELS == "yes"][0]
    between = np.linspace(low, high, 4000).astype("float32")
    edge = int(np.flatnonzero(model.predict(between) != "no")[0])
    near = np.linspace(between[edge - 1], between[edge], 400).astype("float32")
    answers = run_in_field(compiled, near.astype(float).tolist())
    plain = model.predict(near).tolist()
    assert all(a.label == said for a, said in zip(answers, plain, strict=True) if a.is_sure)
    assert not all(answer.is_sure for answer in answers)


def test_rows_of_float64__are_known_by_what_only_they_can_have_left() -> None:
    telling = {
        "own floats": make_pipeline(StandardScaler(), Ridge()),
        "support vectors": make_pipeline(StandardScaler(), SVR(kernel="linear")),
        "a scaler's": make_pipeline(MaxAbsScaler(), LinearSVR(random_state=1)),
    }
    for model in telling.values():
        description = describe_estimator(model.fit(ROWS, NUMBERS), BOUNDS)
        assert description.precision is Precision.DOUBLE
    for model in (
        make_pipeline(StandardScaler(), LinearSVR(random_state=1)),
        make_pipeline(StandardScaler(), LinearRegression(positive=True)),
    ):
        assert describe_estimator(model.fit(ROWS, NUMBERS), BOUNDS).precision is Precision.SINGLE


def test_rows_of_float64_that_are_told__have_a_smaller_bound() -> None:
    model = make_pipeline(StandardScaler(), LinearSVR(random_state=1)).fit(ROWS, NUMBERS)
    bounds = [
        compile_model(describe_estimator(model, BOUNDS, None, told).trace()).plan.error_bounds[0]
        for told in (None, "float32", "float64")
    ]
    assert bounds[0] == bounds[1] > 1e5 * bounds[2]
    for told in ("float16", "int64", "double"):
        with pytest.raises(RefusedInput, match=r"row_type: is no type of rows.*float32 or float64"):
            describe_estimator(model, BOUNDS, None, told)


HALVES: dict[str, Any] = {
    "own floats": LinearRegression(),
    "a scaler's": make_pipeline(MinMaxScaler(), LinearSVR(random_state=1)),
    "kernel": KernelRidge(),
    "support vectors": make_pipeline(StandardScaler(), SVR(kernel="linear")),
    "sums of a scaler": make_pipeline(StandardScaler(), LinearSVR(random_state=1)),
    "sums of a scaler before own floats": make_pipeline(StandardScaler(), Ridge()),
}


@pytest.mark.parametrize("name", HALVES)
def test_rows_of_float16__are_refused_with_the_way_out(name: str) -> None:
    rows = ROWS.astype("float16")
    model = HALVES[name].fit(rows, NUMBERS)
    with pytest.raises(RefusedInput, match=r"trained on rows of float16.*row_type='float64'"):
        describe_estimator(model, BOUNDS)


def test_whole_numbers_and_float32__are_not_taken_for_float16() -> None:
    for rows in (np.round(ROWS), ROWS, ROWS.astype("float32"), np.round(ROWS).astype(int)):
        for last in (LinearSVR(random_state=1), SVR(kernel="linear")):
            model = make_pipeline(StandardScaler(), last).fit(rows, NUMBERS)
            compile_model(describe_estimator(model, BOUNDS).trace())
