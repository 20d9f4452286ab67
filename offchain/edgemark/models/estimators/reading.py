"""From a fitted scikit-learn model to steps of plain numbers.

Only models whose prediction is a polynomial of small degree are taken, each by its exact class: a
subclass may predict something else. scikit-learn itself is not imported, the fitted attributes say
everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgemark.crypto.polynomial import MAX_DEGREE
from edgemark.errors import RefusedInput
from edgemark.models.description import ModelDescription
from edgemark.models.estimators import before, densities, kernels, linear, several
from edgemark.models.estimators.parts import (
    Arrays,
    Layer,
    NotAPolynomial,
    Part,
    fitted,
    name_of,
)
from edgemark.models.estimators.row_types import find_row_type
from edgemark.models.exact import ModelTooLarge
from edgemark.models.signature import (
    Bounds,
    Signature,
    name_outputs,
    number_names,
    spread_bounds,
)
from edgemark.models.steps import Kernel, Linear, Monomials, Rescale, Standardise, Step
from edgemark.models.traced import Precision

BEFORE = before.READERS
LAST = {**linear.READERS, **kernels.READERS, **densities.READERS, **several.READERS}
NEVER = (  # of these no part is a polynomial, whatever exports them
    "Forest",
    "Tree",
    "Boosting",
    "Neighbors",
    "GaussianProcess",
    "Isolation",
    "KMeans",
    "Normalizer",
    "Quantile",
    "Hashing",
    "Binarizer",
    "Discretizer",
)
REMEDIES = {
    "GridSearchCV": "Pass its best_estimator_.",
    "RandomizedSearchCV": "Pass its best_estimator_.",
    "RANSACRegressor": "Pass its estimator_.",
    "TransformedTargetRegressor": "Pass its regressor_, and transform the answers yourself.",
}
BY_ONNX = "Export it by skl2onnx and compile the .onnx file: if it is a polynomial, it is taken."


def describe_estimator(
    model: Any,
    input_bounds: Bounds,
    input_names: Sequence[str] | None = None,
    row_type: str | None = None,
) -> ModelDescription:
    """Read a fitted model.

    Args:
        model: a regressor or classifier of `LAST`, or a Pipeline of `BEFORE` that ends in one.
        input_bounds: the largest magnitude of each input that will be asked, or its least and
            largest value; one number for all.
        input_names: of the inputs, where the model was trained without names.
        row_type: "float64" or "float32", of the rows that the plain model is asked about; found
            from what it was trained on when None.

    Raises:
        NotAPolynomial: an estimator, kernel or option that is no polynomial, by name.
        NotFitted: a fitted attribute is missing.
        ModelTooLarge: its degree is above that of any function.
        RefusedInput: bounds or names of another length, or a number out of range.
    """
    models = _models_of(model)
    arrays = [Arrays() for _ in models]
    parts = [
        _read_part(each, noted, is_last=each is models[-1])
        for each, noted in zip(models, arrays, strict=True)
    ]
    rows = find_row_type(models, arrays, row_type)
    steps, floats = _list_steps(parts, arrays, rows)
    _check_degree(models, parts)
    inputs = int(fitted(models[0], "n_features_in_"))
    names = _find_names(models[0], input_names, inputs)
    last = parts[-1]
    bounds, centres = spread_bounds(input_bounds, inputs)
    signature = Signature(
        inputs=number_names("x", inputs) if names is None else names,
        is_named=names is not None,
        bounds=bounds,
        outputs=name_outputs(last.decision, last.labels, _width_of(steps[-1])),
        decision=last.decision,
        labels=last.labels,
        centres=centres,
    )
    return ModelDescription(
        source=" > ".join(type(each).__name__ for each in models),
        precision=rows,
        signature=signature,
        steps=tuple(steps),
        floats=tuple(floats) if set(floats) - {rows} else (),
    )


def _models_of(model: Any) -> list[Any]:
    """The estimators of a pipeline, or the one."""
    if name_of(model) != "Pipeline":
        return [model]
    steps = [part for _, part in model.steps if part is not None and part != "passthrough"]
    models = [each for part in steps for each in _models_of(part)]
    if not models:
        raise NotAPolynomial("is empty", who="Pipeline", needed="a last step that predicts")
    return models


def _read_part(part: Any, arrays: Arrays, *, is_last: bool) -> Part:
    taken = LAST if is_last else BEFORE
    reader = taken.get(name_of(part))
    if reader is None:
        name = type(part).__name__
        never = not name_of(part) or any(word in name for word in NEVER)
        raise NotAPolynomial(
            "cannot be outsourced: its prediction is no polynomial that this release reads",
            who=f"estimator {name}",
            needed=", ".join(taken),
            remedy=REMEDIES.get(name, "" if never else BY_ONNX),
        )
    return reader(part, arrays)


def _list_steps(
    parts: Sequence[Part], arrays: Sequence[Arrays], rows: Precision
) -> tuple[list[Step], list[Precision]]:
    """The steps of all parts, and the floats that numpy computes each in."""
    steps, floats, now = [], [], rows
    for part, noted in zip(parts, arrays, strict=True):
        own = now if noted.has_small else Precision.DOUBLE
        for layer in part.layers:
            now = now if layer.keeps else own
            steps.append(layer.step)
            floats.append(now)
    return steps, floats


def _width_of(step: Step) -> int:
    """How many numbers a step gives."""
    match step:
        case Linear() | Kernel():
            return len(step.weights)
        case Rescale():
            return len(step.factors)
        case Standardise():
            return len(step.scales)
        case Monomials():
            return len(step.variables)


def _degree_of(layer: Layer) -> int:
    match layer.step:
        case Monomials(variables):
            return max(map(len, variables), default=0)
        case Kernel(degree=degree):
            return degree
        case _:
            return 1


def _check_degree(models: Sequence[Any], parts: Sequence[Part]) -> None:
    """Refuse now what no function can be, not when it is compiled."""
    degree = 1
    for model, part in zip(models, parts, strict=True):
        for layer in part.layers:
            degree *= _degree_of(layer)
        if degree > MAX_DEGREE:
            raise ModelTooLarge(
                "raises the degree too far",
                who=f"estimator {type(model).__name__}",
                had=degree,
                needed=f"<= {MAX_DEGREE}",
                remedy="Train it again with a lower degree.",
            )


def _find_names(first: Any, given: Sequence[str] | None, inputs: int) -> tuple[str, ...] | None:
    """The names that the model was trained with, or those that are given; None without any."""
    own = getattr(first, "feature_names_in_", None)
    if given is None:
        return None if own is None else tuple(str(name) for name in own)
    names = (given,) if isinstance(given, str) else tuple(str(name) for name in given)
    if len(names) != inputs:
        raise RefusedInput(
            "has another number of names than the model inputs",
            who="input_names",
            had=len(names),
            needed=inputs,
        )
    if own is not None and names != tuple(str(name) for name in own):
        raise RefusedInput(
            "differ from those that the model was trained with",
            who="input_names",
            remedy="Leave input_names out.",
        )
    return names
