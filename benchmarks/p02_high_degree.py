"""P2: one node's computation of a function of high degree (paper, figure 6b).

k = 9 inputs, d = 4..20, every monomial: 715 to 10,015,005 terms. The strongest peer splits the
variables as the kernel does, 4 and 5, and lets python-flint multiply one matrix of integers for
each degree of the first part. Plain Python, and python-flint's own polynomials, which evaluate term
by term, are measured up to the degree where that takes a second.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from flint import fmpz_mat, fmpz_mod_mpoly_ctx

from benchmarks.command import Scale, main
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import MonomialTable
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, Q
from edgemark.crypto.field.plain import FACTOR_BYTES
from edgemark.crypto.field.randomness import SeededRandomness

INPUTS = 9
LEFT = 4  # variables of the first part
DEGREES = (4, 8, 12, 16, 20)
MOST_SLOW_DEGREE = 8  # 24,310 terms, a microsecond or more each
PLAIN, FLINT, TERM_BY_TERM = "plain Python", "python-flint, split", "python-flint, term by term"
TARGETS = {"native/portable-128": ">= 3", "native/avx512-ifma": ">= 10"}
DRAWN_BYTES = 16  # of each coefficient: uniform below 2^128


def list_monomials(first: int, last: int, degree: int, row: bytes = b"") -> Iterator[bytes]:
    """All monomials in variables first..last-1, as canonical factors, in canonical order."""
    yield row
    for variable in range(first, last):
        for exponent in range(1, degree + 1):
            longer = row + variable.to_bytes(2, "big") + bytes([exponent])
            yield from list_monomials(variable + 1, last, degree - exponent, longer)


def degree_of(row: bytes) -> int:
    """Total degree of canonical factors."""
    return sum(row[2::FACTOR_BYTES])


def value_of(row: bytes, powers: list[list[int]]) -> int:
    """Value of canonical factors, from the powers of each variable."""
    value = 1
    for at in range(0, len(row), FACTOR_BYTES):
        value = value * powers[row[at + 1]][row[at + 2]] % Q
    return value


@dataclass
class Split:
    """The function as its rows in canonical order, and as matrices for the peer.

    Attributes:
        counts, factors: columns of the canonical bytes.
        lefts: by degree, the monomials in the first variables.
        rights: by degree left over, the monomials in the others.
        places: by left monomial, the rows of its terms, in the order of its `rights`.
    """

    counts: bytearray = field(default_factory=bytearray)
    factors: list[bytes] = field(default_factory=list)
    lefts: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    rights: dict[int, list[bytes]] = field(default_factory=dict)
    places: dict[bytes, tuple[int, range]] = field(default_factory=dict)


def build(degree: int) -> Split:
    """Every monomial of at most that degree: a left one, its extensions, then its terms."""
    split = Split(rights={d: list(list_monomials(LEFT, INPUTS, d)) for d in range(degree + 1)})

    def visit(variable: int, rest: int, left: bytes) -> None:
        alone = len(split.counts)
        split.counts.append(len(left) // FACTOR_BYTES)
        split.factors.append(left)
        split.lefts[degree - rest].append(left)
        for following in range(variable, LEFT):
            for exponent in range(1, rest + 1):
                factor = following.to_bytes(2, "big") + bytes([exponent])
                visit(following + 1, rest - exponent, left + factor)
        terms = split.rights[rest][1:]
        split.places[left] = alone, range(len(split.counts), len(split.counts) + len(terms))
        split.counts += bytes((len(left) + len(right)) // FACTOR_BYTES for right in terms)
        split.factors += [left + right for right in terms]

    visit(0, degree, b"")
    return split


def draw_coefficients(count: int) -> bytes:
    """Packed coefficients below 2^128."""
    drawn = SeededRandomness(b"P2", for_tests_only=True).octets(count * DRAWN_BYTES)
    packed = bytearray(count * ELEMENT_BYTES)
    for at in range(DRAWN_BYTES):
        packed[at + 1 :: ELEMENT_BYTES] = drawn[at::DRAWN_BYTES]
    return bytes(packed)


def flint_matrices(split: Split, packed: bytes) -> dict[int, fmpz_mat]:
    """For each degree of the left monomials, a row for each of them."""
    size = ELEMENT_BYTES

    def row(left: bytes) -> list[int]:
        alone, rows = split.places[left]
        return [int.from_bytes(packed[at * size : (at + 1) * size], "big") for at in (alone, *rows)]

    matrices = {}
    for own, lefts in split.lefts.items():
        rows = [row(left) for left in lefts]
        entries = [number for numbers in rows for number in numbers]
        matrices[own] = fmpz_mat(len(rows), len(rows[0]), entries)
    return matrices


def with_flint(split: Split, matrices: dict[int, fmpz_mat], x: bytes) -> bytes:
    """One matrix product for each degree of the first part, then the sum over its monomials."""
    degree = max(matrices)
    powers = [[pow(number, e, Q) for e in range(degree + 1)] for number in FIELD.unpack(x)]
    values = {right: value_of(right, powers) for right in split.rights[degree]}
    total = 0
    for own, matrix in matrices.items():
        rights = split.rights[degree - own]
        inner = matrix * fmpz_mat(len(rights), 1, [values[right] for right in rights])
        for left, number in zip(split.lefts[own], inner.entries(), strict=True):
            total += value_of(left, powers) * (int(number) % Q)
    return FIELD.pack([total % Q])


def term_by_term(split: Split, packed: bytes, x: bytes) -> Callable[[], bytes]:
    """python-flint's polynomial modulo q."""
    names = [f"x{i}" for i in range(INPUTS)]
    ring = fmpz_mod_mpoly_ctx.get(names, modulus=Q, ordering="lex")
    terms = {}
    for row, number in zip(split.factors, FIELD.unpack(packed), strict=True):
        exponents = [0] * INPUTS
        for at in range(0, len(row), FACTOR_BYTES):
            exponents[row[at + 1]] = row[at + 2]
        terms[tuple(exponents)] = number
    polynomial = ring.from_dict(terms)
    return lambda: FIELD.pack([int(polynomial(*FIELD.unpack(x)))])


