"""A whole job without chain or network: what a node computes, and what the owner reads.

For who brings shares and answers across by other means, and for trying a function out. What a job
on a chain has besides (signatures, commitments, charges) is not here: a liar is named, no more.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgemark.crypto.field.field import ELEMENT_BYTES, count_elements, require_count
from edgemark.crypto.polynomial import Polynomial
from edgemark.crypto.sharing.verification import (
    Answer,
    CheckingKey,
    Decoded,
    check_answers,
    multiply_checks,
)
from edgemark.systems.outsourcing.contract.hashes import split_share
from edgemark.systems.outsourcing.offline.sharing import OwnerSecret
from edgemark.systems.outsourcing.steps.decode import parameters_of


def compute_answer(function: Polynomial, share: bytes) -> Answer:
    """What an honest node answers: c_j = F(v(j)) and b_j = c_j w(j) (Meta-BMEOC eqs 7, 8).

    Args:
        function: F.
        share: canonical bytes of share j, of a batch of any size.

    Raises:
        RefusedInput: the share has another length, or something in it is no element.
    """
    batch = (count_elements(share, who="share") - 1) // function.inputs
    values, weight = split_share(share, function.inputs, batch)
    outputs = function.evaluate(values)
    return Answer(values=outputs, checks=multiply_checks(outputs, weight))


def read_answers(secret: OwnerSecret, answers: Mapping[int, Answer], challenge: bytes) -> Decoded:
    """Decode the answers to a sharing: the result, and who answered falsely (eq. 9, corrected).

    Args:
        secret: of the sharing.
        answers: by index, 1..m; an index without one was silent.
        challenge: random packed elements, batch * n of them, drawn now.

    Raises:
        RefusedInput: a challenge or an answer of another length, an index outside 1..m, or what is
            no element.
        Undecided: silent and false answers together are more than e.
    """
    sizes = secret.announcement
    require_count(challenge, sizes.batch * sizes.outputs, who="challenge")
    parameters = parameters_of(sizes)
    return check_answers(parameters, answers, checking_key_of(secret), challenge)


def checking_key_of(secret: OwnerSecret) -> CheckingKey:
    """Alpha and the weights w(1)..w(m) of a sharing."""
    packed = secret.weights
    starts = range(0, len(packed), ELEMENT_BYTES)
    weights = {
        j: int.from_bytes(packed[at : at + ELEMENT_BYTES], "big")
        for j, at in enumerate(starts, start=1)
    }
    return CheckingKey(secret.alpha, weights)
