"""Every message has one encoding, and nothing else is understood."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.strategies import MESSAGES, values_of

from edgemark.crypto.ethereum.merkle import BranchMismatch, check_branch
from edgemark.encoding import MalformedMessage
from edgemark.errors import RefusedInput
from edgemark.identifiers import ShareIndex
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import (
    MAX_ANSWER_BYTES,
    MAX_EVIDENCE_BYTES,
    MAX_NODES,
    MAX_OUTPUT_BYTES,
    MAX_SHARE_BYTES,
    MAX_SMALL_BYTES,
    MAX_TASK_BYTES,
)
from edgemark.systems.outsourcing.protocol.messages import (
    MAX_BRANCH,
    Acceptance,
    Answer,
    Evidence,
    Offer,
    Opinion,
    ReadRequest,
    Task,
)

INDEX_AT = 32  # place messages begin with the job, then the index
EACH = pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
PLACED = pytest.mark.parametrize(
    "kind", [kind for kind in MESSAGES if kind is not Evidence], ids=lambda kind: kind.__name__
)


def example_of(kind: Any) -> Any:
    """One message of the small job."""
    order = cast.small_order()
    task, answer = order.tasks[2], cast.right_answer(order, 3)
    reader, server = cast.PAYER.address, cast.NODE_ADDRESSES[2]
    examples: dict[Any, Any] = {
        Offer: Offer(order.job, ShareIndex(3), order.terms, order.nodes),
        Acceptance: cast.acceptance_of(order, 3),
        Task: task,
        Answer: answer,
        Evidence: Evidence(order.terms, task, answer),
        ReadRequest: ReadRequest(
            order.job, ShareIndex(3), reader, server, order.terms.collect_by, b"s" * 65
        ),
        Opinion: cast.sign_opinion(cast.JUDGES[0], cast.case_of(order, 3), Finding.RIGHT),
    }
    return examples[kind]


@EACH
@given(data=st.data())
def test_from_wire__of_every_message__gives_the_same_message(kind: Any, data: Any) -> None:
    message = data.draw(values_of(kind))
    assert kind.from_wire(message.to_wire()) == message


@EACH
def test_from_wire__truncated_at_any_byte__is_malformed(kind: Any) -> None:
    wire = example_of(kind).to_wire()
    for length in range(len(wire)):
        with pytest.raises(MalformedMessage):
            kind.from_wire(wire[:length])


@EACH
@given(more=st.binary(min_size=1, max_size=20))
def test_from_wire__with_trailing_bytes__is_malformed(kind: Any, more: bytes) -> None:
    with pytest.raises(MalformedMessage, match="trailing"):
        kind.from_wire(example_of(kind).to_wire() + more)


@EACH
@given(raw=st.binary(max_size=600))
def test_from_wire__of_random_bytes__refuses_or_understands_all_of_them(
    kind: Any, raw: bytes
) -> None:
    try:
        message = kind.from_wire(raw)
    except RefusedInput:
        return
    assert message.to_wire() == raw


@EACH
@given(data=st.data())
def test_from_wire__of_a_changed_byte__refuses_or_is_another_message(kind: Any, data: Any) -> None:
    message = example_of(kind)
    wire = bytearray(message.to_wire())
    place = data.draw(st.integers(0, len(wire) - 1))
    wire[place] ^= data.draw(st.integers(1, 255))
    try:
        changed = kind.from_wire(bytes(wire))
    except RefusedInput:
        return
    assert changed != message
    assert changed.to_wire() == bytes(wire)


@PLACED
@pytest.mark.parametrize("index", [0, MAX_NODES + 1, 255])
def test_from_wire__index_out_of_range__is_refused(kind: Any, index: int) -> None:
    wire = bytearray(example_of(kind).to_wire())
    wire[INDEX_AT] = index
    with pytest.raises(RefusedInput, match=f"had {index}; needed 1..{MAX_NODES}"):
        kind.from_wire(bytes(wire))


def test_task_from_wire__oversized_share__is_refused_before_it_is_read() -> None:
    task = example_of(Task)
    head = task.to_wire()[: 32 + 1 + 32]
    with pytest.raises(MalformedMessage, match="part too long"):
        Task.from_wire(head + (MAX_SHARE_BYTES + 1).to_bytes(4, "big"))


def test_answer_from_wire__oversized_outputs__are_refused_before_they_are_read() -> None:
    head = example_of(Answer).to_wire()[: 32 + 1 + 32 + 32]
    with pytest.raises(MalformedMessage, match="part too long"):
        Answer.from_wire(head + (MAX_OUTPUT_BYTES + 1).to_bytes(4, "big"))


def test_evidence_from_wire__oversized_task__is_refused_before_it_is_read() -> None:
    evidence = example_of(Evidence)
    head = evidence.to_wire()[: -len(evidence.task.to_wire()) - len(evidence.answer.to_wire()) - 8]
    with pytest.raises(MalformedMessage, match="part too long"):
        Evidence.from_wire(head + (MAX_TASK_BYTES + 1).to_bytes(4, "big"))


def test_task_from_wire__branch_longer_than_any_tree__is_refused() -> None:
    task = example_of(Task)
    long = Task(
        task.job, task.index, task.function_hash, task.share, (task.job,) * (MAX_BRANCH + 1)
    )
    with pytest.raises(MalformedMessage, match="number too large"):
        Task.from_wire(long.to_wire())


def test_opinion_from_wire__finding_nobody_can_make__is_refused() -> None:
    wire = bytearray(example_of(Opinion).to_wire())
    wire[INDEX_AT + 1] = max(Finding) + 1
    with pytest.raises(MalformedMessage, match="number too large"):
        Opinion.from_wire(bytes(wire))


def test_evidence_from_wire__without_answer__stays_without() -> None:
    evidence = Evidence(cast.small_order().terms, example_of(Task), None)
    assert Evidence.from_wire(evidence.to_wire()) == evidence


def test_largest_messages__fit_the_bounds_of_their_routes() -> None:
    task = example_of(Task)
    full = Task(task.job, task.index, task.function_hash, bytes(MAX_SHARE_BYTES), (task.job,) * 6)
    answer = Answer(
        task.job,
        task.index,
        task.task_id,
        task.share_hash,
        bytes(MAX_OUTPUT_BYTES),
        b"s" * 32,
        b"s" * 65,
    )
    assert len(full.to_wire()) <= MAX_TASK_BYTES
    assert len(answer.to_wire()) <= MAX_ANSWER_BYTES
    assert len(Evidence(cast.small_order().terms, full, answer).to_wire()) <= MAX_EVIDENCE_BYTES
    for small in (Offer, ReadRequest, Opinion):
        assert len(example_of(small).to_wire()) <= MAX_SMALL_BYTES


def test_task_id__depends_on_job_index_function_and_share() -> None:
    task = example_of(Task)
    other = bytes(range(32))
    ids = {
        task.task_id,
        Task(JobId(other), task.index, task.function_hash, task.share, ()).task_id,
        Task(task.job, ShareIndex(4), task.function_hash, task.share, ()).task_id,
        Task(task.job, task.index, other, task.share, ()).task_id,
        Task(task.job, task.index, task.function_hash, task.share + b"\0", ()).task_id,
    }
    assert len(ids) == 5


def test_branch_of_a_task__does_not_serve_another_index() -> None:
    from edgemark.systems.outsourcing.contract.hashes import compute_leaf

    order = cast.small_order()
    task = order.tasks[0]
    leaf = compute_leaf(task.task_id)
    check_branch(order.root, leaf, 0, cast.NODE_COUNT, task.branch)
    for position in range(1, cast.NODE_COUNT):
        with pytest.raises(BranchMismatch):
            check_branch(order.root, leaf, position, cast.NODE_COUNT, task.branch)