def prepare(degree: int) -> dict[str, Callable[[], bytes]]:
    """Every subject with one function and input; all give the same output."""
    split = build(degree)
    packed = draw_coefficients(len(split.counts))
    x = SeededRandomness(b"x", for_tests_only=True).elements(INPUTS)
    table = MonomialTable(INPUTS, 1, bytes(split.counts), b"".join(split.factors), packed)
    names = [name for name in kernel.available() if name.startswith("native/")]
    if degree <= MOST_SLOW_DEGREE:
        names.append("python")
    subjects: dict[str, Callable[[], bytes]] = {}
    for name in names:
        evaluator = kernel.load(name).prepare_sparse(table)
        subjects[PLAIN if name == "python" else name] = partial(evaluator.evaluate, x)
    subjects[FLINT] = partial(with_flint, split, flint_matrices(split, packed), x)
    if degree <= MOST_SLOW_DEGREE:
        subjects[TERM_BY_TERM] = term_by_term(split, packed, x)
    if len({run() for run in subjects.values()}) != 1:
        raise ArithmeticError(f"the subjects disagree at d = {degree}")
    split.factors.clear()  # a gigabyte that is no longer needed
    return subjects


def measure(findings: Findings, scale: Scale) -> None:
    """Evaluate with each implementation, at each degree."""
    degrees = (2, 4) if scale.quick else DEGREES
    for degree in degrees:
        scale.tell(f"d = {degree}")
        subjects = prepare(degree)
        native = [name for name in subjects if name.startswith("native/")]
        findings.add(degree, measure_in_turn(subjects, rounds=scale.rounds))
        if TERM_BY_TERM in subjects:
            findings.compare(f"k = 9, d = {degree}", degree, native[0], TERM_BY_TERM)
        if degree == degrees[-1]:
            for name in native:
                target = TARGETS.get(name, "")
                findings.compare(f"k = 9, d = {degree}", degree, name, FLINT, target)
        subjects.clear()


if __name__ == "__main__":
    sys.exit(main("p02_high_degree", "all monomials in 9 variables", "d", measure))
