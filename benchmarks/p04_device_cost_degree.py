"""P4: the device's whole cost against computing F itself, by degree d (the paper's figure 6).

k = 9, all monomials up to degree d, t = 1, e = 1, m = d + 4, one output, one input. The number of
terms grows as (9 + d over d), the device's work as d.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.command import Scale, main
from benchmarks.crossing import tell_crossings
from benchmarks.device_work import RANDOMNESS, DeviceWork
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from benchmarks.p04_device_cost import DEVICE, KERNEL, PLAIN, check
from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import MonomialTable
from edgemark.crypto.field.plain import FACTOR_BYTES
from edgemark.crypto.polynomial import SparsePolynomial
from edgemark.crypto.polynomial.header import Header, Kind

INPUTS = 9
DEGREES = (2, 4, 6, 8, 10, 12, 14, 15)  # beyond, F is longer than a job may bring
MOST_PLAIN_DEGREE = 12  # 293,930 terms: plain Python takes a second for them


def list_rows(first: int, degree: int, row: bytes = b"") -> Iterator[bytes]:
    """Canonical factors of all monomials in the variables from `first` on, in canonical order."""
    yield row
    for variable in range(first, INPUTS):
        for exponent in range(1, degree + 1):
            factor = variable.to_bytes(2, "big") + bytes([exponent])
            yield from list_rows(variable + 1, degree - exponent, row + factor)


def draw_full(degree: int) -> SparsePolynomial:
    """Every monomial of nine variables up to a degree, with random coefficients."""
    rows = list(list_rows(0, degree))
    counts = bytes(len(row) // FACTOR_BYTES for row in rows)
    coefficients = RANDOMNESS.elements(len(rows))
    table = MonomialTable(INPUTS, 1, counts, b"".join(rows), coefficients)
    header = Header(Kind.SPARSE, INPUTS, 1, degree, len(rows), sum(counts))
    return SparsePolynomial(header, table)


def measure(findings: Findings, scale: Scale) -> None:
    """One function a degree."""
    plain = kernel.load("python")
    for degree in DEGREES[:2] if scale.quick else DEGREES:
        scale.tell(f"d = {degree}")
        work = DeviceWork.prepare(draw_full(degree))
        check(work)
        subjects: dict[str, Callable[[], object]] = {DEVICE: work.spend, KERNEL: work.evaluate}
        if degree <= MOST_PLAIN_DEGREE:
            subjects[PLAIN] = partial(work.function.evaluate, work.batch, plain)
        findings.add(degree, measure_in_turn(subjects, rounds=scale.rounds))
        terms = work.function.term_count
        for peer in list(subjects)[1:]:
            findings.compare(f"k = 9, d = {degree}, {terms} terms", degree, DEVICE, peer)
    tell_crossings(findings, DEVICE, (KERNEL, PLAIN), "d")


if __name__ == "__main__":
    sys.exit(main("p04_device_cost_degree", "the device's cost by degree, k = 9", "d", measure))
