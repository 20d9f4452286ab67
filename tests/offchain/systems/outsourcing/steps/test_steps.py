"""Share, compute, decode in memory: right or refused, the liar named, an honest node never."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.ethereum.merkle import BranchMismatch
from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.crypto.field.field import FIELD, NotAnElement, Q, element_at
from edgemark.crypto.polynomial import Polynomial
from edgemark.crypto.sharing.shamir import share
from edgemark.errors import RefusedInput
from edgemark.identifiers import ShareIndex
from edgemark.systems.outsourcing.contract.hashes import encode_share
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.events import (
    FoundResultUndecided,
    FoundResultValid,
    Order,
)
from edgemark.systems.outsourcing.protocol.messages import Answer
from edgemark.systems.outsourcing.steps.charging import Docket
from edgemark.systems.outsourcing.steps.compute import (
    WrongFunction,
    WrongTask,
    check_function,
    check_task,
)
from edgemark.systems.outsourcing.steps.decode import (
    WrongAnswer,
    check_opens,
    check_outputs,
    check_signed_answer,
    decode_answers,
)
from edgemark.systems.outsourcing.steps.share import SharingSecrets, make_shares, share_inputs

EACH_FUNCTION = pytest.mark.parametrize("function", cast.FUNCTIONS.values(), ids=cast.FUNCTIONS)
TWO = replace(cast.WISH, threshold=2, errors=2)  # room for combinations


def answers_of(order: Order, function: Polynomial) -> dict[int, Answer]:
    """What all nodes answer when all are honest."""
    return {
        index: cast.right_answer(order, index, function)
        for index in range(1, order.terms.node_count + 1)
    }


def decoded(order: Order, answers: dict[int, Answer], name: str = "challenge") -> Any:
    """What the device finds."""
    terms = order.terms
    challenge = cast.seeded(name).elements(terms.batch * terms.outputs)
    open_ = frozenset(range(1, terms.node_count + 1))
    lot = cast.seeded(f"lot of {name}").octets(32)
    docket = Docket(open_, terms.errors, terms.errors, is_last=True, lot=lot)
    return decode_answers(order, answers.values(), challenge, docket)


# --- end to end --------------------------------------------------------------------------------


@EACH_FUNCTION
def test_honest_nodes__give_the_result_of_the_plain_function(function: Polynomial) -> None:
    order, result = cast.job_of(function)
    check_function(function, order.terms)
    for task in order.tasks:
        check_task(task, order.terms, order.root)
    found = decoded(order, answers_of(order, function))
    assert found == FoundResultValid(result, (), ())


@EACH_FUNCTION
@given(data=st.data())
def test_planted_liars_and_silent_nodes__are_named_or_it_is_undecided(
    function: Polynomial, data: Any
) -> None:
    wish = data.draw(st.sampled_from([cast.WISH, TWO]))
    order, result = cast.job_of(function, wish)
    answers = answers_of(order, function)
    m, t, e = order.terms.node_count, order.terms.threshold, order.terms.errors
    faulty = data.draw(st.lists(st.integers(1, m), unique=True, max_size=t + e))
    silent = data.draw(st.integers(0, len(faulty)))
    mute, liars = sorted(faulty[:silent]), sorted(faulty[silent:])
    for index in mute:
        del answers[index]
    for index in liars:
        answers[index] = cast.sign_again(
            order, index, data.draw(lies_about(order, index, function))
        )
    found = decoded(order, answers)
    if len(faulty) <= e:
        assert found == FoundResultValid(result, tuple(liars), tuple(mute))
    elif isinstance(found, FoundResultValid):
        assert found.result == result
        assert set(found.liars) <= set(liars)
    else:
        assert len(found.suspects) + len(found.silent) <= e


def lies_about(order: Order, index: int, function: Polynomial) -> st.SearchStrategy[bytes]:
    """Ways to be wrong: c with a b that fits, c alone, b alone, one component only, collusion."""
    honest = cast.right_outputs(function, order, index)
    half = len(honest) // 2
    count = half // 17
    one = FIELD.pack([0] * (count - 1) + [1])
    together = cast.seeded("collusion").elements(count)
    return st.sampled_from(
        [
            cast.lie_about_values(honest, order, index),
            cast.lie_about_values(honest, order, index, one),
            cast.lie_about_values(honest, order, index, together),
            cast.lie_about_checks(honest),
            FIELD.add(honest[:half], one) + honest[half:],
            bytes(len(honest)),
        ]
    )


@EACH_FUNCTION
@pytest.mark.parametrize("index", [1, 4, 6])
@pytest.mark.parametrize("lie", ["values", "checks"])
def test_one_liar__is_named_and_the_judges_agree(
    function: Polynomial, index: int, lie: str
) -> None:
    order, result = cast.job_of(function)
    answers = answers_of(order, function)
    honest = answers[index].outputs
    false = (
        cast.lie_about_values(honest, order, index)
        if lie == "values"
        else cast.lie_about_checks(honest)
    )
    answers[index] = cast.sign_again(order, index, false)
    found = decoded(order, answers)
    assert found == FoundResultValid(result, (ShareIndex(index),), ())
    commitment = cast.commitment_to(answers[index], cast.NODES[index - 1])
    assert cast.judged(order, answers[index], function, commitment=commitment) is Finding.WRONG


def test_undecided__charges_the_proven_for_certain_and_the_silent_when_nobody_else_failed() -> None:
    order, _ = cast.job_of(cast.dense_function())
    answers = answers_of(order, cast.dense_function())
    answers[2] = cast.sign_again(order, 2, cast.lie_about_checks(answers[2].outputs))
    answers[5] = cast.sign_again(order, 5, cast.lie_about_values(answers[5].outputs, order, 5))
    found = decoded(order, answers)
    assert isinstance(found, FoundResultUndecided)
    assert (found.suspects, found.silent) == ((2,), ())
    answers = answers_of(order, cast.dense_function())
    del answers[1], answers[2]
    drawn = [decoded(order, answers, f"challenge {n}") for n in range(20)]
    assert {(found.suspects, found.silent) for found in drawn} == {((), (1,)), ((), (2,))}


@given(name=st.text(min_size=1, max_size=5), planted=st.integers(0, 3))
def test_undecided__never_charges_more_than_e_nor_one_index_twice(name: str, planted: int) -> None:
    order, _ = cast.job_of(cast.dense_function(), TWO)
    answers = answers_of(order, cast.dense_function())
    for index in range(1, planted + 1):
        del answers[index]
    for index in range(8, 11):
        false = cast.lie_about_values(
            answers[index].outputs, order, index, cast.seeded(f"lie {index}").elements(4)
        )
        answers[index] = cast.sign_again(order, index, false)
    found = decoded(order, answers, name)
    assert isinstance(found, FoundResultUndecided)
    chosen = [*found.suspects, *found.silent]
    assert len(chosen) == len(set(chosen)) <= 2
    assert set(found.silent) <= set(range(1, planted + 1))
    assert set(found.suspects) <= set(answers)


def test_undecided__draws_every_node_as_often_as_another() -> None:
    order, _ = cast.job_of(cast.dense_function())
    answers = answers_of(order, cast.dense_function())
    for index in (1, 2):
        shift = cast.seeded(f"lie {index}").elements(4)
        false = cast.lie_about_values(answers[index].outputs, order, index, shift)
        answers[index] = cast.sign_again(order, index, false)
    drawn = [decoded(order, answers, f"challenge {n}").suspects for n in range(120)]
    assert {len(one) for one in drawn} == {1}
    assert {one[0] for one in drawn} == {1, 2, 3, 4, 5, 6}


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [1, 3])
def test_make_shares__are_the_encoded_shares_of_the_input_and_of_alpha(threshold: int) -> None:
    draw, points = cast.seeded("shares"), range(1, 8)
    batch, coefficients = draw.elements(4), draw.elements(4 * threshold)
    alpha, gammas = draw.nonzero_element(), draw.elements(threshold)
    values = share(batch, threshold, points, coefficients)
    weights = share(FIELD.pack([alpha]), threshold, points, gammas)
    secrets = SharingSecrets(alpha, coefficients, gammas)
    assert make_shares(batch, node_count=7, threshold=threshold, secrets=secrets) == tuple(
        encode_share(v, element_at(w, 0)) for v, w in zip(values, weights, strict=True)
    )


@pytest.mark.parametrize(("batch", "masks", "gammas"), [(0, 0, 1), (2, 1, 1), (2, 3, 0), (2, 2, 2)])
def test_make_shares__lengths_that_do_not_fit__are_refused(
    batch: int, masks: int, gammas: int
) -> None:
    secrets = SharingSecrets(1, bytes(17 * masks), bytes(17 * gammas))
    with pytest.raises(RefusedInput):
        make_shares(bytes(17 * batch), node_count=4, threshold=1, secrets=secrets)


def test_share_inputs__alpha_of_zero__is_refused() -> None:
    for alpha in (0, Q):
        with pytest.raises(RefusedInput, match="alpha"):
            share_inputs(
                cast.small_batch(),
                job=JobId(bytes(32)),
                function_hash=bytes(32),
                node_count=6,
                threshold=1,
                secrets=SharingSecrets(alpha, cast.seeded("r").elements(4), bytes(17)),
            )


@pytest.mark.parametrize(
    "change",
    [
        {"function_hash": bytes(32)},
        {"function_bytes": 1},
        {"term_count": 1},
        {"inputs": 3},
        {"outputs": 3},
        {"degree": 3},
    ],
    ids=lambda change: next(iter(change)),
)
def test_check_function__one_number_differs__is_refused(change: dict[str, Any]) -> None:
    terms = replace(cast.small_order().terms, **change)
    with pytest.raises(WrongFunction) as caught:
        check_function(cast.dense_function(), terms)
    assert caught.value.had != caught.value.needed


def test_check_task__for_another_job_index_or_share__does_not_open_the_root() -> None:
    order = cast.small_order()
    task = order.tasks[2]
    check_task(task, order.terms, order.root)
    others = [
        replace(task, job=JobId(bytes(32))),
        replace(task, index=ShareIndex(4)),
        replace(task, share=order.tasks[3].share),
        replace(task, branch=task.branch[:-1]),
        replace(task, branch=order.tasks[3].branch),
    ]
    for other in others:
        with pytest.raises(BranchMismatch):
            check_task(other, order.terms, order.root)
    with pytest.raises(BranchMismatch):
        check_task(task, order.terms, bytes(32))
    with pytest.raises(WrongTask, match="another function"):
        check_task(replace(task, function_hash=bytes(32)), order.terms, order.root)
    with pytest.raises(RefusedInput):
        check_task(replace(task, index=ShareIndex(7)), order.terms, order.root)


@pytest.mark.parametrize("length", [0, 16, 17, 84, 86, 102])
def test_check_task__share_of_another_length__is_refused(length: int) -> None:
    order = cast.small_order()
    with pytest.raises(WrongTask, match="wrong length"):
        check_task(replace(order.tasks[0], share=bytes(length)), order.terms, order.root)


def test_check_task__share_with_a_value_of_q__is_refused_even_when_it_was_posted() -> None:
    order, share = posted_garbage()
    assert share.startswith(Q.to_bytes(17, "big"))
    with pytest.raises(NotAnElement):
        check_task(order.tasks[0], order.terms, order.root)


def posted_garbage() -> tuple[Order, bytes]:
    """A job whose first leaf is a share with a value of q: the device posted nonsense."""
    from edgemark.crypto.ethereum.merkle import MerkleTree
    from edgemark.systems.outsourcing.contract.hashes import compute_leaf

    order = cast.small_order()
    share = Q.to_bytes(17, "big") + order.tasks[0].share[17:]
    tasks = [replace(order.tasks[0], share=share), *order.tasks[1:]]
    tree = MerkleTree([compute_leaf(task.task_id) for task in tasks])
    tasks = [replace(task, branch=tree.branch(j)) for j, task in enumerate(tasks)]
    return replace(order, tasks=tuple(tasks), root=tree.root), share


def test_check_signed_answer__anything_but_this_task_and_this_node__is_refused() -> None:
    order = cast.small_order()
    task, node = order.tasks[2], cast.NODE_ADDRESSES[2]
    answer = cast.right_answer(order, 3)
    check_signed_answer(answer, task, node, cast.DOMAIN)
    for change in (
        {"job": JobId(bytes(32))},
        {"index": ShareIndex(4)},
        {"task_id": bytes(32)},
        {"share_hash": bytes(32)},
    ):
        with pytest.raises(WrongAnswer, match="another task"):
            check_signed_answer(replace(answer, **change), task, node, cast.DOMAIN)
    with pytest.raises(BadSignature):
        check_signed_answer(answer, task, cast.NODE_ADDRESSES[3], cast.DOMAIN)
    with pytest.raises(BadSignature):
        changed = replace(answer, outputs=bytes(len(answer.outputs)))
        check_signed_answer(changed, task, node, cast.DOMAIN)
    with pytest.raises(BadSignature):
        check_signed_answer(replace(answer, signature=b""), task, node, cast.DOMAIN)


@pytest.mark.parametrize("change", [-17, -1, 1, 17])
def test_check_outputs__of_another_length__are_refused(change: int) -> None:
    order = cast.small_order()
    answer = cast.right_answer(order, 1)
    check_outputs(answer, order.terms)
    with pytest.raises(WrongAnswer, match="wrong length"):
        check_outputs(replace(answer, outputs=bytes(len(answer.outputs) + change)), order.terms)


def test_check_outputs__value_of_q__is_refused() -> None:
    order = cast.small_order()
    answer = cast.right_answer(order, 1)
    outputs = answer.outputs[:-17] + Q.to_bytes(17, "big")
    with pytest.raises(NotAnElement):
        check_outputs(replace(answer, outputs=outputs), order.terms)


def test_check_opens__other_outputs_salt_node_or_chain__are_refused() -> None:
    order = cast.small_order()
    answer, node = cast.right_answer(order, 1), cast.NODES[0]
    commitment = cast.commitment_to(answer, node)
    check_opens(answer, node.address, commitment, cast.DOMAIN)
    for other in (replace(answer, outputs=b"x"), replace(answer, salt=bytes(32))):
        with pytest.raises(WrongAnswer, match="does not open"):
            check_opens(other, node.address, commitment, cast.DOMAIN)
    with pytest.raises(WrongAnswer):
        check_opens(answer, cast.NODE_ADDRESSES[1], commitment, cast.DOMAIN)
    with pytest.raises(WrongAnswer):
        check_opens(answer, node.address, bytes(32), cast.DOMAIN)
