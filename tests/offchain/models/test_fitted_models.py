"""Every class that is taken, trained on small tables of every kind: never beyond the stated bound.

Tables of two or three labels, of one number or several, float64 and float32, named and not, far
from zero and around it, of large columns beside small ones; labels are texts or numbers.
Classifiers are asked about rows on both sides of their borders, as near as floats go.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cross_decomposition import PLSCanonical, PLSRegression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    HuberRegressor,
    Lars,
    Lasso,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskLasso,
    OrthogonalMatchingPursuit,
    PassiveAggressiveClassifier,
    Perceptron,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TheilSenRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR
from tests.offchain.models.plain_models import compile_fitted, find_excess, run_in_field

from edgemark.errors import RefusedInput
from edgemark.models.compiling import CompiledModel
from edgemark.models.estimators import before, reading

Make = Callable[[], Any]
IDENTITY: dict[str, Any] = {"activation": "identity", "max_iter": 30, "random_state": 1}


def scaled(*parts: Any) -> Any:
    return make_pipeline(StandardScaler(), *parts)


REGRESSORS: dict[str, Make] = {
    "LinearRegression": LinearRegression,
    "LinearRegression, positive": lambda: scaled(LinearRegression(positive=True)),
    "Ridge": lambda: scaled(PolynomialFeatures(2), Ridge()),
    "RidgeCV": RidgeCV,
    "Lasso": lambda: scaled(Lasso(alpha=0.01)),
    "ElasticNet": lambda: make_pipeline(MaxAbsScaler(), ElasticNet(alpha=0.01)),
    "Lars": Lars,
    "LassoLarsIC": lambda: scaled(LassoLarsIC()),
    "OrthogonalMatchingPursuit": OrthogonalMatchingPursuit,
    "BayesianRidge": BayesianRidge,
    "ARDRegression": lambda: scaled(ARDRegression()),
    "HuberRegressor": lambda: scaled(HuberRegressor()),
    "TheilSenRegressor": lambda: TheilSenRegressor(max_subpopulation=20, random_state=1),
    "QuantileRegressor": lambda: scaled(QuantileRegressor(alpha=0.01)),
    "SGDRegressor": lambda: scaled(SGDRegressor(random_state=1)),
    "LinearSVR": lambda: scaled(LinearSVR(random_state=1)),
    "SVR": lambda: scaled(SVR(kernel="poly", degree=2, coef0=1.0)),
    "NuSVR": lambda: make_pipeline(MinMaxScaler(), NuSVR(kernel="linear")),
    "KernelRidge": lambda: scaled(KernelRidge(kernel="poly", degree=2)),
    "PLSRegression": PLSRegression,
    "PLSCanonical": lambda: PLSCanonical(1),
    "MLPRegressor": lambda: scaled(MLPRegressor(hidden_layer_sizes=(3, 2), **IDENTITY)),
    "RobustScaler": lambda: make_pipeline(RobustScaler(), PolynomialFeatures(2), Ridge()),
    "PCA": lambda: make_pipeline(PCA(2), PolynomialFeatures(2), Ridge()),
    "PCA, whitened": lambda: scaled(PCA(2, whiten=True), LinearSVR(random_state=1)),
    "SelectKBest": lambda: make_pipeline(SelectKBest(k=2), LinearSVR(random_state=1)),
    "SelectFromModel": lambda: scaled(SelectFromModel(Ridge()), SVR(kernel="linear")),
    "VarianceThreshold": lambda: make_pipeline(VarianceThreshold(), RFE(Ridge()), BayesianRidge()),
    "SimpleImputer": lambda: make_pipeline(SimpleImputer(), StandardScaler(), Ridge()),
    "Pipeline in a Pipeline": lambda: make_pipeline(scaled(PolynomialFeatures(2)), Ridge()),
}
SEVERAL = (
    *("LinearRegression", "Ridge", "RidgeCV", "PLSRegression", "KernelRidge", "MLPRegressor"),
    "MultiTaskLasso",
)
CLASSIFIERS: dict[str, Make] = {
    "LogisticRegression": lambda: scaled(LogisticRegression()),
    "LogisticRegressionCV": lambda: scaled(
        LogisticRegressionCV(Cs=1, cv=2, l1_ratios=(0,), use_legacy_attributes=False)
    ),
    "RidgeClassifier": RidgeClassifier,
    "RidgeClassifierCV": lambda: scaled(RidgeClassifierCV()),
    "SGDClassifier": lambda: scaled(SGDClassifier(random_state=1)),
    "Perceptron": lambda: scaled(Perceptron(random_state=1)),
    "PassiveAggressiveClassifier": lambda: scaled(PassiveAggressiveClassifier(random_state=1)),
    "LinearSVC": lambda: scaled(LinearSVC(random_state=1)),
    "LinearDiscriminantAnalysis": LinearDiscriminantAnalysis,
    "QuadraticDiscriminantAnalysis": lambda: scaled(QuadraticDiscriminantAnalysis(reg_param=0.1)),
    "GaussianNB": GaussianNB,
    "GaussianNB, scaled": lambda: scaled(GaussianNB()),
    "MultinomialNB": lambda: make_pipeline(MinMaxScaler(), MultinomialNB()),
    "ComplementNB": lambda: make_pipeline(MinMaxScaler(), ComplementNB()),
    "SVC": lambda: scaled(SVC(kernel="poly", degree=2, coef0=1.0)),
    "NuSVC": lambda: scaled(NuSVC(kernel="linear", nu=0.1)),
    "MLPClassifier": lambda: scaled(MLPClassifier(hidden_layer_sizes=(3,), **IDENTITY)),
    "OneVsRestClassifier": lambda: scaled(OneVsRestClassifier(LogisticRegression())),
    "OneVsRestClassifier, kernels": lambda: scaled(
        OneVsRestClassifier(SVC(kernel="poly", degree=2, coef0=1.0))
    ),
}
few = settings(max_examples=max(3, settings().max_examples // 13))


@dataclass(frozen=True)
class Table:
    """Rows to train on, and what they say."""

    rows: Any
    numbers: Any
    labels: Any

    @property
    def ranges(self) -> list[tuple[float, float]]:
        lows, highs = self.array.min(axis=0), self.array.max(axis=0)
        return [(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]

    @property
    def array(self) -> Any:
        return np.asarray(self.rows)


@st.composite
def draw_tables(draw: st.DrawFn) -> Table:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, k = draw(st.sampled_from([18, 33])), draw(st.integers(3, 4))
    plain = random.normal(size=(count, k))
    sizes = draw(st.lists(st.sampled_from([0.01, 1.0, 300.0]), min_size=k, max_size=k))
    away = draw(st.sampled_from([0.0, 0.3, 20.0]))
    rows = ((plain + away) * sizes).astype(draw(st.sampled_from(["float64", "float32"])))
    numbers = plain[:, 0] * plain[:, 1] + plain[:, 2] + 0.1 * random.normal(size=count)
    classes = draw(st.sampled_from([2, 3]))
    whole = np.digitize(plain[:, 0] + 0.3 * random.normal(size=count), [-0.4, 0.4][: classes - 1])
    whole[: 6 * classes] = [*range(classes)] * 6  # more rows of each label than columns
    names = draw(st.sampled_from([["no", "yes", "maybe"], [7, -3, 4], [1.0, 2.0, -3.0]]))
    labels = np.array(names)[whole]
    if draw(st.booleans()):
        rows = pd.DataFrame(rows, columns=[f"column {i}" for i in range(k)])
    return Table(rows, numbers, labels)


def fit(make: Make, rows: Any, targets: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make().fit(rows, targets)


def walk_to_border(model: Any, table: Table) -> Any:
    """Rows between two of different labels, ever nearer to where the label changes."""
    rows = table.array
    labels = model.predict(table.rows)
    others = np.flatnonzero(labels != labels[0])
    if not len(others):
        return rows[:1]
    first, step = rows[0].astype(float), (rows[others[0]] - rows[0]).astype(float)
    low, high, walked = 0.0, 1.0, []
    for _ in range(12):
        shares = np.linspace(low, high, 18)
        between = (first + shares[:, None] * step).astype(rows.dtype)
        changes = np.flatnonzero(predict(model, table, between) != labels[0])
        at = max(1, int(changes[0]) if len(changes) else len(shares) - 1)
        low, high = shares[at - 1], shares[at]
        walked += [between[at - 1], between[at]]
    return np.clip(walked, rows.min(axis=0), rows.max(axis=0)).astype(rows.dtype)


def predict(model: Any, table: Table, rows: Any) -> Any:
    rows = np.asarray(rows)
    named = isinstance(table.rows, pd.DataFrame)
    return model.predict(pd.DataFrame(rows, columns=table.rows.columns) if named else rows)


def was_refused_for_a_reason(error: RefusedInput) -> bool:
    """What small tables can really not be: models of no input, or of float32 lost in noise."""
    return any(
        words in str(error)
        for words in (
            "does not depend on its inputs",
            "error bound is wider",
            "label would be sure",
        )
    )


def compile_unless_refused(model: Any, table: Table) -> CompiledModel | None:
    """The compiled model; None where it is refused, which has to be for a reason."""
    try:
        return compile_fitted(model, table.ranges)
    except RefusedInput as refused:
        assert was_refused_for_a_reason(refused)
        return None


@pytest.mark.parametrize("name", REGRESSORS)
@few
@given(table=draw_tables())
def test_regressor_of_any_table__is_never_off_by_more_than_its_bound(
    name: str, table: Table
) -> None:
    model = fit(REGRESSORS[name], table.rows, table.numbers)
    compiled = compile_unless_refused(model, table)
    if compiled is None:
        return
    assert find_excess(compiled, table.array.astype(float).tolist(), model.predict(table.rows)) <= 0


@pytest.mark.parametrize("name", SEVERAL)
@few
@given(table=draw_tables())
def test_regressor_of_several_numbers__is_never_off_by_more_than_its_bounds(
    name: str, table: Table
) -> None:
    targets = np.stack([table.numbers, 3 * table.numbers**2], axis=1)
    make = REGRESSORS.get(name, lambda: scaled(MultiTaskLasso(alpha=0.01)))
    model = fit(make, table.rows, targets)
    compiled = compile_unless_refused(model, table)
    if compiled is None:
        return
    assert find_excess(compiled, table.array.astype(float).tolist(), model.predict(table.rows)) <= 0


@pytest.mark.parametrize("name", CLASSIFIERS)
@few
@given(table=draw_tables())
def test_classifier_of_any_table__is_never_sure_of_another_label(name: str, table: Table) -> None:
    model = fit(CLASSIFIERS[name], table.rows, table.labels)
    compiled = compile_unless_refused(model, table)
    if compiled is None:
        return
    rows = np.concatenate([table.array, walk_to_border(model, table)])
    answers = run_in_field(compiled, rows.astype(float).tolist())
    plain = predict(model, table, rows).tolist()
    sure = [number for number, answer in enumerate(answers) if answer.is_sure]
    assert [answers[number].label for number in sure] == [plain[number] for number in sure]
    assert sure


EASY = np.random.default_rng(5).normal(size=(60, 4))
SLOPE = EASY[:, 0] * EASY[:, 1] + EASY[:, 2] + 2 * EASY[:, 3]


@pytest.mark.parametrize("name", [*REGRESSORS, *CLASSIFIERS])
def test_class_that_is_taken__answers_as_scikit_learn_and_is_worth_asking(name: str) -> None:
    if name in REGRESSORS:
        model = fit(REGRESSORS[name], EASY, SLOPE)
        compiled = compile_fitted(model, 5.0)
        assert find_excess(compiled, EASY.tolist(), model.predict(EASY)) <= 0
        assert max(compiled.plan.error_bounds) < 1e-4
    else:
        labels = np.digitize(SLOPE, [-1.0, 1.0])
        model = fit(CLASSIFIERS[name], EASY, labels)
        answers = run_in_field(compile_fitted(model, 5.0), EASY.tolist())
        assert [answer.label for answer in answers] == model.predict(EASY).tolist()
        assert all(answer.is_sure for answer in answers)


def test_every_class_that_is_taken__or_one_that_is_read_like_it__is_tried() -> None:
    tried = {type(REGRESSORS[name]()).__name__ for name in REGRESSORS}
    for make in (*REGRESSORS.values(), *CLASSIFIERS.values()):
        model = make()
        tried |= {type(part).__name__ for _, part in getattr(model, "steps", [])}
        tried.add(type(model).__name__)
    readers = {**before.READERS, **reading.LAST}
    assert {readers[name] for name in tried & readers.keys()} == set(readers.values())
