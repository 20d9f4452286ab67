"""P3: how long the device takes to share its input (paper, figures 4a and 6a).

k = 2000 elements among m = (d + 1) t + 1 + 2 e nodes, d = 2, e = 0, t = 1..5: the evaluation of k
polynomials of degree t at m points. Randomness is drawn before: it costs every subject the same.
python-flint multiplies the matrix of the points' powers with that of the coefficients.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from flint import fmpz_mat

from benchmarks.command import Scale, main
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from edgemark.crypto.field import kernel
from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.field.randomness import Randomness

INPUTS = 2000
DEGREE = 2
THRESHOLDS = (1, 2, 3, 4, 5)
PLAIN, FLINT = "plain Python", "python-flint"


def with_flint(secret: bytes, coefficients: bytes, points: Sequence[int]) -> list[bytes]:
    """One product of integer matrices: (m x (t + 1)) * ((t + 1) x k)."""
    numbers = FIELD.unpack(secret) + FIELD.unpack(coefficients)
    width = len(FIELD.unpack(secret))
    height = len(numbers) // width
    powers = [pow(point, exponent, Q) for point in points for exponent in range(height)]
    product = fmpz_mat(len(points), height, powers) * fmpz_mat(height, width, numbers)
    shares = [int(number) % Q for number in product.entries()]
    return [FIELD.pack(shares[at : at + width]) for at in range(0, len(shares), width)]


def measure(findings: Findings, scale: Scale) -> None:
    """Share the same secret with the same coefficients by each implementation."""
    inputs = 50 if scale.quick else INPUTS
    names = [name for name in kernel.available() if name.startswith("native/")]
    randomness = Randomness()
    for threshold in THRESHOLDS[:2] if scale.quick else THRESHOLDS:
        scale.tell(f"t = {threshold}")
        points = range(1, (DEGREE + 1) * threshold + 2)
        asked = randomness.elements(inputs), randomness.elements(inputs * threshold), points
        subjects = {name: partial(kernel.load(name).share, *asked) for name in names}
        subjects[PLAIN] = partial(kernel.load("python").share, *asked)
        subjects[FLINT] = partial(with_flint, *asked)
        if len({tuple(run()) for run in subjects.values()}) != 1:
            raise ArithmeticError("the subjects disagree")
        findings.add(threshold, measure_in_turn(subjects, rounds=scale.rounds))
        what = f"sharing k = {inputs}, t = {threshold}, m = {len(points)}"
        for peer in (PLAIN, FLINT):
            findings.compare(what, threshold, names[0], peer, ">= 10")


if __name__ == "__main__":
    sys.exit(main("p03_sharing", "sharing k = 2000 elements", "t", measure))
