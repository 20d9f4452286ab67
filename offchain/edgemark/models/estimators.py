"""From a fitted scikit-learn model to steps of plain numbers.

Only models whose prediction is a polynomial of small degree are taken, each by its exact class: a
subclass may predict something else. scikit-learn itself is not imported, the fitted attributes say
everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.models.description import ModelDescription
from edgemark.models.signature import (
    Decision,
    Label,
    Signature,
    name_outputs,
    number_names,
)
from edgemark.models.steps import (
    Kernel,
    Linear,
    Monomials,
    Numbers,
    Rescale,
    Standardise,
    Step,
    pair_weights,
)
from edgemark.models.traced import Precision

REGRESSORS = (
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "LassoCV",
    "ElasticNet",
    "ElasticNetCV",
    "LinearSVR",
)
CLASSIFIERS = (
    "LogisticRegression",
    "LogisticRegressionCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "LinearSVC",
)
SVMS = ("SVC", "NuSVC", "SVR", "NuSVR")
SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "PolynomialFeatures")
TAKEN = (*REGRESSORS, *CLASSIFIERS, *SVMS, "KernelRidge")


class NotAPolynomial(RefusedInput):
    """A model, or a part of one, whose prediction is no polynomial of its inputs."""


class NotFitted(RefusedInput):
    """A model that was not trained yet."""


def describe_estimator(
    model: Any,
    input_bounds: float | Sequence[float],
    input_names: Sequence[str] | None = None,
) -> ModelDescription:
    """Read a fitted model.

    Args:
        model: a regressor or classifier of `TAKEN`, or a Pipeline of `SCALERS` that ends in one.
        input_bounds: the largest magnitude of each input that will be asked; one number for all.
        input_names: of the inputs, where the model was trained without names.

    Raises:
        NotAPolynomial: an estimator, kernel or option that is no polynomial, by name.
        NotFitted: a fitted attribute is missing.
        RefusedInput: bounds of another length, or a number out of range.
    """
    parts = _parts_of(model)
    arrays = _Arrays()
    last = parts[-1]
    steps = [_read_part(part, arrays, is_last=part is last) for part in parts]
    inputs = int(_fitted(parts[0], "n_features_in_"))
    names = getattr(parts[0], "feature_names_in_", input_names)
    decision, labels = _decision_of(last)
    final = steps[-1]
    count = len(final.weights) if isinstance(final, Linear | Kernel) else 0
    bounds = [input_bounds] * inputs if isinstance(input_bounds, int | float) else input_bounds
    signature = Signature(
        inputs=number_names("x", inputs) if names is None else tuple(str(name) for name in names),
        is_named=names is not None,
        bounds=tuple(float(bound) for bound in bounds),
        outputs=name_outputs(decision, labels, count),
        decision=decision,
        labels=labels,
    )
    return ModelDescription(
        source=" > ".join(type(part).__name__ for part in parts),
        precision=arrays.precision,
        signature=signature,
        steps=tuple(steps),
    )


def _parts_of(model: Any) -> list[Any]:
    """The estimators of a pipeline, or the one."""
    if _name_of(model) != "Pipeline":
        return [model]
    parts = [part for _, part in model.steps if part is not None and part != "passthrough"]
    if not parts:
        raise NotAPolynomial("is empty", who="Pipeline", needed="a last step that predicts")
    return parts


def _name_of(model: Any) -> str:
    """The class, if it is one of scikit-learn's own; a subclass is another class."""
    kind = type(model)
    return kind.__name__ if kind.__module__.partition(".")[0] == "sklearn" else ""


def _read_part(part: Any, arrays: _Arrays, *, is_last: bool) -> Step:
    name = _name_of(part)
    reader = (_FINAL if is_last else _INNER).get(name)
    if reader is None:
        taken = TAKEN if is_last else SCALERS
        raise NotAPolynomial(
            "cannot be outsourced: its prediction is no polynomial that this release reads",
            who=f"estimator {type(part).__name__}",
            needed=", ".join(taken),
            remedy=_REMEDIES.get(type(part).__name__, ""),
        )
    return reader(part, arrays)


_REMEDIES = {
    "GridSearchCV": "Pass its best_estimator_.",
    "RandomizedSearchCV": "Pass its best_estimator_.",
    "TransformedTargetRegressor": "Pass its regressor_, and transform the answers yourself.",
}


def _fitted(part: Any, attribute: str) -> Any:
    """A fitted attribute.

    Raises:
        NotFitted: it is not there.
    """
    try:
        return getattr(part, attribute)
    except AttributeError as error:
        raise NotFitted(
            "is not fitted",
            who=f"estimator {type(part).__name__}",
            needed=attribute,
            remedy="Call fit first.",
        ) from error


class _Arrays:
    """Turns arrays into numbers, and notes the floats that they were."""

    def __init__(self) -> None:
        self.precision = Precision.DOUBLE

    def vector(self, array: Any, length: int | None = None) -> Numbers:
        """A one-dimensional array, or a number for each of `length`."""
        dtype = str(getattr(array, "dtype", "float64"))
        if dtype in {"float32", "float16"}:
            self.precision = Precision.SINGLE
        plain = array.tolist() if hasattr(array, "tolist") else array
        if isinstance(plain, int | float):
            return (float(plain),) * (length or 1)
        numbers = tuple(float(number) for number in plain)
        return numbers * length if length is not None and len(numbers) == 1 else numbers

    def matrix(self, array: Any) -> tuple[Numbers, ...]:
        """A two-dimensional array; a vector is one row."""
        if not hasattr(array, "ndim") or not hasattr(array, "tolist"):
            raise NotAPolynomial(
                "has parameters that are no plain array",
                who="estimator",
                had=type(array).__name__,
                remedy="Call densify first.",
            )
        return tuple(self.vector(row) for row in (array if array.ndim == 2 else [array]))


