"""From bytes of a stranger to a function."""

from __future__ import annotations

from edgemark.crypto.polynomial.dense import DenseQuadratic
from edgemark.crypto.polynomial.header import (
    HEADER_BYTES,
    Kind,
    MalformedFunction,
    size_from_header,
)
from edgemark.crypto.polynomial.interface import Polynomial
from edgemark.crypto.polynomial.sparse import SparsePolynomial


def parse_polynomial(encoded: bytes) -> Polynomial:
    """Parse canonical bytes; nothing is allocated before the lengths agree with the header.

    Raises:
        MalformedFunction: not the one encoding of a function, or outside the limits.
        NotAnElement: a coefficient is q or more.
    """
    header = size_from_header(encoded)
    if len(encoded) != header.total_bytes:
        raise MalformedFunction(
            "has another length than its header says",
            who="function",
            had=f"{len(encoded)} bytes",
            needed=header.total_bytes,
        )
    match header.kind:
        case Kind.DENSE_QUADRATIC:
            return DenseQuadratic(header.inputs, header.outputs, encoded[HEADER_BYTES:])
        case Kind.SPARSE:
            return SparsePolynomial.from_body(header, encoded)
