"""The worked examples: three models trained at the start on data that scikit-learn bundles.

| example    | data                                   | model                                    |
|------------|----------------------------------------|------------------------------------------|
| digits     | 1,797 images of 8 x 8 pixels, 0..16    | ridge classifier on quadratic features   |
| regression | 442 diabetes patients, 10 measurements | ridge regression on quadratic features   |
| csv        | 178 wines, 13 measurements             | support vectors with a quadratic kernel  |

Nothing is downloaded. All of them go the way of any user's model: `describe_estimator`, `trace`,
`compile_model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.models.compiling import CompiledModel, compile_model
from edgemark.models.estimators.reading import describe_estimator
from edgemark.models.plan import ModelPlan
from edgemark.models.signature import Decision

ROWS = 20  # of an example in one job
ROW_TYPE = "float64"  # all data are
HELD_OUT = 0.25  # part of the rows that training never sees
SPLIT_SEED = 1  # which rows those are
# Each the best of a few powers of ten by 5-fold cross-validation on the training part.
RIDGE_OF_DIGITS = 1e5
RIDGE_OF_DIABETES = 100.0


class ExampleName(Enum):
    """What `edgemark demo outsourcing --example` takes."""

    DIGITS = "digits"
    REGRESSION = "regression"
    CSV = "csv"


LEAST_QUALITY = {  # what the documents say of each
    ExampleName.DIGITS: 0.98,
    ExampleName.REGRESSION: 0.3,
    ExampleName.CSV: 0.95,
}


@dataclass(frozen=True)
class Example:
    """A trained model, compiled, and rows that training never saw.

    Attributes:
        name: which one.
        model: the plain model of scikit-learn.
        compiled: the same as a function over the field, with its plan.
        rows: held-out rows, array (count, k).
        truths: their labels or numbers.
    """

    name: ExampleName
    model: Any
    compiled: CompiledModel
    rows: Any
    truths: Any

    @property
    def plan(self) -> ModelPlan:
        """How rows enter the field and answers leave it."""
        return self.compiled.plan

    @property
    def is_classifier(self) -> bool:
        """Whether the answer is a label."""
        return self.plan.signature.decision is not Decision.VALUES

    def encode(self, rows: Any) -> bytes:
        """Rows as the packed batch of a job."""
        return self.plan.encode(rows.tolist())

    def compute_scores(self, rows: Any) -> list[list[float]]:
        """What the plain model computes in floating point, one list of n numbers a row."""
        scores = (
            self.model.decision_function(rows) if self.is_classifier else self.model.predict(rows)
        )
        listed: list[list[float]] = scores.reshape(len(rows), -1).tolist()
        return listed

    def predict(self, rows: Any) -> list[Any]:
        """The plain model's answers: labels or numbers."""
        answers: list[Any] = self.model.predict(rows).tolist()
        return answers

    def check_quality(self) -> tuple[str, bool, str, str]:
        """A check that the plain model has learned something: name, passed, seen, expected."""
        quality, least = float(self.model.score(self.rows, self.truths)), LEAST_QUALITY[self.name]
        measure = "accuracy" if self.is_classifier else "explained variance"
        name = f"plain model on held-out rows: {measure}"
        return name, quality >= least, f"{quality:.2%}", f">= {least:.0%}"


def train(name: ExampleName) -> Example:
    """Train one example on the training part of its data; a few seconds.

    Raises:
        RefusedInput: scikit-learn is not installed.
    """
    try:
        from sklearn import datasets  # noqa: PLC0415 - an extra of the demo, not of the package
        from sklearn.model_selection import train_test_split  # noqa: PLC0415
        from threadpoolctl import threadpool_limits  # noqa: PLC0415
    except ImportError as error:
        raise RefusedInput(
            "scikit-learn is missing",
            who="demo",
            needed="scikit-learn and numpy",
            remedy='Run `pip install "scikit-learn>=1.5" "numpy>=1.26"`.',
        ) from error
    match name:
        case ExampleName.DIGITS:
            data, model, names = datasets.load_digits(), _digit_classifier(), None
        case ExampleName.REGRESSION:
            data, model = datasets.load_diabetes(scaled=False), _diabetes_regression()
            names = data.feature_names
        case ExampleName.CSV:
            data, model = datasets.load_wine(), _wine_classifier()
            names = data.feature_names
    targets = data.target_names[data.target] if name is ExampleName.CSV else data.target
    known, held, known_targets, held_targets = train_test_split(
        data.data, targets, test_size=HELD_OUT, random_state=SPLIT_SEED
    )
    with threadpool_limits(limits=1):  # ten servers start meanwhile: spinning threads would wait
        model.fit(known, known_targets)
    bounds = abs(data.data).max(axis=0).tolist()
    return Example(name, model, _compile(model, bounds, names), held, held_targets)


def _compile(model: Any, bounds: Sequence[float], names: Sequence[str] | None) -> CompiledModel:
    return compile_model(describe_estimator(model, bounds, names, ROW_TYPE).trace())


def _digit_classifier() -> Any:
    from sklearn.linear_model import RidgeClassifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import PolynomialFeatures  # noqa: PLC0415

    features = PolynomialFeatures(2, include_bias=False)
    return make_pipeline(features, RidgeClassifier(alpha=RIDGE_OF_DIGITS))


def _diabetes_regression() -> Any:
    from sklearn.linear_model import Ridge  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler  # noqa: PLC0415

    features = PolynomialFeatures(2, include_bias=False)
    return make_pipeline(StandardScaler(), features, Ridge(alpha=RIDGE_OF_DIABETES))


def _wine_classifier() -> Any:
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    from sklearn.svm import SVC  # noqa: PLC0415

    kernel = SVC(kernel="poly", degree=2, coef0=1.0, decision_function_shape="ovo")
    return make_pipeline(StandardScaler(), kernel)
