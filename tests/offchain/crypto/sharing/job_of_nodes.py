"""One sharing with its honest answers, for tests that let some of the nodes lie.

The outsourced function is a random dense quadratic (d = 2) with two outputs, the batch two inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.offchain.crypto.elements import seeded

from edgemark.crypto.field.field import FIELD, Q, element_at
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import DenseQuadratic
from edgemark.crypto.sharing.shamir import share
from edgemark.crypto.sharing.verification import (
    Answer,
    CheckingKey,
    Decoded,
    SharingParameters,
    check_answers,
    multiply_checks,
)

INPUTS, OUTPUTS, BATCH = 3, 2, 2
WIDTH = BATCH * OUTPUTS


@dataclass
class SharedJob:
    """What the device knows, and the answer of every node; tests overwrite answers."""

    parameters: SharingParameters
    key: CheckingKey
    answers: dict[int, Answer]
    truth: bytes
    draw: Randomness

    def check(self, silent: set[int] | frozenset[int] = frozenset()) -> Decoded:
        """Let the device check what the nodes that are not silent answered."""
        present = {j: answer for j, answer in self.answers.items() if j not in silent}
        return check_answers(self.parameters, present, self.key, self.draw.elements(WIDTH))

    def lie(self, j: int, offsets: list[int], *, consistent: bool = True) -> None:
        """Node j adds offsets to its values; with or without the check values that fit them."""
        values = FIELD.add(self.answers[j].values, FIELD.pack(n % Q for n in offsets))
        checks = self.answers[j].checks
        if consistent:
            checks = multiply_checks(values, self.key.weights[j])
        self.answers[j] = Answer(values, checks)


def make_job(parameters: SharingParameters, seed: object) -> SharedJob:
    """Share a random input of a random function and let every node answer honestly."""
    draw = seeded(seed)
    t, points = parameters.threshold, list(parameters.points)
    terms = (INPUTS + 1) * (INPUTS + 2) // 2
    function = DenseQuadratic(INPUTS, OUTPUTS, draw.elements(OUTPUTS * terms))
    x = draw.elements(BATCH * INPUTS)
    shares = share(x, t, points, draw.elements(t * BATCH * INPUTS))
    key = CheckingKey.from_coefficients(draw.nonzero_element(), draw.elements(t), points)
    answers = {}
    for j, inputs in zip(points, shares, strict=True):
        values = function.evaluate(inputs)
        answers[j] = Answer(values, multiply_checks(values, key.weights[j]))
    return SharedJob(parameters, key, answers, function.evaluate(x), draw)


def evaluate_at(coefficients: list[int], u: int) -> int:
    """A polynomial in one variable, from the constant up."""
    return sum(c * u**i for i, c in enumerate(coefficients)) % Q


def vanishing_at(points: list[int]) -> list[int]:
    """Coefficients of product (u - point)."""
    coefficients = [1]
    for point in points:
        shifted, scaled = [0, *coefficients], [-point * c for c in coefficients] + [0]
        coefficients = [(a + b) % Q for a, b in zip(shifted, scaled, strict=True)]
    return coefficients


def column(answer: bytes, at: int) -> int:
    """One output of one input."""
    return element_at(answer, at)
