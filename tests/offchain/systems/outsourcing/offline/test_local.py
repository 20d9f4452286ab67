"""A job without a chain: who lies is named, and too many who lie or are silent is `Undecided`."""

from __future__ import annotations

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.field.field import FIELD
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.sharing.reed_solomon import Undecided
from edgemark.crypto.sharing.verification import Answer
from edgemark.errors import RefusedInput
from edgemark.systems.outsourcing.offline.local import compute_answer, read_answers
from edgemark.systems.outsourcing.offline.sharing import Sharing, make_sharing

FUNCTION = cast.dense_function()
BATCH = FIELD.pack(range(1, 2 * FUNCTION.inputs + 1))
RESULT = FUNCTION.evaluate(BATCH)


@pytest.fixture
def sharing() -> Sharing:
    return make_sharing(FUNCTION, BATCH, threshold=1, errors=1, randomness=Randomness())


@pytest.fixture
def answers(sharing: Sharing) -> dict[int, Answer]:
    return {j: compute_answer(FUNCTION, share) for j, share in enumerate(sharing.shares, start=1)}


def challenge() -> bytes:
    return Randomness().elements(2 * FUNCTION.outputs)


def test_read_answers__of_honest_nodes__is_the_result(
    sharing: Sharing, answers: dict[int, Answer]
) -> None:
    found = read_answers(sharing.secret, answers, challenge())
    assert (found.result, found.liars) == (RESULT, frozenset())


@pytest.mark.parametrize("liar", range(1, 7))
def test_read_answers__one_lies__it_is_named(
    sharing: Sharing, answers: dict[int, Answer], liar: int
) -> None:
    answers[liar] = compute_answer(FUNCTION, sharing.shares[liar % 6])
    found = read_answers(sharing.secret, answers, challenge())
    assert (found.result, found.liars) == (RESULT, {liar})


def test_read_answers__one_is_silent__is_the_result(
    sharing: Sharing, answers: dict[int, Answer]
) -> None:
    del answers[4]
    assert read_answers(sharing.secret, answers, challenge()).result == RESULT


def test_read_answers__one_lies_and_one_is_silent__is_undecided(
    sharing: Sharing, answers: dict[int, Answer]
) -> None:
    del answers[4]
    answers[2] = compute_answer(FUNCTION, sharing.shares[2])
    with pytest.raises(Undecided):
        read_answers(sharing.secret, answers, challenge())


@pytest.mark.parametrize("cut", [0, 1, -1, -17])
def test_compute_answer__a_share_of_another_length__is_refused(sharing: Sharing, cut: int) -> None:
    with pytest.raises(RefusedInput):
        compute_answer(FUNCTION, sharing.shares[0][:cut])


@pytest.mark.parametrize("elements", [0, 1, 3])
def test_read_answers__a_challenge_of_another_length__is_refused_as_the_challenge(
    sharing: Sharing, answers: dict[int, Answer], elements: int
) -> None:
    drawn = Randomness().elements(elements * FUNCTION.outputs)
    words = (
        f"challenge: has the wrong number of elements; had {elements * FUNCTION.outputs}; needed"
    )
    with pytest.raises(RefusedInput, match=words):
        read_answers(sharing.secret, answers, drawn)
