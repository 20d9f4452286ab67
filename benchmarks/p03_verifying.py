"""P3: how long the device takes to verify the answers and reconstruct (paper, figures 4c and 6c).

One output, m = (d + 1) t + 1 answers with d = 2 and t = 1..5, all honest, or (e = t, m = 5 t + 1)
with as many liars as are survived: decode, name the liars, compare the check values, interpolate.
Signatures are not part of it. The peer does the same with plain Python's arithmetic; the target is
a time, so the ratio to it is that of the limit to ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from benchmarks.command import Scale, main
from benchmarks.findings import Findings, Point
from benchmarks.measuring import measure_in_turn
from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.sharing.verification import (
    Answer,
    CheckingKey,
    Decoded,
    SharingParameters,
    check_answers,
    multiply_checks,
)

DEGREE = 2
THRESHOLDS = (1, 2, 3, 4, 5)
LIMIT_S, LIMIT = 50e-6, "50 us"
MOST_NODES = 16  # up to which the limit is for
PLAIN = "plain Python"


def prepare(threshold: int, errors: int) -> Callable[[Arithmetic], Decoded]:
    """Answers of one sharing, with `errors` liars among them; what the device does with them."""
    randomness = Randomness()
    nodes = (DEGREE + 1) * threshold + 1 + 2 * errors
    parameters = SharingParameters(nodes, threshold, DEGREE, errors)
    shares = kernel.active().share(
        randomness.elements(1), randomness.elements(DEGREE * threshold), parameters.points
    )
    key = CheckingKey.from_coefficients(
        randomness.nonzero_element(), randomness.elements(threshold), parameters.points
    )
    answers = {}
    for j, honest in zip(parameters.points, shares, strict=True):
        value = randomness.elements(1) if j <= errors else honest
        answers[j] = Answer(value, multiply_checks(value, key.weights[j]))
    challenge = randomness.elements(1)
    decoded = check_answers(parameters, answers, key, challenge)
    if decoded.liars != frozenset(range(1, errors + 1)):
        raise ArithmeticError("the liars were not named")
    return partial(check_answers, parameters, answers, key, challenge)


def measure(findings: Findings, scale: Scale) -> None:
    """Honest answers at every m, and answers with liars."""
    native, plain = kernel.load("native"), kernel.load("python")
    for threshold in THRESHOLDS[:2] if scale.quick else THRESHOLDS:
        scale.tell(f"t = {threshold}")
        honest, lied = prepare(threshold, 0), prepare(threshold, threshold)
        nodes, more = (DEGREE + 1) * threshold + 1, (DEGREE + 3) * threshold + 1
        subjects = {native.name: partial(honest, native), PLAIN: partial(honest, plain)}
        findings.add(nodes, measure_in_turn(subjects, rounds=scale.rounds))
        liars = f"{native.name}, e = t liars"
        subjects = {liars: partial(lied, native)}
        findings.add(more, measure_in_turn(subjects, rounds=scale.rounds))
        findings.points.append(Point(LIMIT, nodes, LIMIT_S, LIMIT_S, LIMIT_S, "s", 1))
        what = f"verify and reconstruct, m = {nodes}"
        findings.compare(what, nodes, native.name, PLAIN)
        target = ">= 1" if nodes <= MOST_NODES else ""
        findings.compare(what, nodes, native.name, LIMIT, target)


if __name__ == "__main__":
    sys.exit(main("p03_verifying", "verifying and reconstructing one output", "m", measure))
