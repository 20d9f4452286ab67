"""Which floats the rows are that a model was trained on, and so is asked about.

numpy keeps the smaller floats of rows through whatever works in place, such as a scaler, even where
all fitted numbers are float64. A plan that knew nothing of it would state a bound that is a
thousand million times too small. So:

- small fitted numbers are of small rows;
- some estimators' own floats are those of the rows: where these are float64, so were the rows;
- a support vector is a row: one that is no float32 is of rows that are none;
- where nothing tells, float32 is reckoned with: its bound is wider and holds for both.

Rows of float16 are refused: what they lose is more than answers are worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

from edgemark.errors import RefusedInput
from edgemark.models.estimators.kernels import MACHINES
from edgemark.models.estimators.parts import Arrays, name_of
from edgemark.models.traced import Precision

# fitted numbers that have had the floats of the rows in every release since 1.5
TELLING = {
    "LinearRegression": "coef_",
    "Ridge": "coef_",
    "Lasso": "coef_",
    "ElasticNet": "coef_",
    "MinMaxScaler": "scale_",
    "MaxAbsScaler": "scale_",
    "PCA": "components_",
    "KernelRidge": "X_fit_",
}
HALF_BITS = 10  # of a float16, after the first
LEAST_GUARD, MOST_GUARD = 8, 12  # bits by which the least numbers of a column are below its size
WHOLE = 2.0**-50  # relative: as far as a mean times its count can be from the sum


def find_row_type(models: Sequence[Any], arrays: Sequence[Arrays], told: str | None) -> Precision:
    """The floats of the rows.

    Args:
        models: the estimators, in order.
        arrays: what their numbers were, each.
        told: by the user; None to find them.

    Raises:
        RefusedInput: they are, or may be, float16; or what is told is no type of rows.
    """
    if told is not None:
        types = {precision.value: precision for precision in Precision}
        if str(told) not in types:
            raise RefusedInput(
                "is no type of rows", who="row_type", had=told, needed=" or ".join(types)
            )
        return types[str(told)]
    for model, noted in zip(models, arrays, strict=True):
        if "float16" in noted.types:
            _refuse_half(model, "was")
    if any(noted.has_small for noted in arrays):
        return Precision.SINGLE
    for model in models:
        if _looks_like_half(model):
            _refuse_half(model, "looks as if it was")
    return Precision.DOUBLE if any(map(_is_double, models)) else Precision.SINGLE


def _is_double(model: Any) -> bool:
    """Whether a model can only have been trained on float64."""
    name = name_of(model)
    if name in MACHINES:
        vectors = model.support_vectors_
        return bool((vectors.astype("float32") != vectors).any())
    if name not in TELLING or getattr(model, "positive", False):
        return False  # what solves for positive numbers has float64 whatever it is given
    return str(getattr(model, TELLING[name]).dtype) == "float64"


def _refuse_half(model: Any, words: str) -> NoReturn:
    raise RefusedInput(
        f"{words} trained on rows of float16",
        who=f"estimator {type(model).__name__}",
        needed="float64 or float32",
        remedy="Train it on larger floats. If it was, say so: row_type='float64'.",
    )


def _looks_like_half(model: Any) -> bool:
    """Whether support vectors, or a scaler's sums, are such as only those of float16 are.

    A scaler's means are float64 whatever the rows were: only where the bits of the sums end shows
    it. Sums of whole numbers end there too, and are taken for what they mostly are.
    """
    name = name_of(model)
    if name in MACHINES:
        vectors = model.support_vectors_
        is_whole = bool((vectors == vectors.round()).all())
        return not is_whole and bool((vectors.astype("float16") == vectors).all())
    if name != "StandardScaler" or model.mean_ is None or model.scale_ is None:
        return False
    columns = list(zip(model.mean_.tolist(), model.scale_.tolist(), strict=True))
    seen = model.n_samples_seen_
    counts = seen.tolist() if hasattr(seen, "tolist") else seen
    counts = counts if isinstance(counts, list) else [counts] * len(columns)
    sums = [mean * count for (mean, _), count in zip(columns, counts, strict=True)]
    if all(_is_whole(total, 1.0) for total in sums):
        return False
    guard = min(MOST_GUARD, max(LEAST_GUARD, math.ceil(math.log2(max(2, *counts))) + 1))
    return all(
        _is_whole(total, 2.0 ** (math.floor(math.log2(max(abs(mean), scale))) - HALF_BITS - guard))
        for total, (mean, scale) in zip(sums, columns, strict=True)
    )


def _is_whole(total: float, step: float) -> bool:
    """Whether a sum is a multiple of `step`, as far as it was kept."""
    steps = total / step
    return abs(steps - round(steps)) <= max(abs(steps), 1.0) * WHOLE
