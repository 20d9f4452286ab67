"""The steps of a model file: what a fitted scikit-learn model does with a row, as plain numbers.

| step          | from k numbers x to                            | scikit-learn           |
|---------------|------------------------------------------------|------------------------|
| `Standardise` | (x_i - mean_i) / scale_i                       | scalers, PLS           |
| `Rescale`     | x_i * factor_i + offset_i                      | MinMaxScaler           |
| `Monomials`   | the products of the named variables            | PolynomialFeatures,    |
|               |                                                | selections of columns  |
| `Linear`      | sum_i weight_oi x_i + offset_o, each output o  | linear models, layers  |
| `Kernel`      | the same over (gamma x.v + constant)^degree of | SVC, SVR, KernelRidge  |
|               | each vector v                                  |                        |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import TypeAlias

from edgemark.crypto.polynomial import MAX_DEGREE, Monomial
from edgemark.errors import RefusedInput
from edgemark.models.traced import Traced, Tracer

Numbers: TypeAlias = tuple[float, ...]

MANY = 10  # vectors: fewer do not show where the others are
MOST = 2.0  # standard deviations around the mean: nearly everything


class BadStep(RefusedInput):
    """A step whose numbers do not fit those before it."""


def _need(who: str, what: str, had: int, needed: int) -> None:
    if had != needed:
        raise BadStep(f"wrong number of {what}", who=who, had=had, needed=needed)


def _shrink(tracer: Tracer, value: Traced, scale: float) -> Traced:
    return value if scale == 1.0 else tracer.divide(value, Fraction(scale))


@dataclass(frozen=True, slots=True)
class Standardise:
    """Subtract a mean, divide by a scale."""

    means: Numbers
    scales: Numbers

    def apply(self, tracer: Tracer, values: Sequence[Traced]) -> list[Traced]:
        """Run the step on symbols."""
        _need("standardise", "means", len(self.means), len(values))
        _need("standardise", "scales", len(self.scales), len(values))
        return [
            _shrink(tracer, tracer.shift(value, mean) if mean else value, scale)
            for value, mean, scale in zip(values, self.means, self.scales, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Rescale:
    """Multiply by a factor, add an offset."""

    factors: Numbers
    offsets: Numbers

    def apply(self, tracer: Tracer, values: Sequence[Traced]) -> list[Traced]:
        """Run the step on symbols."""
        _need("rescale", "factors", len(self.factors), len(values))
        _need("rescale", "offsets", len(self.offsets), len(values))
        return [
            tracer.dot([value], [tracer.constant(factor)], tracer.constant(offset))
            for value, factor, offset in zip(values, self.factors, self.offsets, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Monomials:
    """Products of variables, each named as often as its exponent says."""

    variables: tuple[Monomial, ...]

    def apply(self, tracer: Tracer, values: Sequence[Traced]) -> list[Traced]:
        """Run the step on symbols."""
        results = []
        for variables in self.variables:
            for variable in variables:
                if not 0 <= variable < len(values):
                    raise BadStep(
                        "names a variable that is not there",
                        who="monomials",
                        had=variable,
                        needed=f"0..{len(values) - 1}",
                    )
            factors = [values[variable] for variable in variables]
            results.append(reduce(tracer.multiply, factors) if factors else tracer.constant(1.0))
        return results


@dataclass(frozen=True, slots=True)
class Linear:
    """One row of weights and an offset for each output."""

    weights: tuple[Numbers, ...]
    offsets: Numbers

    def apply(self, tracer: Tracer, values: Sequence[Traced]) -> list[Traced]:
        """Run the step on symbols."""
        _need("linear", "offsets", len(self.offsets), len(self.weights))
        results = []
        for row, offset in zip(self.weights, self.offsets, strict=True):
            _need("linear", "weights", len(row), len(values))
            weights = [tracer.constant(weight) for weight in row]
            results.append(tracer.dot(values, weights, tracer.constant(offset)))
        return results


@dataclass(frozen=True, slots=True)
class Kernel:
    """Polynomial kernel with each of the vectors, then linear."""

    vectors: tuple[Numbers, ...]
    gamma: float
    constant: float
    degree: int
    weights: tuple[Numbers, ...]
    offsets: Numbers

    def apply(self, tracer: Tracer, values: Sequence[Traced]) -> list[Traced]:
        """Run the step on symbols."""
        if not 1 <= self.degree <= MAX_DEGREE:
            raise BadStep(
                "degree out of range", who="kernel", had=self.degree, needed=f"1..{MAX_DEGREE}"
            )
        gamma, constant = tracer.constant(self.gamma), tracer.constant(self.constant)
        kernels = []
        for vector in self.vectors:
            _need("kernel", "numbers in a vector", len(vector), len(values))
            product = tracer.dot(values, [tracer.constant(number) for number in vector])
            kernels.append(tracer.power(tracer.dot([product], [gamma], constant), self.degree))
        return Linear(self.weights, self.offsets).apply(tracer, kernels)


def pair_weights(duals: tuple[Numbers, ...], support: list[int]) -> tuple[Numbers, ...]:
    """Weights of each pair of classes i < j; libsvm stores class i's against j in row j - 1."""
    classes = len(support)
    begins = [sum(support[:i]) for i in range(classes + 1)]
    rows = []
    for i in range(classes):
        for j in range(i + 1, classes):
            row = [0.0] * begins[-1]
            row[begins[i] : begins[i + 1]] = duals[j - 1][begins[i] : begins[i + 1]]
            row[begins[j] : begins[j + 1]] = duals[i][begins[j] : begins[j + 1]]
            rows.append(tuple(row))
    return tuple(rows)


def find_usual(first: Step) -> tuple[tuple[float, float], ...]:
    """Where a model's inputs mostly are, by what its first step learned of them; () if nothing."""
    match first:
        case Standardise(means, scales):
            pairs = zip(means, scales, strict=False)
            return tuple((mean - MOST * scale, mean + MOST * scale) for mean, scale in pairs)
        case Rescale(factors, offsets) if all(factors):
            ends = ((-o / f, (1.0 - o) / f) for f, o in zip(factors, offsets, strict=False))
            return tuple((min(pair), max(pair)) for pair in ends)
        case Kernel(vectors=vectors) if len(vectors) >= MANY:
            columns = zip(*vectors, strict=False)
            return tuple((min(column), max(column)) for column in columns)
        case _:
            return ()


Step: TypeAlias = Standardise | Rescale | Monomials | Linear | Kernel
