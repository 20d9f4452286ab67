"""F_q on python-flint: the fallback where there is no compiler.

Only what measures faster than plain Python is here, the evaluation of dense quadratics for a batch,
as one product of integer matrices. Everything else is inherited: turning numbers into FLINT's and
back costs as much as its arithmetic saves (sparse functions, sharing, linear combinations were
measured).
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain, islice

from flint import fmpz_mat

from edgemark.crypto.field.arithmetic import Evaluator
from edgemark.crypto.field.field import Q, require_count
from edgemark.crypto.field.plain import (
    PlainArithmetic,
    QuadraticEvaluator,
    count_inputs,
    quadratic_terms,
)

LEAST_BATCH = 8
"""Inputs from which on building the matrix pays for a single batch.

Measured on 2 cores, 8 inputs, building included: k = 64, n = 10: 22 ms (plain Python 25 ms);
k = 2000, n = 1: 1.9 s (3.0 s); 20 inputs, k = 400, n = 1: 98 ms (409 ms).
"""


class FlintArithmetic(PlainArithmetic):
    """F_q with the matrix products of FLINT."""

    name = "flint"

    def __init__(self) -> None:
        super().__init__(Q)

    def prepare_quadratic(self, coefficients: bytes, inputs: int, outputs: int) -> Evaluator:
        """See `PlainArithmetic.prepare_quadratic`."""
        require_count(coefficients, outputs * quadratic_terms(inputs), who="coefficients")
        numbers = self.unpack(coefficients, who="coefficients")
        return FlintQuadraticEvaluator(self, numbers, inputs, outputs)


class FlintQuadraticEvaluator(QuadraticEvaluator):
    """F_o = z^T A_o z, with the upper triangular A_o of all outputs in one matrix."""

    @cached_property
    def _rows(self) -> fmpz_mat:
        width = self._inputs + 1
        left = iter(self._coefficients)
        rows = (
            chain([0] * i, islice(left, width - i))
            for _ in range(self._outputs)
            for i in range(width)
        )
        return fmpz_mat(self._outputs * width, width, list(chain.from_iterable(rows)))

    def evaluate(self, batch: bytes) -> bytes:
        """See `Evaluator.evaluate`."""
        count = count_inputs(batch, self._inputs)
        if count < LEAST_BATCH:
            return super().evaluate(batch)
        numbers = self._over.unpack(batch, who="batch")
        width = self._inputs + 1
        z = [[1, *numbers[at : at + width - 1]] for at in range(0, len(numbers), width - 1)]
        columns = fmpz_mat(width, count, list(chain(*zip(*z, strict=True))))
        inner = [int(entry) % self._over.modulus for entry in (self._rows * columns).entries()]
        return self._over.pack(
            sum(z[b][i] * inner[(output * width + i) * count + b] for i in range(width))
            % self._over.modulus
            for b in range(count)
            for output in range(self._outputs)
        )
