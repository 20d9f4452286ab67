"""P4: the device's whole cost against computing F itself, by degree d (the paper's figure 6).

k = 9, all monomials up to degree d, t = 1, e = 1, m = d + 4, one output, one input. The number of
terms grows as (9 + d over d), the device's work as d.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from functools import partial

from benchmarks.command import Scale, main
from benchmarks.crossing import tell_crossings
from benchmarks.device_work import RANDOMNESS, DeviceWork
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from benchmarks.p04_device_cost import DEVICE, KERNEL, PLAIN, check
from edgemark.crypto import kernel
from edgemark.crypto.field import FIELD
from edgemark.crypto.polynomial import SparsePolynomial

INPUTS = 9
DEGREES = (2, 4, 6, 8, 10, 12)  # 293,930 terms at the last: plain Python takes a second for them


def draw_full(degree: int) -> SparsePolynomial:
    """Every monomial of nine variables up to a degree, with random coefficients."""
    monomials = [
        monomial
        for size in range(degree + 1)
        for monomial in itertools.combinations_with_replacement(range(INPUTS), size)
    ]
    coefficients = FIELD.unpack(RANDOMNESS.elements(len(monomials)))
    terms = {each: [value] for each, value in zip(monomials, coefficients, strict=True)}
    return SparsePolynomial.from_terms(INPUTS, 1, terms)


def measure(findings: Findings, scale: Scale) -> None:
    """One function a degree."""
    plain = kernel.load("python")
    for degree in DEGREES[:2] if scale.quick else DEGREES:
        scale.tell(f"d = {degree}")
        work = DeviceWork.prepare(draw_full(degree))
        check(work)
        subjects: dict[str, Callable[[], object]] = {
            DEVICE: work.spend,
            KERNEL: work.evaluate,
            PLAIN: partial(work.function.evaluate, work.batch, plain),
        }
        findings.add(degree, measure_in_turn(subjects, rounds=scale.rounds))
        terms = work.function.term_count
        for peer in (KERNEL, PLAIN):
            findings.compare(f"k = 9, d = {degree}, {terms} terms", degree, DEVICE, peer)
    tell_crossings(findings, DEVICE, (KERNEL, PLAIN), "d")


if __name__ == "__main__":
    sys.exit(main("p04_device_cost_degree", "the device's cost by degree, k = 9", "d", measure))
