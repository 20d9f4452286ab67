"""scikit-learn models, fitted on real data: what comes out of the field is what they say."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeRegressor
from tests.offchain.models.plain_models import compile_fitted, find_excess, run_in_field

from edgemark.errors import RefusedInput
from edgemark.models.compiling import CompiledModel
from edgemark.models.estimators.parts import NotAPolynomial, NotFitted
from edgemark.models.estimators.reading import describe_estimator
from edgemark.models.exact import ModelTooLarge
from edgemark.models.files import read_compiled, save_model, write_compiled
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


def compile_for(model: Any, inputs: Any) -> CompiledModel:
    """With the largest magnitudes of these inputs for bounds."""
    return compile_fitted(model, np.abs(inputs).max(axis=0).tolist())


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressor__answers_as_scikit_learn_within_the_bound(name: str) -> None:
    inputs, target = DIABETES.data, DIABETES.target
    model = REGRESSORS[name].fit(inputs[HELD_OUT:], target[HELD_OUT:])
    compiled = compile_for(model, inputs)
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
    compiled = compile_for(model, inputs)
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
        compiled = compile_for(model, inputs)
        assert compiled.plan.signature.outputs == ("prediction_0", "prediction_1")
        assert find_excess(compiled, inputs[60:70].tolist(), model.predict(inputs[60:70])) <= 0


def test_model_fitted_on_float32__is_compared_in_float32() -> None:
    inputs = DIABETES.data.to_numpy(dtype="float32")
    model = Ridge().fit(inputs, DIABETES.target.to_numpy(dtype="float32"))
    compiled = compile_for(model, inputs)
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


SEVERAL_LABELS = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]] * 6)


@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        RidgeClassifier(),
        RidgeClassifierCV(),
        OneVsRestClassifier(RidgeClassifier()),
        MLPClassifier(hidden_layer_sizes=(2,), activation="identity", max_iter=2),
    ],
)
def test_classifier_that_says_several_labels__is_refused_by_name(model: Any, columns: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(WINE.data[:24], SEVERAL_LABELS[:, :columns])
    with pytest.raises(NotAPolynomial, match=f"{type(model).__name__}: has several targets"):
        describe_estimator(model, 2000.0)


def test_classifier_of_one_column_of_labels__says_one_label() -> None:
    model = RidgeClassifier().fit(WINE.data[TWO], WINE.target[TWO].to_numpy().reshape(-1, 1))
    assert describe_estimator(model, 2000.0).signature.decision is Decision.SIGN


def test_labels_that_no_file_can_hold__are_refused() -> None:
    days = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[D]")
    model = RidgeClassifier().fit(WINE.data[:60:2], [0, 1] * 15)
    model.classes_ = days
    with pytest.raises(NotAPolynomial, match="has other labels; had 2 of type date"):
        describe_estimator(model, 2000.0)


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


def test_names_that_do_not_fit__are_refused_as_names() -> None:
    plain, named = Ridge().fit(*(np.asarray(a) for a in FIT_ME)), Ridge().fit(*FIT_ME)
    names = tuple(DIABETES.data.columns)
    assert describe_estimator(plain, 1.0, list(names)).signature.inputs == names
    assert describe_estimator(named, 1.0, names).signature.inputs == names
    for wrong in (["a", "b"], "abcdefghij"):
        with pytest.raises(RefusedInput, match=r"input_names: has another number .* needed 10"):
            describe_estimator(plain, 1.0, wrong)
    with pytest.raises(RefusedInput, match="input_names: differ from those"):
        describe_estimator(named, 1.0, [f"c{i}" for i in range(10)])


def test_degree_above_that_of_any_function__is_refused_when_it_is_saved() -> None:
    column = DIABETES.data[["bmi"]][:40]
    for model in (
        make_pipeline(StandardScaler(), PolynomialFeatures(21), Ridge()),
        make_pipeline(StandardScaler(), PolynomialFeatures(7), SVR(kernel="poly", degree=3)),
    ):
        model.fit(column, FIT_ME[1])
        with pytest.raises(ModelTooLarge, match=r"raises the degree too far; had 21; needed <= 20"):
            describe_estimator(model, 50.0)


WAYS_OUT = {
    "by ONNX": (make_pipeline(PowerTransformer(), Ridge()), "Export it by skl2onnx"),
    "of its own": (RANSACRegressor(), "Pass its estimator_"),
    "none": (DecisionTreeRegressor(), "LinearRegression, Ridge,"),
    "imputer with marks": (
        make_pipeline(SimpleImputer(missing_values=-1), Ridge()),
        "needed missing_values=nan",
    ),
    "imputer with an indicator": (
        make_pipeline(SimpleImputer(add_indicator=True), Ridge()),
        "needed add_indicator=False",
    ),
    "another one within": (OneVsRestClassifier(GaussianNB()), "had GaussianNB; needed Logistic"),
    "a network that bends": (MLPRegressor(max_iter=2), "had activation=relu; needed"),
}


@pytest.mark.parametrize("name", WAYS_OUT)
def test_refusal__names_the_way_out_where_there_is_one(name: str) -> None:
    model, words = WAYS_OUT[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(*FIT_ME)
    with pytest.raises(NotAPolynomial) as caught:
        describe_estimator(model, 1000.0)
    assert words in str(caught.value)
    assert ("skl2onnx" in str(caught.value)) == (name == "by ONNX")


def test_columns_once_for_each_class__may_be_more_than_any_model_has_inputs(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(2)
    labels = np.arange(32) % 8
    rows = random.normal(size=(32, 260)) + labels[:, None]
    path = save_model(GaussianNB().fit(rows, labels), tmp_path / "wide.model.json", 20.0)
    answers = run_in_field(read_compiled(path), rows.tolist())
    assert [answer.label for answer in answers] == labels.tolist()


def test_number_that_is_not_finite__is_refused_when_it_is_saved(tmp_path: Path) -> None:
    model = Ridge().fit(*FIT_ME)
    model.coef_[3] = np.inf
    with pytest.raises(RefusedInput, match="Ridge: holds a number that is not finite"):
        save_model(model, tmp_path / "m.model.json", 1000.0)


@pytest.mark.parametrize("name", ["m.pkl", "m.JOBLIB", "m.npz", "m.pt"])
def test_name_that_would_be_refused_unread__is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedInput, match=f"{name}: is no name of a model file"):
        save_model(Ridge().fit(*FIT_ME), tmp_path / name, 1000.0)
    assert not list(tmp_path.iterdir())


def test_folder_that_is_not_there__is_refused_with_what_to_do(tmp_path: Path) -> None:
    model = Ridge().fit(*FIT_ME)
    path = tmp_path / "nowhere" / "m.model.json"
    for save in (
        lambda: save_model(model, path, 1000.0),
        lambda: write_compiled(compile_for(model, FIT_ME[0]), path),
    ):
        with pytest.raises(RefusedInput, match=r"nowhere: folder is not there\. Make it first"):
            save()
    with pytest.raises(RefusedInput, match="cannot be written"):
        save_model(model, tmp_path, 1000.0)


def test_anything_else__is_refused_by_its_class() -> None:
    for thing in (None, 3, "model.pkl", object()):
        with pytest.raises(NotAPolynomial, match=type(thing).__name__):
            describe_estimator(thing, 1.0)
