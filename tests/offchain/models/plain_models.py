"""Models in plain floating point, written down a second time, to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgemark.models.compiling import CompiledModel, compile_model
from edgemark.models.description import (
    ModelDescription,
    description_from_json,
    description_to_json,
)
from edgemark.models.estimators.reading import describe_estimator
from edgemark.models.steps import (
    Kernel,
    Linear,
    Monomials,
    Rescale,
    Standardise,
    Step,
)


def compile_fitted(model: Any, bounds: Any) -> CompiledModel:
    """By way of the file, as a user does."""
    description = describe_estimator(model, bounds)
    again = description_from_json(description_to_json(description), "model.json")
    assert again == description
    return compile_model(again.trace())


def run_plainly(model: ModelDescription, rows: Sequence[Sequence[float]]) -> Any:
    """What numpy computes for these rows in the model's own floats; shape (B, n)."""
    values = np.asarray(rows, dtype=model.precision.value)
    for step in model.steps:
        values = run_step(step, values)
    return values


def run_step(step: Step, values: Any) -> Any:
    """One step on (B, k) numbers."""
    kind = values.dtype
    match step:
        case Standardise(means, scales):
            return (values - np.asarray(means, kind)) / np.asarray(scales, kind)
        case Rescale(factors, offsets):
            return values * np.asarray(factors, kind) + np.asarray(offsets, kind)
        case Monomials(variables):
            columns = [np.prod(values[:, list(v)], axis=1, dtype=kind) for v in variables]
            return np.stack(columns, axis=1)
        case Linear(weights, offsets):
            return values @ np.asarray(weights, kind).T + np.asarray(offsets, kind)
        case Kernel(vectors, gamma, constant, degree, weights, offsets):
            products = values @ np.asarray(vectors, kind).T
            kernels = (kind.type(gamma) * products + kind.type(constant)) ** degree
            return kernels @ np.asarray(weights, kind).T + np.asarray(offsets, kind)


def run_in_field(compiled: CompiledModel, rows: Sequence[Sequence[float]]) -> list[Any]:
    """What a job would answer for these rows."""
    return compiled.plan.decode(compiled.function.evaluate(compiled.plan.encode(rows)))


def find_excess(compiled: CompiledModel, rows: Sequence[Sequence[float]], plain: Any) -> float:
    """Largest |decoded - plain| - bound over all outputs: not above 0 when the bound holds."""
    seen = np.array([answer.values for answer in run_in_field(compiled, rows)])
    wanted = np.asarray(plain, dtype=float).reshape(seen.shape)
    return float((np.abs(seen - wanted) - np.array(compiled.plan.error_bounds)).max())
