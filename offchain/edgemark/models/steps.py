"""The steps of a model file: what a fitted scikit-learn model does with a row, as plain numbers.

| step          | from k numbers x to                            | scikit-learn           |
|---------------|------------------------------------------------|------------------------|
| `Standardise` | (x_i - mean_i) / scale_i                       | StandardScaler         |
| `Rescale`     | x_i * factor_i + offset_i                      | MinMaxScaler           |
| `Monomials`   | the products of the named variables            | PolynomialFeatures     |
| `Linear`      | sum_i weight_oi x_i + offset_o, each output o  | the linear models      |
| `Kernel`      | the same over (gamma x.v + constant)^degree of | SVC, SVR, KernelRidge  |
|               | each vector v                                  |                        |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from edgemark.crypto.polynomial import MAX_DEGREE, Monomial
from edgemark.errors import RefusedInput
from edgemark.models.traced import Traced, Tracer

Numbers: TypeAlias = tuple[float, ...]


class BadStep(RefusedInput):
    """A step whose numbers do not fit those before it."""


def _need(who: str, what: str, had: int, needed: int) -> None:
    if had != needed:
        raise BadStep(f"wrong number of {what}", who=who, had=had, needed=needed)


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
            tracer.divide(tracer.subtract(value, tracer.constant(mean)), Fraction(scale))
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
            product = tracer.constant(1.0)
            for variable in variables:
                if not 0 <= variable < len(values):
                    raise BadStep(
                        "names a variable that is not there",
                        who="monomials",
                        had=variable,
                        needed=f"0..{len(values) - 1}",
                    )
                product = tracer.multiply(product, values[variable])
            results.append(product)
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


Step: TypeAlias = Standardise | Rescale | Monomials | Linear | Kernel
