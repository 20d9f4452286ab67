"""Polynomials evaluated in plain Python: the definition of what the faster kernels compute.

Notation: k inputs, n outputs, B inputs in a batch, z = (1, x_1, ..., x_k).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import mul

from edgemark.crypto.field.arithmetic import Evaluator, MonomialTable
from edgemark.crypto.field.field import (
    ELEMENT_BYTES,
    PrimeField,
    WrongLength,
    count_elements,
    require_count,
)

FACTOR_BYTES = 3
"""Two bytes variable and one byte exponent."""


def quadratic_terms(inputs: int) -> int:
    """Monomials of degree at most 2 in `inputs` variables: (k+1)(k+2)/2."""
    return (inputs + 1) * (inputs + 2) // 2


def count_inputs(batch: bytes, inputs: int) -> int:
    """Number of inputs in a batch; raises `WrongLength` when they are not whole."""
    had = count_elements(batch, who="batch")
    if had % inputs:
        raise WrongLength(
            "is no whole number of inputs", who="batch", had=had, needed=f"B * {inputs}"
        )
    return had // inputs


class PlainArithmetic(PrimeField):
    """`PrimeField` and the evaluation of polynomials over it."""

    def prepare_quadratic(self, coefficients: bytes, inputs: int, outputs: int) -> Evaluator:
        """Make a dense quadratic ready: F_o(x) = sum over 0 <= i <= j <= k of a_oij z_i z_j.

        Args:
            coefficients: packed; for each output the a_oij, i ascending, then j ascending.
            inputs: k >= 1.
            outputs: n >= 1.

        Raises:
            WrongLength: not n * (k+1)(k+2)/2 coefficients.
            NotAnElement: a coefficient is q or more.
        """
        require_count(coefficients, outputs * quadratic_terms(inputs), who="coefficients")
        numbers = self.unpack(coefficients, who="coefficients")
        return QuadraticEvaluator(self, numbers, inputs, outputs)

    def prepare_sparse(self, table: MonomialTable) -> Evaluator:
        """Make a sparse polynomial ready: F_o(x) = sum over monomials of a_o * product x_i^e_i.

        Raises:
            WrongLength: the columns of the table do not fit one another.
            NotAnElement: a coefficient is q or more.
        """
        check_table(table)
        numbers = self.unpack(table.coefficients, who="coefficients")
        return SparseEvaluator(self, table, numbers)

    def survey(self, table: MonomialTable) -> tuple[int, int]:
        """Look for the first row that breaks the canonical order.

        In canonical order the variables of a row ascend and are below k, exponents are at least 1,
        the rows ascend strictly as sequences of (variable, exponent), and no row has only zero
        coefficients.

        Returns:
            The index of that row, or the number of rows when there is none; and the largest total
            degree of the rows before it.

        Raises:
            WrongLength: the columns of the table do not fit one another.
        """
        check_columns(table)
        row_bytes = table.outputs * ELEMENT_BYTES
        zeros = bytes(row_bytes)
        degree = 0
        previous: tuple[tuple[int, int], ...] | None = None
        for row, factors in enumerate(split_factors(table.factor_counts, table.factors)):
            if (
                not is_monomial(factors, table.inputs)
                or (previous is not None and previous >= factors)
                or table.coefficients[row * row_bytes : (row + 1) * row_bytes] == zeros
            ):
                return row, degree
            degree = max(degree, sum(exponent for _, exponent in factors))
            previous = factors
        return len(table.factor_counts), degree


def is_monomial(factors: tuple[tuple[int, int], ...], inputs: int) -> bool:
    """Whether variables ascend below `inputs` and exponents are at least 1."""
    return all(variable < inputs and exponent > 0 for variable, exponent in factors) and all(
        left < right for (left, _), (right, _) in pairwise(factors)
    )


def split_factors(factor_counts: bytes, factors: bytes) -> list[tuple[tuple[int, int], ...]]:
    """The monomials of a table, each as its (variable, exponent) pairs."""
    pairs = [
        (int.from_bytes(factors[at : at + 2], "big"), factors[at + 2])
        for at in range(0, len(factors), FACTOR_BYTES)
    ]
    ends = accumulate(factor_counts, initial=0)
    return [tuple(pairs[start:end]) for start, end in pairwise(ends)]


def monomial_values(
    monomials: Sequence[tuple[tuple[int, int], ...]], x: Sequence[int], modulus: int
) -> list[int]:
    """The value of each monomial at one input."""
    powers: dict[tuple[int, int], int] = {}
    values = []
    for monomial in monomials:
        product = 1
        for factor in monomial:
            if factor not in powers:
                powers[factor] = pow(x[factor[0]], factor[1], modulus)
            product = product * powers[factor] % modulus
        values.append(product)
    return values


def check_columns(table: MonomialTable) -> None:
    """Check that the columns fit one another.

    Raises:
        WrongLength: they do not.
    """
    needed = sum(table.factor_counts) * FACTOR_BYTES
    if len(table.factors) != needed:
        raise WrongLength(
            "factors do not fit their counts",
            who="monomials",
            had=f"{len(table.factors)} bytes",
            needed=needed,
        )
    require_count(table.coefficients, len(table.factor_counts) * table.outputs, who="coefficients")


def check_table(table: MonomialTable) -> None:
    """Check that the columns fit one another and that every factor is one of the function's.

    Raises:
        WrongLength: they do not, a variable is not there, or an exponent is 0.
    """
    check_columns(table)
    for at in range(0, len(table.factors), FACTOR_BYTES):
        variable = int.from_bytes(table.factors[at : at + 2], "big")
        if variable >= table.inputs:
            raise WrongLength(
                "names a variable that is not there",
                who=f"factor {at // FACTOR_BYTES}",
                had=variable,
                needed=f"below {table.inputs}",
            )
        if table.factors[at + 2] == 0:
            raise WrongLength(
                "has an exponent of 0", who=f"factor {at // FACTOR_BYTES}", had=0, needed="1..255"
            )


class QuadraticEvaluator:
    """A dense quadratic over a prime field, row by row."""

    def __init__(
        self, over: PrimeField, coefficients: list[int], inputs: int, outputs: int
    ) -> None:
        self._over = over
        self._coefficients = coefficients
        self._inputs = inputs
        self._outputs = outputs

    def evaluate(self, batch: bytes) -> bytes:
        """See `Evaluator.evaluate`."""
        count_inputs(batch, self._inputs)
        numbers = self._over.unpack(batch, who="batch")
        results = []
        for start in range(0, len(numbers), self._inputs):
            results.extend(self._evaluate_one([1, *numbers[start : start + self._inputs]]))
        return self._over.pack(results)

    def _evaluate_one(self, z: list[int]) -> list[int]:
        # F_o = sum_i z_i * (sum_{j >= i} a_oij z_j)
        values = []
        at = 0
        for _ in range(self._outputs):
            total = 0
            for i in range(len(z)):
                row = self._coefficients[at : at + len(z) - i]
                at += len(row)
                total += z[i] * (sum(map(mul, row, z[i:])) % self._over.modulus)
            values.append(total % self._over.modulus)
        return values


class SparseEvaluator:
    """A sparse polynomial over a prime field, monomial by monomial."""

    def __init__(self, over: PrimeField, table: MonomialTable, coefficients: list[int]) -> None:
        self._over = over
        self._inputs = table.inputs
        self._outputs = table.outputs
        self._coefficients = coefficients
        self._monomials = split_factors(table.factor_counts, table.factors)

    def evaluate(self, batch: bytes) -> bytes:
        """See `Evaluator.evaluate`."""
        count_inputs(batch, self._inputs)
        numbers = self._over.unpack(batch, who="batch")
        results = []
        for start in range(0, len(numbers), self._inputs):
            results.extend(self._evaluate_one(numbers[start : start + self._inputs]))
        return self._over.pack(results)

    def _evaluate_one(self, x: list[int]) -> list[int]:
        q, n = self._over.modulus, self._outputs
        totals = [0] * n
        for index, value in enumerate(monomial_values(self._monomials, x, q)):
            for output in range(n):
                totals[output] += self._coefficients[index * n + output] * value
        return [total % q for total in totals]
