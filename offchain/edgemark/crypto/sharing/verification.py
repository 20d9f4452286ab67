"""The device's check of the answers: who lied, and what F(x) is.

Source: Meta-BMEOC IV-A, eqs 6-9, corrected (the paper interpolates all answers, so one liar or one
silent node denies the result, and nobody can be named).

Notation: m nodes, t threshold, d degree of F, e errors survived, s silent nodes, phi = F(v(u)) of
degree dt, w of degree t with w(0) = alpha, psi = phi * w of degree (d+1)t, c_j = phi(j),
b_j = psi(j) = c_j w(j).

| paper step                     | function          | correction                                  |
|--------------------------------|-------------------|---------------------------------------------|
| eq 7, node's check value       | `multiply_checks` |                                             |
| 5) reconstruct phi, psi        | `check_answers`   | decode c only, radius e - s, one error set  |
| eq 9, psi(0) = alpha phi(0)    | `check_answers`   | over the indices that are left              |

b names nobody by decoding: two liars can shift b so that a decoder of b "corrects" an honest node.
It is compared point by point with c_j w(j), which the device can compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest

from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.field import (
    ELEMENT_BYTES,
    NotAnElement,
    PrimeField,
    count_elements,
    require_count,
)
from edgemark.crypto.sharing.reed_solomon import Undecided, decode
from edgemark.crypto.sharing.shamir import MAX_POINTS, check_points, interpolate_at_zero
from edgemark.errors import RefusedInput


def compute_least_nodes(degree: int, threshold: int, errors: int) -> int:
    """(d+1)t + 1 + 2e, the least m: so many verify the result and survive e liars."""
    return (degree + 1) * threshold + 1 + 2 * errors


@dataclass(frozen=True, slots=True)
class SharingParameters:
    """Numbers of one sharing: m >= (d+1)t + 1 + 2e and 0 <= e <= t.

    Args:
        node_count: m, 1..255.
        threshold: t >= 1, colluding nodes that learn nothing.
        degree: d >= 1, total degree of F.
        errors: e, liars or silent nodes that are survived.

    Raises:
        RefusedInput: a number is out of range or there are too few nodes.
    """

    node_count: int
    threshold: int
    degree: int
    errors: int

    def __post_init__(self) -> None:
        least_nodes = compute_least_nodes(self.degree, self.threshold, self.errors)
        bounds = {
            "threshold": (self.threshold, 1, MAX_POINTS),
            "degree": (self.degree, 1, MAX_POINTS),
            "errors": (self.errors, 0, self.threshold),
            "node count": (self.node_count, least_nodes, MAX_POINTS),
        }
        for name, (had, least, most) in bounds.items():
            if not least <= had <= most:
                raise RefusedInput(
                    "is out of range",
                    who=name,
                    had=had,
                    needed=f"{least}..{most}",
                    remedy="m >= (d+1)t + 1 + 2e with 0 <= e <= t.",
                )

    @property
    def points(self) -> range:
        """The evaluation points 1..m."""
        return range(1, self.node_count + 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one node returned for a batch; not shown, d*t + 1 of them are the result in clear.

    Args:
        values: packed c_j, B x n.
        checks: packed b_j, B x n.
    """

    values: bytes = field(repr=False)
    checks: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckingKey:
    """The device's secret for one sharing attempt; never used for a second one.

    Args:
        alpha: w(0), not 0.
        weights: w(j) for each point j.

    Raises:
        RefusedInput: alpha is 0.
    """

    alpha: int = field(repr=False)
    weights: Mapping[int, int] = field(repr=False)

    def __post_init__(self) -> None:
        if self.alpha == 0:
            raise RefusedInput(
                "is zero, which would accept every answer", who="checking key", needed="1..q-1"
            )

    @classmethod
    def from_coefficients(
        cls,
        alpha: int,
        gammas: bytes,
        points: Sequence[int],
        arithmetic: Arithmetic | None = None,
    ) -> CheckingKey:
        """w(u) = alpha + sum gamma_i u^i at every point.

        Args:
            alpha: uniform in 1..q-1.
            gammas: packed gamma_1 .. gamma_t, uniform.
            points: evaluation points.
            arithmetic: the field; the active kernel when not given.

        Raises:
            RefusedInput: bad points, or something that is no element.
        """
        arithmetic = arithmetic or kernel.active()
        check_points(points, arithmetic.modulus)
        plain = PrimeField(arithmetic.modulus)
        shares = arithmetic.share(plain.pack([alpha]), gammas, points)
        return cls(alpha, {j: plain.unpack(w)[0] for j, w in zip(points, shares, strict=True)})


