"""Estimators over polynomial kernels: support vector machines and kernel ridge regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgemark.models.estimators.parts import (
    Arrays,
    Layer,
    NotAPolynomial,
    Part,
    fitted,
    labels_of,
    refuse_option,
)
from edgemark.models.signature import Decision
from edgemark.models.steps import Kernel, Numbers, pair_weights

CLASSIFIERS = ("SVC", "NuSVC")
REGRESSORS = ("SVR", "NuSVR")
MACHINES = (*CLASSIFIERS, *REGRESSORS)


def read_machine(part: Any, arrays: Arrays) -> Kernel:
    """The kernel of a support vector machine; libsvm computes in float64 whatever it is given."""
    vectors = arrays.matrix(fitted(part, "support_vectors_"))
    weights = arrays.matrix(part.dual_coef_)
    offsets = arrays.vector(part.intercept_, 1)
    if type(part).__name__ in CLASSIFIERS:
        weights = pair_weights(weights, [int(count) for count in part.n_support_])
    return _kernel(part, vectors, part._gamma, weights, offsets)


def _read_machine(part: Any, arrays: Arrays) -> Part:
    layers = (Layer(read_machine(part, arrays)),)
    if type(part).__name__ in REGRESSORS:
        return Part(layers)
    labels = labels_of(part)
    if len(labels) == 2:
        return Part(layers, Decision.SIGN, labels)
    refuse_option(part, "break_ties", part.break_ties, wanted=False)
    return Part(layers, Decision.PAIRWISE, labels)


def _read_kernel_ridge(part: Any, arrays: Arrays) -> Part:
    vectors = arrays.matrix(fitted(part, "X_fit_"))
    duals = part.dual_coef_
    weights = arrays.matrix(duals.T if duals.ndim == 2 else duals)
    gamma = 1.0 / part.n_features_in_ if part.gamma is None else part.gamma
    return Part((Layer(_kernel(part, vectors, gamma, weights, (0.0,) * len(weights))),))


def _kernel(
    part: Any,
    vectors: tuple[Numbers, ...],
    gamma: float,
    weights: tuple[Numbers, ...],
    offsets: Numbers,
) -> Kernel:
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


READERS: dict[str, Callable[[Any, Arrays], Part]] = {
    **dict.fromkeys(MACHINES, _read_machine),
    "KernelRidge": _read_kernel_ridge,
}
