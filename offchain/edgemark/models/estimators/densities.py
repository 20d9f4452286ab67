"""Classifiers that compare normal densities: logarithms of these are quadratic.

| what        | score of class c                                                           |
|-------------|----------------------------------------------------------------------------|
| GaussianNB  | log p_c - 1/2 sum_i log(2 pi v_ci) - 1/2 sum_i (x_i - m_ci)^2 / v_ci        |
| Quadratic   | log p_c - 1/2 sum_j log s_cj - 1/2 sum_j ((x - m_c) R_c / sqrt(s_c))_j^2    |
| Discriminant |                                                                           |
| Analysis    |                                                                            |

Each is played as it is computed: columns repeated once a class, centred, projected or squared,
summed. The logarithms stand one by one as weights of the constant 1, so that what their sum loses
is counted too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from edgemark.models.estimators.parts import (
    Arrays,
    Layer,
    NotAPolynomial,
    Part,
    fitted,
    labels_of,
)
from edgemark.models.signature import Decision
from edgemark.models.steps import Linear, Monomials, Numbers, Standardise, Step


def _read_naive_bayes(part: Any, arrays: Arrays) -> Part:
    means = arrays.matrix(fitted(part, "theta_"))
    variances = arrays.matrix(part.var_)
    flat = tuple(variance for row in variances for variance in row)
    # what 2 pi v was rounded by is in its logarithm as it is, however small that is: hence the ones
    logs = [[n for v in row for n in (_log(2 * math.pi * v) + 1.0, -1.0)] for row in variances]
    squares = Monomials(tuple((i, i) for i in range(len(flat))))
    shares = Standardise((0.0,) * len(flat), flat)
    sizes = [len(row) for row in means]
    steps = [*_centre(means), squares, *_sum(shares, sizes, logs, part.class_prior_, arrays)]
    return _decide(part, steps)


def _read_quadratic(part: Any, arrays: Arrays) -> Part:
    means = arrays.matrix(fitted(part, "means_"))
    scales = [arrays.vector(scaling) for scaling in part.scalings_]
    logs = [[_log(scale) for scale in scaling] for scaling in scales]
    roots = tuple(math.sqrt(scale) for scaling in scales for scale in scaling)
    width = len(means[0])
    rows: list[Numbers] = []
    for at, rotation in enumerate(part.rotations_):
        before, after = (0.0,) * (at * width), (0.0,) * ((len(means) - at - 1) * width)
        rows += [(*before, *column, *after) for column in arrays.matrix(rotation.T)]
    project = Linear(tuple(rows), (0.0,) * len(rows))
    shrink = Standardise((0.0,) * len(rows), roots)
    squares = Monomials(tuple((i, i) for i in range(len(rows))))
    sizes = [len(scaling) for scaling in scales]
    sums = _sum(squares, sizes, logs, part.priors_, arrays)
    return _decide(part, [*_centre(means), project, shrink, *sums])


def _log(value: float) -> float:
    """The logarithm of what scikit-learn takes one of.

    Raises:
        NotAPolynomial: it is zero.
    """
    if not value > 0:
        raise NotAPolynomial(
            "has a variance or a prior of zero", who="estimator of normal densities"
        )
    return math.log(value)


def _decide(part: Any, steps: Sequence[Step]) -> Part:
    return Part(tuple(map(Layer, steps)), Decision.LARGEST, labels_of(part))


def _centre(means: Sequence[Numbers]) -> list[Step]:
    """The row less the mean of each class, one after the other."""
    width = len(means[0])
    columns = tuple((i,) for _ in means for i in range(width))
    flat = tuple(mean for row in means for mean in row)
    return [Monomials(columns), Standardise(flat, (1.0,) * len(flat))]


def _sum(
    last: Step, sizes: Sequence[int], logs: Sequence[Sequence[float]], priors: Any, arrays: Arrays
) -> list[Step]:
    """The score of each class: its numbers after `last`, its logarithms and its prior."""
    total, most = sum(sizes), max(map(len, logs))
    begins = [0, *accumulate(sizes)]
    rows = []
    for at, (size, prior) in enumerate(zip(sizes, arrays.vector(priors), strict=True)):
        numbers = [0.0] * (total + most + 1)
        numbers[begins[at] : begins[at + 1]] = [-0.5] * size
        numbers[total : total + len(logs[at])] = [-0.5 * log for log in logs[at]]
        numbers[-1] = _log(prior)
        rows.append(tuple(numbers))
    ones = Monomials(tuple((i,) for i in range(total)) + ((),) * (most + 1))
    return [last, ones, Linear(tuple(rows), (0.0,) * len(rows))]


READERS: dict[str, Callable[[Any, Arrays], Part]] = {
    "GaussianNB": _read_naive_bayes,
    "QuadraticDiscriminantAnalysis": _read_quadratic,
}
