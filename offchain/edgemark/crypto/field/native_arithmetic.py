"""F_q on the native kernel: the same calls, checks and errors as `plain.PlainArithmetic`.

Importing this fails where `edgemark.crypto._native` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgemark.crypto._native import PATHS, _kernel
from edgemark.crypto.field.arithmetic import Evaluator, MonomialTable
from edgemark.crypto.field.field import (
    FIELD,
    Q,
    WrongLength,
    count_elements,
    require_count,
)
from edgemark.crypto.field.plain import check_columns, check_table, count_inputs, quadratic_terms


class NativeArithmetic:
    """F_q in C; constant time in inputs, shares and secrets.

    Args:
        path: one of `PATHS`; the fastest when not given.
    """

    modulus = Q

    def __init__(self, path: str = PATHS[0]) -> None:
        self.name = f"native/{path}"
        self._path = PATHS.index(path)

    def check(self, packed: bytes, *, count: int | None = None, who: str = "packed vector") -> int:
        """See `PrimeField.check`."""
        had = count_elements(packed, who=who)
        if count is not None:
            require_count(packed, count, who=who)
        if not _kernel.check(self._path, packed):
            FIELD.unpack(packed, who=who)  # raises, and says where
        return had

    def _apply(self, operation: Callable[[int, bytes, bytes], bytes], a: bytes, b: bytes) -> bytes:
        """One elementwise operation; the kernel checks both, and this says what it was."""
        try:
            return operation(self._path, a, b)
        except ValueError:
            left, right = self.check(a), self.check(b)
            if left != right:
                raise WrongLength(
                    "vectors of different lengths", who="vector", had=right, needed=left
                ) from None
            raise

    def add(self, a: bytes, b: bytes) -> bytes:
        """See `PrimeField.add`."""
        return self._apply(_kernel.add, a, b)

    def subtract(self, a: bytes, b: bytes) -> bytes:
        """See `PrimeField.subtract`."""
        return self._apply(_kernel.subtract, a, b)

    def multiply(self, a: bytes, b: bytes) -> bytes:
        """See `PrimeField.multiply`."""
        return self._apply(_kernel.multiply, a, b)

    def scale(self, vector: bytes, scalar: int) -> bytes:
        """See `PrimeField.scale`."""
        factor = FIELD.pack([scalar])
        try:
            return _kernel.scale(self._path, vector, factor)
        except ValueError:
            self.check(vector)
            raise

    def combine(self, matrix: bytes, vectors: bytes, count: int) -> bytes:
        """See `PrimeField.combine`."""
        FIELD.check_combination(matrix, vectors, count)
        try:
            return _kernel.combine(self._path, matrix, vectors, count)
        except ValueError:
            self.check(matrix, who="matrix")
            self.check(vectors, who="vectors")
            raise

    def share(self, secret: bytes, coefficients: bytes, points: Sequence[int]) -> list[bytes]:
        """See `PrimeField.share`."""
        FIELD.check_sharing(secret, coefficients)
        try:
            return list(_kernel.share(self._path, secret, coefficients, FIELD.pack(points)))
        except ValueError:
            self.check(secret, who="secret")  # says what it was
            self.check(coefficients, who="coefficients")
            raise

    def select(self, drawn: bytes) -> bytes:
        """See `PrimeField.select`."""
        count_elements(drawn, who="drawn bytes")
        return _kernel.select(drawn)

    def prepare_quadratic(self, coefficients: bytes, inputs: int, outputs: int) -> Evaluator:
        """See `PlainArithmetic.prepare_quadratic`."""
        self.check(coefficients, count=outputs * quadratic_terms(inputs), who="coefficients")
        function = _kernel.prepare_quadratic(self._path, coefficients, inputs, outputs)
        return _NativeEvaluator(self, function, _kernel.evaluate_quadratic, inputs)

    def prepare_sparse(self, table: MonomialTable) -> Evaluator:
        """See `PlainArithmetic.prepare_sparse`."""
        self.check(table.coefficients, who="coefficients")
        try:
            function = _kernel.prepare_sparse(
                self._path,
                table.factor_counts,
                table.factors,
                table.coefficients,
                table.inputs,
                table.outputs,
            )
        except ValueError:
            check_table(table)  # says what it was
            raise
        return _NativeEvaluator(self, function, _kernel.evaluate_sparse, table.inputs)

    def survey(self, table: MonomialTable) -> tuple[int, int]:
        """See `PlainArithmetic.survey`."""
        check_columns(table)
        return _kernel.survey(
            table.factor_counts, table.factors, table.coefficients, table.inputs, table.outputs
        )


class _NativeEvaluator:
    """A function made ready by the kernel."""

    def __init__(
        self,
        over: NativeArithmetic,
        function: Any,
        evaluate: Callable[[Any, bytes], bytes],
        inputs: int,
    ) -> None:
        self._over = over
        self._function = function
        self._evaluate = evaluate
        self._inputs = inputs

    def evaluate(self, batch: bytes) -> bytes:
        """See `Evaluator.evaluate`."""
        count_inputs(batch, self._inputs)
        try:
            return self._evaluate(self._function, batch)
        except ValueError:
            self._over.check(batch, who="batch")
            raise
