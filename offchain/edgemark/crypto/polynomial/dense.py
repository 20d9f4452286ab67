"""Quadratic functions with every monomial of degree at most 2 written down.

F_o(x) = sum over 0 <= i <= j <= k of a_oij z_i z_j with z = (1, x_1, ..., x_k)

The coefficients of one output after the other; within an output i ascending, then j ascending: the
constant, the k linear ones, then x_1 x_1, x_1 x_2, ..., x_k x_k. Every sequence of elements of that
length is one function, so this encoding needs no rule to be canonical.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgemark.crypto.field.arithmetic import Arithmetic, Evaluator
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD
from edgemark.crypto.field.plain import quadratic_terms
from edgemark.crypto.polynomial.header import Header, Kind, MalformedFunction, refuse_outside
from edgemark.crypto.polynomial.interface import (
    Monomial,
    Polynomial,
    check_elements,
    check_terms,
)


def quadratic_row(monomial: Monomial, inputs: int) -> int:
    """Position of a monomial of degree at most 2 among the coefficients of one output."""
    i, j = ([0] * (2 - len(monomial)) + [variable + 1 for variable in monomial])[:2]
    return i * (inputs + 1) - i * (i - 1) // 2 + (j - i)


class DenseQuadratic(Polynomial):
    """All monomials of degree at most 2.

    Args:
        inputs: k, 1..2000.
        outputs: n, 1..1024; n * (k+1)(k+2)/2 <= 2^24.
        coefficients: packed, in the order of this module.

    Raises:
        MalformedFunction: a number is outside its limits or the coefficients have another length.
        NotAnElement: a coefficient is q or more.
    """

    def __init__(self, inputs: int, outputs: int, coefficients: bytes) -> None:
        refuse_outside("inputs", inputs, 1, 1 << 16)
        super().__init__(
            Header(Kind.DENSE_QUADRATIC, inputs, outputs, 2, quadratic_terms(inputs), 0)
        )
        needed = self.header.coefficient_count * ELEMENT_BYTES
        if len(coefficients) != needed:
            raise MalformedFunction(
                "has the wrong length",
                who="dense coefficients",
                had=f"{len(coefficients)} bytes",
                needed=needed,
            )
        check_elements(coefficients)
        self._coefficients = bytes(coefficients)

    @classmethod
    def from_terms(
        cls, inputs: int, outputs: int, terms: Mapping[Monomial, Sequence[int]]
    ) -> DenseQuadratic:
        """Build from {monomial: n coefficients}; monomials that are not named are zero.

        Raises:
            MalformedFunction: a degree above 2, a bad monomial, or a number outside its limits.
            NotAnElement: a coefficient is outside 0..q-1.
        """
        check_terms(terms, inputs, outputs)
        rows = quadratic_terms(inputs)
        Header(Kind.DENSE_QUADRATIC, inputs, outputs, 2, rows, 0)
        numbers = [0] * (rows * outputs)
        for monomial, coefficients in terms.items():
            refuse_outside("degree", len(monomial), 0, 2)
            row = quadratic_row(monomial, inputs)
            for output, coefficient in enumerate(coefficients):
                numbers[output * rows + row] = coefficient
        return cls(inputs, outputs, FIELD.pack(numbers))

    @property
    def product_count(self) -> int:
        """See `Polynomial.product_count`."""
        return self._header.coefficient_count

    def to_bytes(self) -> bytes:
        """See `Polynomial.to_bytes`."""
        return self._header.to_bytes() + self._coefficients

    def _prepare(self, arithmetic: Arithmetic) -> Evaluator:
        return arithmetic.prepare_quadratic(self._coefficients, self.inputs, self.outputs)
