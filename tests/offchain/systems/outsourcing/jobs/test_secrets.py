"""A61: nothing that a job keeps secret is ever printed, logged or told in an error."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import DeviceSide
from tests.offchain.systems.outsourcing.simulation.simulated_judges import JudgeSide
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import (
    LyingNode,
    NodeSide,
    ShyNode,
)
from tests.offchain.systems.outsourcing.simulation.simulation import World

from edgemark.crypto.field.field import FIELD
from edgemark.errors import EdgemarkError
from edgemark.loop.machine import Tick
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.machine import RECORDS
from edgemark.systems.outsourcing.protocol.messages import Answer, Evidence, Task
from edgemark.systems.outsourcing.steps.compute import check_task
from edgemark.systems.outsourcing.steps.decode import check_outputs, decode_answers
from edgemark.systems.outsourcing.steps.share import SharingSecrets, share_inputs


def forms_of(secret: bytes) -> set[str]:
    """How a secret would look in a text."""
    return {
        secret.hex(),
        secret.hex().upper(),
        base64.b64encode(secret).decode().rstrip("="),
        repr(secret)[2:-1],
        str(int.from_bytes(secret, "big")),
        hex(int.from_bytes(secret, "big"))[2:],
    }


def elements_of(packed: bytes) -> Iterator[bytes]:
    """Each element by itself."""
    for value in FIELD.unpack(packed):
        yield value.to_bytes(17, "big")


def needles_of(order: Order) -> set[str]:
    """Every secret of a job, in every form."""
    answers = [cast.right_answer(order, task.index) for task in order.tasks]
    secrets = [order.alpha.to_bytes(17, "big"), order.job_secret]
    secrets += elements_of(cast.small_batch())
    secrets += elements_of(cast.dense_function().evaluate(cast.small_batch()))
    for task, answer in zip(order.tasks, answers, strict=True):
        secrets += [*elements_of(task.share), *elements_of(answer.outputs)]
        secrets += [answer.salt, answer.signature]
    return {form for secret in secrets for form in forms_of(secret)}


ORDER = cast.small_order()
NEEDLES = needles_of(ORDER)


def check_says_nothing(said: object) -> None:
    """No secret stands in what is printed of a value."""
    for text in (repr(said), str(said), f"{said}"):
        found = [needle for needle in NEEDLES if needle in text]
        assert found == [], f"{type(said).__name__} tells a secret"


def test_a61_planted_repr__is_found() -> None:
    with pytest.raises(AssertionError, match="tells a secret"):
        check_says_nothing({"alpha": ORDER.alpha})
    with pytest.raises(AssertionError, match="tells a secret"):
        check_says_nothing(ORDER.tasks[0].share)


@pytest.mark.parametrize("faulty", [LyingNode, ShyNode])
def test_a61_states_events_and_effects_of_a_whole_job__say_nothing(faulty: type[NodeSide]) -> None:
    world = World(seed=3)
    for index in range(1, cast.NODE_COUNT + 1):
        (faulty if index == 2 else NodeSide)(world, index)
    for key in cast.JUDGES:
        JudgeSide(world, key)
    device = DeviceSide(world)
    world.run()
    assert world.is_over()
    assert device.state.result is not None
    for side in world.sides:
        for record, state in zip(side.journal, side.trail, strict=True):
            check_says_nothing(record if isinstance(record, Tick) else RECORDS.decode(record))
            check_says_nothing(state)
            check_says_nothing(state.owed())
            check_says_nothing(state.times())


def test_a61_messages_and_sharing_secrets__say_nothing() -> None:
    task, answer = ORDER.tasks[0], cast.right_answer(ORDER, 1)
    secrets = SharingSecrets(ORDER.alpha, cast.small_batch(), ORDER.job_secret)
    for value in (ORDER, task, answer, Evidence(ORDER.terms, task, answer), secrets):
        check_says_nothing(value)


def failures() -> Iterator[EdgemarkError]:
    """Errors about secret values."""
    task, answer = ORDER.tasks[0], cast.right_answer(ORDER, 1)
    high = b"\xff" * 17
    calls: list[Any] = [
        lambda: check_task(replace(task, share=task.share[:-1]), ORDER.terms, ORDER.root),
        lambda: check_task(replace(task, share=task.share[:-17] + high), ORDER.terms, ORDER.root),
        lambda: check_task(replace(task, branch=()), ORDER.terms, ORDER.root),
        lambda: check_outputs(replace(answer, outputs=answer.outputs[:-1]), ORDER.terms),
        lambda: check_outputs(replace(answer, outputs=answer.outputs[:-17] + high), ORDER.terms),
        lambda: Task.from_wire(task.to_wire()[:-1]),
        lambda: Task.from_wire(task.to_wire() + b"x"),
        lambda: Answer.from_wire(answer.to_wire()[:-1]),
        lambda: Evidence.from_wire(Evidence(ORDER.terms, task, answer).to_wire()[:-1]),
        lambda: cast.order_of(batch=cast.small_batch() + cast.small_batch()[:17]),
        lambda: cast.order_of(batch=cast.small_batch() + b"x"),
        lambda: decode_answers(ORDER, [answer], cast.small_batch() + b"x"),
        lambda: share_inputs(
            cast.small_batch(),
            job=ORDER.job,
            function_hash=ORDER.terms.function_hash,
            node_count=6,
            threshold=1,
            secrets=SharingSecrets(ORDER.alpha, cast.small_batch()[:-17], ORDER.job_secret),
        ),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(EdgemarkError) as caught:
            call()
        assert caught.value.what, number
        yield caught.value


def test_a61_errors_about_secret_values__say_nothing() -> None:
    for error in failures():
        check_says_nothing(error)
        check_says_nothing(error.as_dict())
        check_says_nothing(error.args)


def test_a61_account_keys__neither_print_nor_pickle() -> None:
    key = cast.PAYER
    for form in forms_of(key.reveal()):
        assert form not in repr(key)
    with pytest.raises(EdgemarkError):
        pickle.dumps(key)
