"""Functions as a list of monomials, each with one coefficient for every output.

F_o(x) = sum over monomials e of a_oe * product over i of x_i^e_i

One encoding a function: within a monomial the variables ascend and exponents are at least 1; the
monomials ascend strictly as sequences of (variable, exponent); no monomial has only zero
coefficients; the degree in the header is that of the largest monomial (0 for none). The zero
function has no rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby

from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic, Evaluator, MonomialTable
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.field.plain import FACTOR_BYTES, is_monomial, split_factors
from edgemark.crypto.polynomial.header import (
    HEADER_BYTES,
    MAX_DEGREE,
    Header,
    Kind,
    MalformedFunction,
    refuse_outside,
)
from edgemark.crypto.polynomial.interface import (
    Monomial,
    Polynomial,
    check_elements,
    check_terms,
)

_Factors = tuple[tuple[int, int], ...]


def _not_canonical(what: str, row: int) -> MalformedFunction:
    return MalformedFunction(what, who=f"monomial {row}", needed="the one encoding of the function")


def _refuse_row(table: MonomialTable, row: int) -> MalformedFunction:
    """What is wrong with the first row that is not in canonical order."""
    first = sum(table.factor_counts[: max(row - 1, 0)])
    last = first + sum(table.factor_counts[max(row - 1, 0) : row + 1])
    rows = split_factors(
        table.factor_counts[max(row - 1, 0) : row + 1],
        table.factors[first * FACTOR_BYTES : last * FACTOR_BYTES],
    )
    factors = rows[-1]
    if any(variable >= table.inputs or exponent == 0 for variable, exponent in factors):
        return _not_canonical("has a factor out of range", row)
    if not is_monomial(factors, table.inputs):
        return _not_canonical("has variables out of order", row)
    if row > 0 and rows[0] >= factors:
        return _not_canonical("stands twice or out of order", row)
    return _not_canonical("has only zero coefficients", row)


def _check_canonical(header: Header, table: MonomialTable) -> None:
    if sum(table.factor_counts) != header.factors:
        raise MalformedFunction(
            "counts contradict the header",
            who="function factors",
            had=sum(table.factor_counts),
            needed=header.factors,
        )
    row, degree = kernel.active().survey(table)
    if row < header.rows:
        raise _refuse_row(table, row)
    refuse_outside("degree", header.degree, degree, degree)
    check_elements(table.coefficients)


class SparsePolynomial(Polynomial):
    """A list of monomials.

    Args:
        header: its numbers, of kind SPARSE.
        table: the columns of the canonical bytes.

    Raises:
        MalformedFunction: not the one encoding of a function.
        NotAnElement: a coefficient is q or more.
    """

    def __init__(self, header: Header, table: MonomialTable) -> None:
        super().__init__(header)
        _check_canonical(header, table)
        self._table = table

    @classmethod
    def from_terms(
        cls, inputs: int, outputs: int, terms: Mapping[Monomial, Sequence[int]]
    ) -> SparsePolynomial:
        """Build from {monomial: n coefficients}; monomials with only zeros are left out.

        Raises:
            MalformedFunction: a degree above 20, a bad monomial, or a number outside its limits.
            NotAnElement: a coefficient is outside 0..q-1.
        """
        check_terms(terms, inputs, outputs)
        rows: list[tuple[_Factors, Sequence[int]]] = []
        for monomial, coefficients in terms.items():
            refuse_outside("degree", len(monomial), 0, MAX_DEGREE)
            if any(coefficients):
                factors = tuple((i, len(list(group))) for i, group in groupby(monomial))
                rows.append((factors, coefficients))
        rows.sort(key=lambda row: row[0])
        flat = [factor for factors, _ in rows for factor in factors]
        degrees = (sum(exponent for _, exponent in factors) for factors, _ in rows)
        header = Header(Kind.SPARSE, inputs, outputs, max(degrees, default=0), len(rows), len(flat))
        table = MonomialTable(
            inputs=inputs,
            outputs=outputs,
            factor_counts=bytes(len(factors) for factors, _ in rows),
            factors=b"".join(i.to_bytes(2, "big") + bytes([exponent]) for i, exponent in flat),
            coefficients=FIELD.pack(number for _, numbers in rows for number in numbers),
        )
        return cls(header, table)

    @classmethod
    def from_body(cls, header: Header, encoded: bytes) -> SparsePolynomial:
        """Parse the canonical bytes whose header was read and whose length was checked.

        Raises:
            MalformedFunction: not the one encoding of a function.
            NotAnElement: a coefficient is q or more.
        """
        factors_at = HEADER_BYTES + header.rows
        coefficients_at = factors_at + header.factors * FACTOR_BYTES
        table = MonomialTable(
            inputs=header.inputs,
            outputs=header.outputs,
            factor_counts=encoded[HEADER_BYTES:factors_at],
            factors=encoded[factors_at:coefficients_at],
            coefficients=encoded[coefficients_at:],
        )
        return cls(header, table)

    @cached_property
    def product_count(self) -> int:
        """See `Polynomial.product_count`."""
        factors = self._table.factors
        columns = (factors[at::FACTOR_BYTES] for at in range(FACTOR_BYTES))
        largest: dict[tuple[int, int], int] = {}
        for high, low, exponent in set(zip(*columns, strict=True)):  # few are different
            largest[high, low] = max(largest.get((high, low), 1), exponent)
        powers = sum(exponent - 1 for exponent in largest.values())
        return self._header.coefficient_count + self._header.factors + powers

    def to_bytes(self) -> bytes:
        """See `Polynomial.to_bytes`."""
        table = self._table
        return b"".join(
            (self._header.to_bytes(), table.factor_counts, table.factors, table.coefficients)
        )

    def _prepare(self, arithmetic: Arithmetic) -> Evaluator:
        return arithmetic.prepare_sparse(self._table)
