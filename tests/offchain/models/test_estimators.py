"""scikit-learn models, fitted on real data: what comes out of the field is what they say."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    RidgeCV,
)
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeRegressor
from tests.offchain.models.plain_models import find_excess, run_in_field

from edgemark.errors import RefusedInput
from edgemark.models.compiling import CompiledModel, compile_model
from edgemark.models.description import (
    description_from_json,
    description_to_json,
)
from edgemark.models.estimators import (
    NotAPolynomial,
    NotFitted,
    describe_estimator,
)
from edgemark.models.signature import Decision

HELD_OUT = 25
WINE = load_wine(as_frame=True)
DIABETES = load_diabetes(as_frame=True, scaled=False)
TWO = WINE.target != 2

REGRESSORS = {
    "linear": LinearRegression(),
    "ridge": Ridge(alpha=2.0, fit_intercept=False),
    "ridge by cross-validation": RidgeCV(),
    "lasso": Lasso(alpha=0.1),
    "elastic net": ElasticNet(),
    "linear svr": make_pipeline(StandardScaler(), LinearSVR(random_state=1)),
    "quadratic features": make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), Ridge(alpha=200.0)
    ),
    "cubic interactions": make_pipeline(
        MinMaxScaler(), PolynomialFeatures(3, interaction_only=True), Ridge(alpha=1.0)
    ),
    "without means": make_pipeline(StandardScaler(with_mean=False), LinearRegression()),
    "without scales": make_pipeline(StandardScaler(with_std=False), "passthrough", Lasso()),
    "quadratic kernel": make_pipeline(StandardScaler(), KernelRidge(kernel="poly", degree=2)),
    "cubic svr": make_pipeline(MaxAbsScaler(), SVR(kernel="poly", degree=3, coef0=0.5)),
    "linear kernel": make_pipeline(StandardScaler(), SVR(kernel="linear")),
}
CLASSIFIERS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "ridge": RidgeClassifier(),
    "linear svc": make_pipeline(StandardScaler(), LinearSVC(random_state=1)),
    "quadratic svc": make_pipeline(
        MinMaxScaler(), SVC(kernel="poly", degree=2, coef0=1.0, decision_function_shape="ovo")
    ),
    "linear kernel svc": make_pipeline(
        StandardScaler(), SVC(kernel="linear", decision_function_shape="ovo")
    ),
}


def compile_fitted(model: Any, inputs: Any) -> CompiledModel:
    """By way of the file, as a user does."""
    description = describe_estimator(model, np.abs(inputs).max(axis=0).tolist())
    again = description_from_json(description_to_json(description), "model.json")
    assert again == description
    return compile_model(again.trace())


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressor__answers_as_scikit_learn_within_the_bound(name: str) -> None:
    inputs, target = DIABETES.data, DIABETES.target
    model = REGRESSORS[name].fit(inputs[HELD_OUT:], target[HELD_OUT:])
    compiled = compile_fitted(model, inputs)
    assert compiled.plan.signature.outputs == ("prediction",)
    assert compiled.plan.signature.inputs == tuple(inputs.columns)
    rows = inputs[:HELD_OUT].to_numpy().tolist()
    assert find_excess(compiled, rows, model.predict(inputs[:HELD_OUT])) <= 0
    assert max(compiled.plan.error_bounds) < 0.05  # of 25 to 346


@pytest.mark.parametrize("two", [False, True], ids=["three classes", "two classes"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier__scores_and_labels_as_scikit_learn(name: str, two: bool) -> None:
    inputs = WINE.data[TWO] if two else WINE.data
    names = np.array(["barolo", "grignolino", "barbera"])
    labels = names[WINE.target[TWO] if two else WINE.target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = CLASSIFIERS[name].fit(inputs[::2], labels[::2])
    compiled = compile_fitted(model, inputs)
    held = inputs[1::2]
    rows = held.to_numpy().tolist()
    assert find_excess(compiled, rows, model.decision_function(held)) <= 0
    answers = run_in_field(compiled, rows)
    assert [answer.label for answer in answers] == model.predict(held).tolist()
    assert all(answer.is_sure for answer in answers)
    is_svm = "svc" in name and name != "linear svc"
    expected = Decision.PAIRWISE if is_svm else Decision.LARGEST
    assert compiled.plan.signature.decision is (Decision.SIGN if two else expected)


def test_regressor_of_several_targets__has_as_many_outputs() -> None:
    inputs = DIABETES.data.to_numpy()
    targets = np.stack([DIABETES.target, inputs[:, 2] ** 2], axis=1)
    for model in (LinearRegression(), KernelRidge(kernel="poly", degree=2, gamma=1e-4)):
        model.fit(inputs[:60], targets[:60])
        compiled = compile_fitted(model, inputs)
        assert compiled.plan.signature.outputs == ("prediction_0", "prediction_1")
        assert find_excess(compiled, inputs[60:70].tolist(), model.predict(inputs[60:70])) <= 0


def test_model_fitted_on_float32__is_compared_in_float32() -> None:
    inputs = DIABETES.data.to_numpy(dtype="float32")
    model = Ridge().fit(inputs, DIABETES.target.to_numpy(dtype="float32"))
    compiled = compile_fitted(model, inputs)
    assert compiled.plan.precision.value == "float32"
    assert (
        find_excess(compiled, inputs[:20].astype(float).tolist(), model.predict(inputs[:20])) <= 0
    )


def test_model_fitted_without_names__matches_columns_by_position() -> None:
    model = LinearRegression().fit(DIABETES.data.to_numpy(), DIABETES.target)
    signature = describe_estimator(model, 400.0).signature
    assert not signature.is_named
    assert signature.inputs[:2] == ("x_0", "x_1")
    assert signature.bounds == (400.0,) * 10


FIT_ME = (DIABETES.data[:40], DIABETES.target[:40] > 120)
REFUSED = {
    "DecisionTreeRegressor": DecisionTreeRegressor(),
    "RandomForestClassifier": RandomForestClassifier(n_estimators=2),
    "KNeighborsClassifier": KNeighborsClassifier(),
    "MLPRegressor": MLPRegressor(hidden_layer_sizes=(2,), max_iter=2),
    "TransformedTargetRegressor": TransformedTargetRegressor(LinearRegression()),
    "GridSearchCV": GridSearchCV(Ridge(), {"alpha": [1.0]}),
    "QuantileTransformer": make_pipeline(QuantileTransformer(n_quantiles=5), Ridge()),
    "StandardScaler": StandardScaler(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_estimator_that_is_no_polynomial__is_refused_by_name(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = REFUSED[name].fit(*FIT_ME)
    with pytest.raises(NotAPolynomial) as caught:
        describe_estimator(model, 1000.0)
    assert caught.value.who == f"estimator {name}"
    if name == "GridSearchCV":
        assert "best_estimator_" in str(caught.value)


OPTIONS = {
    "had kernel 'rbf'": SVR(kernel="rbf"),
    "had kernel 'sigmoid'": SVC(kernel="sigmoid"),
    "had kernel 'laplacian'": KernelRidge(kernel="laplacian"),
    "degree 2.5": KernelRidge(kernel="poly", degree=2.5),
    "clip=True": make_pipeline(MinMaxScaler(clip=True), Ridge()),
}


@pytest.mark.parametrize("words", OPTIONS)
def test_option_that_makes_it_no_polynomial__is_refused_by_name(words: str) -> None:
    model = OPTIONS[words].fit(*FIT_ME)
    with pytest.raises(NotAPolynomial, match=words):
        describe_estimator(model, 1000.0)


def test_ties_broken_by_confidence__are_refused() -> None:
    model = SVC(kernel="linear", break_ties=True, decision_function_shape="ovr")
    model.fit(WINE.data[::3], WINE.target[::3])
    with pytest.raises(NotAPolynomial, match="break_ties=True"):
        describe_estimator(model, 2000.0)


class Generous(Ridge):
    """A subclass may predict anything."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        return super().predict(X) + 1


def test_subclass__is_refused() -> None:
    with pytest.raises(NotAPolynomial, match="Generous"):
        describe_estimator(Generous().fit(*FIT_ME), 1000.0)


@pytest.mark.parametrize("model", [Ridge(), make_pipeline(StandardScaler(), SVC(kernel="linear"))])
def test_model_that_is_not_fitted__is_refused(model: Any) -> None:
    with pytest.raises(NotFitted, match="Call fit first"):
        describe_estimator(model, 1.0)


@pytest.mark.parametrize("bounds", [[1.0] * 9, [1.0] * 11, [-1.0] * 10, [float("nan")] * 10])
def test_bounds_that_do_not_fit__are_refused(bounds: list[float]) -> None:
    model = Ridge().fit(*FIT_ME)
    with pytest.raises(RefusedInput, match="bound"):
        describe_estimator(model, bounds)


def test_anything_else__is_refused_by_its_class() -> None:
    for thing in (None, 3, "model.pkl", object()):
        with pytest.raises(NotAPolynomial, match=type(thing).__name__):
            describe_estimator(thing, 1.0)
