"""The outsourced function F: F_q^k -> F_q^n, behind one interface (Meta-BMEOC IV-A, "F").

Two representations: `DenseQuadratic` holds every monomial of degree at most 2, `SparsePolynomial` a
list of monomials of degree at most 20. Each has exactly one encoding of a function, so that H(F) =
SHA-256(`to_bytes()`) names it; `parse_polynomial` refuses every other encoding.
"""

from edgemark.crypto.polynomial.dense import DenseQuadratic
from edgemark.crypto.polynomial.header import (
    HEADER_BYTES,
    MAX_DEGREE,
    MAX_FUNCTION_BYTES,
    MAX_INPUTS,
    MAX_OUTPUTS,
    MAX_TERMS,
    Header,
    Kind,
    MalformedFunction,
    size_from_header,
)
from edgemark.crypto.polynomial.interface import Monomial, Polynomial
from edgemark.crypto.polynomial.parsing import parse_polynomial
from edgemark.crypto.polynomial.sparse import SparsePolynomial

__all__ = [
    "HEADER_BYTES",
    "MAX_DEGREE",
    "MAX_FUNCTION_BYTES",
    "MAX_INPUTS",
    "MAX_OUTPUTS",
    "MAX_TERMS",
    "DenseQuadratic",
    "Header",
    "Kind",
    "MalformedFunction",
    "Monomial",
    "Polynomial",
    "SparsePolynomial",
    "parse_polynomial",
    "size_from_header",
]