@dataclass(frozen=True, slots=True)
class Decoded:
    """The result, and who answered falsely.

    Args:
        result: packed phi(0) = F(x), B x n; not shown.
        liars: indices whose c or b is wrong, at most e minus the silent.
    """

    result: bytes = field(repr=False)
    liars: frozenset[int]


def multiply_checks(values: bytes, weight: int, arithmetic: Arithmetic | None = None) -> bytes:
    """b_j = c_j * w(j) for all outputs: what a node returns beside c_j (eq 7).

    Raises:
        RefusedInput: something is no element.
    """
    return (arithmetic or kernel.active()).scale(values, weight)


def check_answers(
    parameters: SharingParameters,
    answers: Mapping[int, Answer],
    key: CheckingKey,
    challenge: bytes,
    arithmetic: Arithmetic | None = None,
) -> Decoded:
    """Decode the answers of one sharing; the indices without an answer are the silent ones.

    Args:
        parameters: m, t, d, e.
        answers: by index; only what verified for this task. Answers that are no elements of the
            field or of the wrong length do not verify: leave them out.
        key: alpha and w(1..m) of this attempt.
        challenge: packed random elements, one for each of the B x n outputs, drawn now.
        arithmetic: the field; the active kernel when not given.

    Raises:
        RefusedInput: an index outside 1..m, or lengths that differ.
        Undecided: silent and false answers together are more than e.
    """
    arithmetic = arithmetic or kernel.active()
    _check_shapes(parameters, answers, key, challenge, arithmetic)
    silent = parameters.node_count - len(answers)
    if silent > parameters.errors:
        raise _undecided("too many nodes are silent", silent, parameters.errors)
    points = sorted(answers)
    codeword = decode(
        points,
        [answers[j].values for j in points],
        parameters.degree * parameters.threshold,
        parameters.errors - silent,
        challenge,
        arithmetic,
    )
    inconsistent = _find_inconsistent(points, answers, key, arithmetic)
    liars = codeword.errors | inconsistent
    if len(liars) + silent > parameters.errors:
        raise _undecided("too many answers are false", len(liars) + silent, parameters.errors)
    left = [j for j in points if j not in liars]
    at_zero = interpolate_at_zero(left, [answers[j].checks for j in left], arithmetic)
    if not compare_digest(at_zero, arithmetic.scale(codeword.at_zero, key.alpha)):
        raise _undecided("psi(0) is not alpha * phi(0)", len(liars) + silent, parameters.errors)
    return Decoded(result=codeword.at_zero, liars=frozenset(liars))


def _find_inconsistent(
    points: Sequence[int],
    answers: Mapping[int, Answer],
    key: CheckingKey,
    arithmetic: Arithmetic,
) -> frozenset[int]:
    """The points whose b_j is not c_j w(j) in some output: one product for all of them."""
    length = len(answers[points[0]].values)
    width = length // ELEMENT_BYTES
    weights = [key.weights[j].to_bytes(ELEMENT_BYTES, "big") * width for j in points]
    values = [answers[j].values for j in points]
    products = arithmetic.multiply(b"".join(values), b"".join(weights))
    return frozenset(
        j
        for at, j in enumerate(points)
        if not compare_digest(products[at * length : (at + 1) * length], answers[j].checks)
    )


def _check_shapes(
    parameters: SharingParameters,
    answers: Mapping[int, Answer],
    key: CheckingKey,
    challenge: bytes,
    arithmetic: Arithmetic,
) -> None:
    width = count_elements(challenge, who="challenge")
    points = parameters.points
    for j, answer in answers.items():
        if j not in points:
            raise RefusedInput(
                "is no index of this sharing",
                who="answer",
                had=j,
                needed=f"1..{parameters.node_count}",
            )
        if j not in key.weights:
            raise RefusedInput("has no w(j)", who="checking key", had=j, needed="every index")
        for name, packed in (("values", answer.values), ("checks", answer.checks)):
            if len(packed) != len(challenge):
                require_count(packed, width, who=f"answer {j}, {name}")
    try:
        arithmetic.check(b"".join(a.values + a.checks for a in answers.values()))
    except NotAnElement:
        _refuse_elements(answers, arithmetic)
        raise


def _refuse_elements(answers: Mapping[int, Answer], arithmetic: Arithmetic) -> None:
    """Raise `NotAnElement` with the answer that holds a number of q or more."""
    for j, answer in answers.items():
        for name, packed in (("values", answer.values), ("checks", answer.checks)):
            try:
                arithmetic.check(packed)
            except NotAnElement as error:
                raise NotAnElement(
                    "is not an element of the field", who=f"answer {j}, {name}", needed="0..q-1"
                ) from error


def _undecided(what: str, had: int, most: int) -> Undecided:
    return Undecided(
        what,
        who="answers",
        had=f"{had} silent or false",
        needed=f"at most {most}",
        remedy="Share afresh, with other nodes.",
    )
