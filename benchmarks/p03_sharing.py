"""P3: how long the device takes to share its input (paper, figures 4a and 6a).

k = 2000 elements among m = (d + 1) t + 1 + 2 e nodes, d = 2, e = 0, t = 1..5: the evaluation of k
polynomials of degree t at m points. Randomness is drawn before: it costs every subject the same.
"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.command import Scale, main
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from edgemark.crypto import kernel
from edgemark.crypto.randomness import Randomness

INPUTS = 2000
DEGREE = 2
THRESHOLDS = (1, 2, 3, 4, 5)
PLAIN = "plain Python"


def measure(findings: Findings, scale: Scale) -> None:
    """Share the same secret with the same coefficients by each implementation."""
    inputs = 50 if scale.quick else INPUTS
    native, plain = kernel.load("native"), kernel.load("python")
    randomness = Randomness()
    for threshold in THRESHOLDS[:2] if scale.quick else THRESHOLDS:
        scale.tell(f"t = {threshold}")
        points = range(1, (DEGREE + 1) * threshold + 2)
        secret, coefficients = randomness.elements(inputs), randomness.elements(inputs * threshold)
        shares = [each.share(secret, coefficients, points) for each in (native, plain)]
        if shares[0] != shares[1]:
            raise ArithmeticError("kernel and plain Python disagree")
        findings.add(
            threshold,
            measure_in_turn(
                {
                    native.name: partial(native.share, secret, coefficients, points),
                    PLAIN: partial(plain.share, secret, coefficients, points),
                },
                rounds=scale.rounds,
            ),
        )
        what = f"sharing k = {inputs}, t = {threshold}, m = {len(points)}"
        findings.compare(what, threshold, native.name, PLAIN, ">= 10")


if __name__ == "__main__":
    sys.exit(main("p03_sharing", "sharing k = 2000 elements", "t", measure))
