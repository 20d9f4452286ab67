"""What every implementation of F_q offers: the interface between the schemes and the fast kernels.

`field.PrimeField` says what the vector operations mean, `plain.PlainArithmetic` adds the evaluation
of polynomials; `kernel` chooses among them and the faster twins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Evaluator(Protocol):
    """A polynomial function made ready for one implementation."""

    def evaluate(self, batch: bytes) -> bytes:
        """Values of all outputs for each input of the batch, row-major.

        Args:
            batch: packed B x k inputs.

        Raises:
            WrongLength: no whole number of inputs.
            NotAnElement: an element is q or more.
        """
        ...


@dataclass(frozen=True, slots=True)
class MonomialTable:
    """A sparse polynomial as three columns, as they stand in its canonical bytes.

    Args:
        inputs: k, number of variables.
        outputs: n, coefficients of each monomial.
        factor_counts: one byte for each monomial, the number of its variables with exponent >= 1.
        factors: for each of these two bytes variable (big-endian, from 0), one byte exponent.
        coefficients: packed, n for each monomial.
    """

    inputs: int
    outputs: int
    factor_counts: bytes
    factors: bytes
    coefficients: bytes


class Arithmetic(Protocol):
    """Vector operations over one prime field; the meaning of each is that of `PrimeField`."""

    @property
    def name(self) -> str:
        """Which implementation this is, for receipts and reports."""
        ...

    @property
    def modulus(self) -> int:
        """The prime."""
        ...

    def check(self, packed: bytes, *, count: int | None = None, who: str = ...) -> int:
        """See `PrimeField.check`."""
        ...

    def add(self, a: bytes, b: bytes) -> bytes:
        """See `PrimeField.add`."""
        ...

    def subtract(self, a: bytes, b: bytes) -> bytes:
        """See `PrimeField.subtract`."""
        ...

    def multiply(self, a: bytes, b: bytes) -> bytes:
        """See `PrimeField.multiply`."""
        ...

    def scale(self, vector: bytes, scalar: int) -> bytes:
        """See `PrimeField.scale`."""
        ...

    def combine(self, matrix: bytes, vectors: bytes, count: int) -> bytes:
        """See `PrimeField.combine`."""
        ...

    def share(self, secret: bytes, coefficients: bytes, points: Sequence[int]) -> list[bytes]:
        """See `PrimeField.share`."""
        ...

    def select(self, drawn: bytes) -> bytes:
        """See `PrimeField.select`."""
        ...

    def prepare_quadratic(self, coefficients: bytes, inputs: int, outputs: int) -> Evaluator:
        """See `PlainArithmetic.prepare_quadratic`."""
        ...

    def prepare_sparse(self, table: MonomialTable) -> Evaluator:
        """See `PlainArithmetic.prepare_sparse`."""
        ...

    def survey(self, table: MonomialTable) -> tuple[int, int]:
        """See `PlainArithmetic.survey`."""
        ...
