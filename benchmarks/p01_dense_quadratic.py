"""P1: one node's computation of a dense quadratic function (paper, figure 4b).

k = 200..2000 inputs, one output, one input vector: z^T A z with (k+1)(k+2)/2 coefficients. Every
subject keeps the function in its own form, takes the packed input and gives the packed output. The
peers go row by row, F = sum over i of z_i (sum over j of a_ij z_j), as plain Python does: gmpy2
with its integers, python-flint with its matrices of integers (no slower here than those modulo q).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from operator import mul

import gmpy2
from flint import fmpz_mat

from benchmarks.command import Scale, main
from benchmarks.findings import Findings, Point, Ratio
from benchmarks.measuring import measure_in_turn
from edgemark.crypto.field import kernel
from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.field.plain import quadratic_terms
from edgemark.crypto.field.randomness import SeededRandomness

SIZES = (200, 500, 1000, 1500, 2000)
PLAIN, GMPY2, FLINT = "plain Python", "gmpy2", "python-flint"
TARGETS = {"native/portable-128": ">= 4", "native/avx512-ifma": ">= 15"}


def with_gmpy2(rows: list[list[int]], x: bytes) -> bytes:
    """The sums in plain Python, of rows that hold gmpy2's integers."""
    z = [gmpy2.mpz(1), *map(gmpy2.mpz, FIELD.unpack(x))]
    total = sum(z[i] * (sum(map(mul, row, z[i:])) % Q) for i, row in enumerate(rows))
    return FIELD.pack([int(total % Q)])


def with_flint(matrix: fmpz_mat, x: bytes) -> bytes:
    """Two matrix products over the integers."""
    z = [1, *FIELD.unpack(x)]
    value = (fmpz_mat(1, len(z), z) * (matrix * fmpz_mat(len(z), 1, z)))[0, 0]
    return FIELD.pack([int(value) % Q])


def prepare(inputs: int) -> dict[str, Callable[[], bytes]]:
    """Every subject with one random function and input; all give the same output."""
    draw = SeededRandomness(b"P1", for_tests_only=True)
    coefficients, x = draw.elements(quadratic_terms(inputs)), draw.elements(inputs)
    native = [name for name in kernel.available() if name.startswith("native/")]
    subjects: dict[str, Callable[[], bytes]] = {}
    for name in [*native, "python"]:
        evaluator = kernel.load(name).prepare_quadratic(coefficients, inputs, 1)
        subjects[PLAIN if name == "python" else name] = partial(evaluator.evaluate, x)
    numbers = iter(FIELD.unpack(coefficients))
    rows = [list(islice(numbers, inputs + 1 - i)) for i in range(inputs + 1)]
    matrix = [number for i, row in enumerate(rows) for number in [0] * i + row]
    subjects[FLINT] = partial(with_flint, fmpz_mat(inputs + 1, inputs + 1, matrix), x)
    subjects[GMPY2] = partial(with_gmpy2, [list(map(gmpy2.mpz, row)) for row in rows], x)
    if len({run() for run in subjects.values()}) != 1:
        raise ArithmeticError(f"the subjects disagree at k = {inputs}")
    return subjects


def compare_per_term(findings: Findings, name: str, small: int, large: int) -> None:
    """Whether the cost is linear: a term of the small function against one of the large."""
    points = []
    for inputs in (small, large):
        found, terms = findings.point(name, inputs), quadratic_terms(inputs)
        scaled = (found.value / terms, found.low / terms, found.high / terms)
        points.append(Point(name, inputs, *scaled, "s", found.samples))
    before, after = points
    what = f"a term at k = {small} against one at k = {large}"
    low, high = before.low / after.high, before.high / after.low
    findings.ratios.append(
        Ratio(what, f"{name}, k = {large}", f"k = {small}", before.value / after.value, low, high)
    )


def measure(findings: Findings, scale: Scale) -> None:
    """Evaluate with each implementation, at each size."""
    sizes = (20, 40) if scale.quick else SIZES
    for inputs in sizes:
        scale.tell(f"k = {inputs}")
        subjects = prepare(inputs)
        findings.add(inputs, measure_in_turn(subjects, rounds=scale.rounds))
    for inputs in (sizes[0], sizes[-1]):
        for name in [name for name in subjects if name.startswith("native/")]:
            target = TARGETS.get(name, "")
            findings.compare(f"dense quadratic, k = {inputs}", inputs, name, FLINT, target)
    fastest = next(iter(subjects))
    for peer in (GMPY2, PLAIN):
        findings.compare(f"dense quadratic, k = {sizes[-1]}", sizes[-1], fastest, peer)
    for name in [name for name in subjects if name.startswith("native/")]:
        compare_per_term(findings, name, sizes[(len(sizes) - 1) // 2], sizes[-1])


if __name__ == "__main__":
    sys.exit(main("p01_dense_quadratic", "dense quadratic evaluation", "k", measure))