def _read_standard_scaler(part: Any, arrays: _Arrays) -> Step:
    count = int(_fitted(part, "n_features_in_"))
    means = part.mean_ if part.with_mean else [0.0] * count
    scales = part.scale_ if part.with_std else [1.0] * count
    return Standardise(arrays.vector(means), arrays.vector(scales))


def _read_min_max_scaler(part: Any, arrays: _Arrays) -> Step:
    _refuse_option(part, "clip", part.clip, wanted=False)
    return Rescale(arrays.vector(_fitted(part, "scale_")), arrays.vector(part.min_))


def _read_max_abs_scaler(part: Any, arrays: _Arrays) -> Step:
    scales = arrays.vector(_fitted(part, "scale_"))
    _refuse_option(part, "clip", getattr(part, "clip", False), wanted=False)
    return Standardise((0.0,) * len(scales), scales)


def _read_polynomial_features(part: Any, arrays: _Arrays) -> Step:
    del arrays  # exponents are whole numbers
    powers = _fitted(part, "powers_").tolist()
    return Monomials(
        tuple(tuple(i for i, power in enumerate(row) for _ in range(power)) for row in powers)
    )


def _read_linear(part: Any, arrays: _Arrays) -> Step:
    weights = arrays.matrix(_fitted(part, "coef_"))
    return Linear(weights, arrays.vector(part.intercept_, len(weights)))


def _read_kernel_ridge(part: Any, arrays: _Arrays) -> Step:
    vectors = arrays.matrix(_fitted(part, "X_fit_"))
    duals = part.dual_coef_
    weights = arrays.matrix(duals.T if duals.ndim == 2 else duals)
    gamma = 1.0 / part.n_features_in_ if part.gamma is None else part.gamma
    return _kernel(part, vectors, gamma, weights, (0.0,) * len(weights))


def _read_svm(part: Any, arrays: _Arrays) -> Step:
    vectors = arrays.matrix(_fitted(part, "support_vectors_"))
    weights = arrays.matrix(part.dual_coef_)
    offsets = arrays.vector(part.intercept_, 1)
    if type(part).__name__ in {"SVC", "NuSVC"}:
        weights = pair_weights(weights, [int(count) for count in part.n_support_])
    return _kernel(part, vectors, part._gamma, weights, offsets)


def _kernel(
    part: Any,
    vectors: tuple[Numbers, ...],
    gamma: float,
    weights: tuple[Numbers, ...],
    offsets: Numbers,
) -> Step:
    """A polynomial kernel; a linear one is its degree 1."""
    match part.kernel:
        case "linear":
            return Kernel(vectors, 1.0, 0.0, 1, weights, offsets)
        case "poly" | "polynomial" if int(part.degree) == part.degree:
            scale, offset = float(gamma), float(part.coef0)
            return Kernel(vectors, scale, offset, int(part.degree), weights, offsets)
        case other:
            raise NotAPolynomial(
                "kernel is no polynomial",
                who=f"estimator {type(part).__name__}",
                had=f"kernel {other!r}, degree {part.degree}",
                needed="kernel 'poly' of a whole degree, or 'linear'",
            )


def _refuse_option(part: Any, name: str, had: object, *, wanted: object) -> None:
    if had != wanted:
        raise NotAPolynomial(
            "option makes it no polynomial",
            who=f"estimator {type(part).__name__}",
            had=f"{name}={had}",
            needed=f"{name}={wanted}",
        )


def _decision_of(last: Any) -> tuple[Decision, tuple[Label, ...]]:
    name = type(last).__name__
    if name not in {*CLASSIFIERS, "SVC", "NuSVC"}:
        return Decision.VALUES, ()
    classes = _fitted(last, "classes_")
    if not hasattr(classes, "tolist"):
        raise NotAPolynomial("has several targets", who=f"estimator {name}", needed="one target")
    labels: tuple[Label, ...] = tuple(classes.tolist())
    if len(labels) == 2:
        return Decision.SIGN, labels
    if name in {"SVC", "NuSVC"}:
        _refuse_option(last, "break_ties", last.break_ties, wanted=False)
        return Decision.PAIRWISE, labels
    return Decision.LARGEST, labels


_INNER: dict[str, Callable[[Any, _Arrays], Step]] = {
    "StandardScaler": _read_standard_scaler,
    "MinMaxScaler": _read_min_max_scaler,
    "MaxAbsScaler": _read_max_abs_scaler,
    "PolynomialFeatures": _read_polynomial_features,
}
_FINAL: dict[str, Callable[[Any, _Arrays], Step]] = {
    **dict.fromkeys((*REGRESSORS, *CLASSIFIERS), _read_linear),
    **dict.fromkeys(SVMS, _read_svm),
    "KernelRidge": _read_kernel_ridge,
}
