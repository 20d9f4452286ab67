"""What a job over a function will cost, found out by doing one here, without chain and network.

The whole computation runs on this machine on random inputs: sharing, every node's part, decoding.
It also shows that the result is F of the inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Address, Timestamp
from edgemark.systems.outsourcing.contract.terms import (
    check_terms,
    compute_output_bytes,
    compute_share_bytes,
)
from edgemark.systems.outsourcing.offline.drafting import Venue, Wish, draft_order
from edgemark.systems.outsourcing.protocol.events import FoundResultValid, Order
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.steps.compute import compute_outputs
from edgemark.systems.outsourcing.steps.decode import decode_answers

T = TypeVar("T")

MOST_REHEARSED = 16  # inputs; the cost of more is linear


@dataclass(frozen=True)
class Costs:
    """What one job costs.

    Attributes:
        terms: coefficients of F over all outputs.
        degree, inputs, outputs: d, k, n.
        threshold, errors, nodes: t, e, m.
        batch: rows of the job.
        function_bytes: to each node, once.
        share_bytes: to each node, a job.
        answer_bytes: from each node, a job.
        device_seconds: sharing and decoding of the batch, measured here.
        node_seconds: one node's computation, measured here.
        local_seconds: F of the batch on this machine, without any protocol, measured here.
    """

    terms: int
    degree: int
    inputs: int
    outputs: int
    threshold: int
    errors: int
    nodes: int
    batch: int
    function_bytes: int
    share_bytes: int
    answer_bytes: int
    device_seconds: float
    node_seconds: float
    local_seconds: float


def rehearse(function: Polynomial, wish: Wish, batch: int) -> Costs:
    """Play a job of `batch` random inputs and say what it costs.

    More than `MOST_REHEARSED` inputs are extrapolated, linearly.

    Raises:
        RefusedInput: a job like this is not possible: degree, t, e, m or a size is out of range.
        Unrecoverable: the result was wrong; the installation is damaged.
    """
    played = min(batch, MOST_REHEARSED)
    randomness = Randomness()
    inputs = randomness.elements(played * function.inputs)
    expected = function.evaluate(inputs)  # the first evaluation also makes the function ready
    local, _ = _time(lambda: function.evaluate(inputs))
    sharing, order = _time(lambda: _draft(function, inputs, wish, randomness))
    share_bytes = compute_share_bytes(batch, function.inputs)
    check_terms(replace(order.terms, batch=batch, share_bytes=share_bytes))  # of the whole of it
    computing, outputs = _time(
        lambda: [compute_outputs(function, task, order.terms) for task in order.tasks]
    )
    answers = [_answer(task, one) for task, one in zip(order.tasks, outputs, strict=True)]
    challenge = randomness.elements(played * function.outputs)
    decoding, found = _time(lambda: decode_answers(order, answers, challenge))
    if not isinstance(found, FoundResultValid) or found.result != expected:
        raise Unrecoverable("a rehearsed job had a wrong result", who="this installation")
    nodes = len(order.nodes)
    scale = batch / played
    return Costs(
        terms=function.term_count,
        degree=function.degree,
        inputs=function.inputs,
        outputs=function.outputs,
        threshold=wish.threshold,
        errors=wish.errors,
        nodes=nodes,
        batch=batch,
        function_bytes=function.header.total_bytes,
        share_bytes=share_bytes,
        answer_bytes=compute_output_bytes(batch, function.outputs),
        device_seconds=(sharing + decoding) * scale,
        node_seconds=computing / nodes * scale,
        local_seconds=local * scale,
    )


def _draft(function: Polynomial, inputs: bytes, wish: Wish, randomness: Randomness) -> Order:
    """An order on a chain that does not exist, among nodes that nobody runs."""
    count = compute_least_nodes(function.degree, wish.threshold, wish.errors)
    accounts = [Address(f"0x{number:040x}") for number in range(1, count + 2)]
    here = Venue(accounts[0], accounts[0], 1, accounts[1:], (), Timestamp(0))
    return draft_order(function, inputs, wish, here, randomness)


def _answer(task: Task, outputs: bytes) -> Answer:
    """An answer whose signature nobody asks for."""
    return Answer(
        job=task.job,
        index=task.index,
        task_id=task.task_id,
        share_hash=task.share_hash,
        outputs=outputs,
        salt=b"",
        signature=b"",
    )


def _time(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result
