"""The first bytes of a function: enough to know its whole length before fetching it.

| field   | bytes | meaning                                                  |
|---------|-------|----------------------------------------------------------|
| magic   | 4     | "EMKF"                                                   |
| version | 1     | 1                                                        |
| kind    | 1     | 1 dense quadratic, 2 sparse                              |
| inputs  | 2     | k, 1..2000                                               |
| outputs | 2     | n, 1..1024                                               |
| degree  | 1     | d, 0..20; 2 when dense; else that of the largest monomial|
| rows    | 4     | monomials; (k+1)(k+2)/2 when dense                       |
| factors | 4     | (variable, exponent) pairs over all rows; 0 when dense   |

The body of a dense function is its packed coefficients; that of a sparse one the number of factors
of each row (1 byte), the factors (2 bytes variable, 1 byte exponent), then the packed coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.crypto.field.plain import FACTOR_BYTES, quadratic_terms
from edgemark.encoding import MalformedMessage, Reader, Writer

MAGIC = b"EMKF"
VERSION = 1
HEADER_BYTES = 19

MAX_INPUTS = 2000  # the largest k of the paper's experiments
MAX_DEGREE = 20  # the largest d of the paper's experiments
MAX_OUTPUTS = 1024
MAX_FUNCTION_BYTES = 64 * 2**20  # as canonical bytes: one upload
MAX_TERMS = 1 << 24  # coefficients; k = 9, d = 20 needs 10,015,005; 272 MiB on the wire


class MalformedFunction(MalformedMessage):
    """Bytes or numbers that are no function, or not the one encoding of it."""


class Kind(IntEnum):
    """Representation of a function."""

    DENSE_QUADRATIC = 1
    SPARSE = 2


def refuse_outside(what: str, had: int, least: int, most: int) -> None:
    """Check that a number of a function lies within its limits.

    Raises:
        MalformedFunction: it does not.
    """
    if not least <= had <= most:
        raise MalformedFunction(
            "is out of range", who=f"function {what}", had=had, needed=f"{least}..{most}"
        )


@dataclass(frozen=True, slots=True)
class Header:
    """Numbers of a function, within the limits.

    Raises:
        MalformedFunction: a number is outside its limits or they contradict each other.
    """

    kind: Kind
    inputs: int
    outputs: int
    degree: int
    rows: int
    factors: int

    def __post_init__(self) -> None:
        refuse_outside("inputs", self.inputs, 1, MAX_INPUTS)
        refuse_outside("outputs", self.outputs, 1, MAX_OUTPUTS)
        refuse_outside("coefficients", self.coefficient_count, 0, MAX_TERMS)
        match self.kind:
            case Kind.DENSE_QUADRATIC:
                refuse_outside("degree", self.degree, 2, 2)
                terms = quadratic_terms(self.inputs)
                refuse_outside("rows", self.rows, terms, terms)
                refuse_outside("factors", self.factors, 0, 0)
            case Kind.SPARSE:
                refuse_outside("degree", self.degree, 0, MAX_DEGREE)
                refuse_outside("factors", self.factors, 0, self.rows * self.degree)

    @property
    def coefficient_count(self) -> int:
        """Coefficients over all outputs: what travels and lies in memory."""
        return self.rows * self.outputs

    @property
    def term_count(self) -> int:
        """Multiplications that one input costs at most: the work that is posted and priced.

        One for each coefficient. A sparse function first builds its monomials: one for each factor,
        and its powers by repeated multiplication, those of each variable once.
        """
        if self.kind is Kind.DENSE_QUADRATIC:
            return self.coefficient_count
        powers = min(self.factors, self.inputs) * max(0, self.degree - 1)
        return self.coefficient_count + self.factors + powers

    @property
    def total_bytes(self) -> int:
        """Length of the canonical bytes, header included."""
        body = self.coefficient_count * ELEMENT_BYTES
        if self.kind is Kind.SPARSE:
            body += self.rows + self.factors * FACTOR_BYTES
        return HEADER_BYTES + body

    def to_bytes(self) -> bytes:
        """The header's `HEADER_BYTES` bytes."""
        return (
            Writer()
            .fixed(MAGIC, len(MAGIC))
            .integer(VERSION, 1)
            .integer(self.kind, 1)
            .integer(self.inputs, 2)
            .integer(self.outputs, 2)
            .integer(self.degree, 1)
            .integer(self.rows, 4)
            .integer(self.factors, 4)
            .finish()
        )


def size_from_header(start: bytes) -> Header:
    """Read the header from the first bytes of a function; `Header.total_bytes` is its whole length.

    Args:
        start: at least `HEADER_BYTES` bytes; the rest is not looked at.

    Raises:
        MalformedFunction: not the start of a function, or a number outside its limits.
    """
    if len(start) < HEADER_BYTES:
        raise MalformedFunction(
            "is shorter than its header",
            who="function",
            had=f"{len(start)} bytes",
            needed=HEADER_BYTES,
        )
    reader = Reader(start[:HEADER_BYTES], who="function header")
    magic, version, kind = reader.fixed(4), reader.integer(1), reader.integer(1)
    if magic != MAGIC or version != VERSION or kind not in {known.value for known in Kind}:
        raise MalformedFunction(
            "is no function of a known kind",
            who="function header",
            had=start[:6].hex(),
            needed=f"{MAGIC.hex()}, version {VERSION}, kind 1 or 2",
        )
    return Header(
        kind=Kind(kind),
        inputs=reader.integer(2),
        outputs=reader.integer(2),
        degree=reader.integer(1),
        rows=reader.integer(4),
        factors=reader.integer(4),
    )
