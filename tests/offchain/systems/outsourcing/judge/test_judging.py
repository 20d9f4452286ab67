"""Judges: evidence that opens no posted leaf is refused, findings are what was computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.ethereum.merkle import BranchMismatch
from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import PeerFault
from edgemark.identifiers import NO_HASH
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.judge.judge import MOST_COMPUTERS, Judge
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.messages import Answer
from edgemark.systems.outsourcing.steps.accuse import EvidenceIncomplete, check_evidence
from edgemark.systems.outsourcing.steps.compute import WrongTask
from edgemark.systems.outsourcing.steps.decode import WrongAnswer, check_signed_answer

EACH_FUNCTION = pytest.mark.parametrize("function", cast.FUNCTIONS.values(), ids=cast.FUNCTIONS)


def check_as_judge(order: Order, answer: Answer | None, **changes: Any) -> None:
    """`check_evidence` about index 3, charged as wrong unless changed."""
    facts: dict[str, Any] = {
        "task": order.tasks[2],
        "answer": answer,
        "terms": order.terms,
        "domain": cast.DOMAIN,
    }
    commitment = cast.commitment_to(cast.wrong_answer(order, 3), cast.NODES[2])
    case = cast.case_of(order, 3, commitment=commitment)
    case = replace(case, **{n: v for n, v in changes.items() if n not in facts})
    check_evidence(case, **facts | {n: v for n, v in changes.items() if n in facts})


def test_check_evidence__in_due_form__passes_for_both_kinds() -> None:
    order = cast.small_order()
    check_as_judge(order, cast.wrong_answer(order, 3))
    check_as_judge(order, None, kind=ChargeKind.SILENT)
    check_as_judge(order, None, kind=ChargeKind.SILENT, commitment=NO_HASH)


def test_check_evidence__anything_else__is_refused() -> None:
    order = cast.small_order()
    answer = cast.wrong_answer(order, 3)
    salted = cast.sign_answer(order.tasks[2], answer.outputs, cast.NODES[2], salt=bytes(32))
    refusals: list[tuple[type[Exception], Answer | None, dict[str, Any]]] = [
        (BranchMismatch, answer, {"root": bytes(32)}),
        (BranchMismatch, answer, {"task": replace(order.tasks[2], share=order.tasks[3].share)}),
        (WrongAnswer, answer, {"terms": replace(order.terms, outputs=3)}),
        (WrongTask, answer, {"terms": replace(order.terms, share_bytes=17)}),
        (EvidenceIncomplete, None, {}),
        (WrongAnswer, cast.wrong_answer(order, 4), {}),
        (BadSignature, replace(answer, signature=bytes(65)), {}),
        (BadSignature, answer, {"node": order.nodes[3]}),
        (BadSignature, replace(answer, salt=bytes(32)), {}),
        (WrongAnswer, answer, {"commitment": NO_HASH}),
        (WrongAnswer, cast.right_answer(order, 3), {}),  # signed, and not what was committed to
        (WrongAnswer, salted, {}),  # signed too, over the same outputs
    ]
    for error, shown, changes in refusals:
        with pytest.raises(error):
            check_as_judge(order, shown, **changes)


@EACH_FUNCTION
def test_find__right_outputs__are_right_and_any_others_wrong(function: Polynomial) -> None:
    order, _ = cast.job_of(function)
    right = cast.right_answer(order, 2, function)
    assert found(order, right, function) is Finding.RIGHT
    for false in (
        cast.wrong_answer(order, 2, function),
        cast.sign_again(order, 2, cast.lie_about_checks(right.outputs)),
        cast.sign_again(order, 2, right.outputs[:-1]),
        cast.sign_again(order, 2, b""),
    ):
        assert found(order, false, function) is Finding.WRONG


def found(order: Order, answer: Answer, function: Polynomial) -> Finding:
    """What a judge finds about an answer that its node committed to."""
    commitment = cast.commitment_to(answer, cast.NODES[answer.index - 1])
    return cast.judged(order, answer, function, commitment=commitment)


def test_answer_of_a_node_that_committed_to_something_else__is_none() -> None:
    order, node = cast.small_order(), cast.NODES[1]
    right, function = cast.right_answer(order, 2), cast.dense_function()
    opens = cast.commitment_to(right, node)
    other = cast.commitment_to(cast.wrong_answer(order, 2), node)
    silent = ChargeKind.SILENT
    assert cast.judged(order, right, function, kind=silent, commitment=opens) is Finding.RIGHT
    assert cast.judged(order, right, function, kind=silent, commitment=other) is Finding.MISSING
    assert cast.judged(order, right, function, kind=silent) is Finding.RIGHT  # never committed
    for commitment in (other, NO_HASH):
        assert cast.judged(order, right, function, commitment=commitment) is Finding.MISSING


def test_peer_faults_and_refusals__say_who_and_what_was_needed() -> None:
    order = cast.small_order()
    with pytest.raises(PeerFault) as caught:
        check_signed_answer(
            cast.right_answer(order, 4), order.tasks[2], order.nodes[2], cast.DOMAIN
        )
    assert "node 0x" in str(caught.value.who)
    assert "index 3" in str(caught.value.who)
    assert caught.value.needed == order.tasks[2].task_id.hex()


def test_a_judge__computes_several_tasks_at_a_time_and_a_node_one_as_it_promises() -> None:
    assert 1 <= Judge.COMPUTERS <= MOST_COMPUTERS
    assert ComputeNode.COMPUTERS == 1
