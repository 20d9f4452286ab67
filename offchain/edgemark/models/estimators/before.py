"""Estimators that stand before the last one of a Pipeline.

| what                                         | gives                                      |
|----------------------------------------------|--------------------------------------------|
| StandardScaler, RobustScaler, MaxAbsScaler   | (x - centre) / scale                       |
| MinMaxScaler                                 | x * scale + min                            |
| PolynomialFeatures                           | products                                   |
| PCA                                          | projections, divided by a scale if whitened |
| SelectKBest and its like, VarianceThreshold  | some of the columns                        |
| SimpleImputer                                | x: a row with nothing missing stays        |
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from edgemark.models.estimators.parts import (
    Arrays,
    Layer,
    NotAPolynomial,
    Part,
    fitted,
    refuse_option,
)
from edgemark.models.steps import Linear, Monomials, Numbers, Rescale, Standardise

SELECTORS = (
    "SelectKBest",
    "SelectPercentile",
    "SelectFpr",
    "SelectFdr",
    "SelectFwe",
    "SelectFromModel",
    "VarianceThreshold",
    "RFE",
    "RFECV",
    "SequentialFeatureSelector",
)


def _in_place(*steps: Standardise | Rescale | Monomials) -> Part:
    return Part(tuple(Layer(step, keeps=True) for step in steps))


def _read_standard_scaler(part: Any, arrays: Arrays) -> Part:
    count = int(fitted(part, "n_features_in_"))
    means = part.mean_ if part.with_mean else [0.0] * count
    scales = part.scale_ if part.with_std else [1.0] * count
    return _in_place(Standardise(arrays.vector(means), arrays.vector(scales)))


def _read_robust_scaler(part: Any, arrays: Arrays) -> Part:
    count = int(fitted(part, "n_features_in_"))
    centres = part.center_ if part.with_centering else [0.0] * count
    scales = part.scale_ if part.with_scaling else [1.0] * count
    return _in_place(Standardise(arrays.vector(centres), arrays.vector(scales)))


def _read_min_max_scaler(part: Any, arrays: Arrays) -> Part:
    refuse_option(part, "clip", part.clip, wanted=False)
    return _in_place(Rescale(arrays.vector(fitted(part, "scale_")), arrays.vector(part.min_)))


def _read_max_abs_scaler(part: Any, arrays: Arrays) -> Part:
    scales = arrays.vector(fitted(part, "scale_"))
    refuse_option(part, "clip", getattr(part, "clip", False), wanted=False)
    return _in_place(Standardise((0.0,) * len(scales), scales))


def _read_polynomial_features(part: Any, arrays: Arrays) -> Part:
    del arrays  # exponents are whole numbers
    powers = fitted(part, "powers_").tolist()
    return _in_place(
        Monomials(
            tuple(tuple(i for i, power in enumerate(row) for _ in range(power)) for row in powers)
        )
    )


def _read_selector(part: Any, arrays: Arrays) -> Part:
    del arrays  # what it was chosen by does not matter any more
    fitted(part, "n_features_in_")
    columns = part.get_support(indices=True).tolist()
    return _in_place(Monomials(tuple((int(column),) for column in columns)))


def _read_imputer(part: Any, arrays: Arrays) -> Part:
    """Rows with something missing are refused before they are asked, so nothing is replaced."""
    marks = part.missing_values
    if not (isinstance(marks, float) and math.isnan(marks)):
        refuse_option(part, "missing_values", marks, wanted="nan")
    refuse_option(part, "add_indicator", part.add_indicator, wanted=False)
    if any(math.isnan(number) for number in arrays.vector(fitted(part, "statistics_"))):
        raise NotAPolynomial(
            "leaves out a column that was empty in training",
            who=f"estimator {type(part).__name__}",
            remedy="Leave the column out before training.",
        )
    arrays.types.clear()  # what would be put in says nothing about the rows
    return Part(())


def _read_pca(part: Any, arrays: Arrays) -> Part:
    """X W - m W, with the second product rounded like the first: as one product over x and 1."""
    weights = arrays.matrix(fitted(part, "components_"))
    means = arrays.vector(part.mean_)
    count = len(means)
    wide = Monomials(tuple((i,) for i in range(count)) + ((),) * count)
    rows = tuple(row + tuple(-w * m for w, m in zip(row, means, strict=True)) for row in weights)
    layers = [Layer(wide, keeps=True), Layer(Linear(rows, (0.0,) * len(rows)))]
    if part.whiten:
        layers.append(Layer(Standardise((0.0,) * len(rows), _deviations(part, arrays))))
    return Part(tuple(layers))


def _deviations(part: Any, arrays: Arrays) -> Numbers:
    """Roots of the variances; those near nothing are replaced, as scikit-learn does."""
    variances = arrays.vector(part.explained_variance_)
    least = 2.0**-23 if "float32" in arrays.types else 2.0**-52
    return tuple(max(math.sqrt(max(variance, 0.0)), least) for variance in variances)


READERS: dict[str, Callable[[Any, Arrays], Part]] = {
    "StandardScaler": _read_standard_scaler,
    "RobustScaler": _read_robust_scaler,
    "MinMaxScaler": _read_min_max_scaler,
    "MaxAbsScaler": _read_max_abs_scaler,
    "PolynomialFeatures": _read_polynomial_features,
    "PCA": _read_pca,
    "SimpleImputer": _read_imputer,
    **dict.fromkeys(SELECTORS, _read_selector),
}
