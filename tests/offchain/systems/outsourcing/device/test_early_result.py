"""The result is there as soon as enough have answered; charges and payments go on behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.loop.machine import UnderWay
from edgemark.party.patience import Patience
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.device import EARLY_AGAIN_S, Device
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import Until
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import reach_time, step
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.steps.decode import decode_answers, decode_early

ORDER = cast.small_order()
FUNCTION = cast.dense_function()
RESULT = FUNCTION.evaluate(cast.small_batch())
CHALLENGE = cast.seeded("challenge").elements(ORDER.terms.batch * ORDER.terms.outputs)
EARLY = decode_early(ORDER, [cast.right_answer(ORDER, j) for j in (1, 2, 3, 4, 6)], CHALLENGE)


def started(*answered: int) -> DeviceJob:
    """All have committed and have their tasks; these have answered."""
    return DeviceJob(
        phase=DevicePhase.STARTED,
        order=ORDER,
        indices=(IndexPhase.COMMITTED,) * 6,
        delivered=frozenset(ShareIndex(j) for j in range(1, 7)),
        answers=tuple(cast.right_answer(ORDER, j) for j in answered),
    )


def early(state: DeviceJob) -> DeviceJob:
    """The same with what its answers give."""
    found = decode_early(ORDER, state.answers, CHALLENGE)
    assert found is not None
    return step(state, found)[0]


def test_result__is_looked_for_when_all_but_e_have_answered() -> None:
    assert do.DecodeEarly((1, 2, 3, 4)) not in started(1, 2, 3, 4).owed()
    assert do.DecodeEarly((1, 2, 3, 4, 6)) in started(1, 2, 3, 4, 6).owed()
    assert started(1, 2, 3, 4, 5, 6).owed() == (do.Decode((1, 2, 3, 4, 5, 6), ()),)


def test_result__of_five_of_six_answers__is_told_while_the_sixth_is_awaited() -> None:
    state = early(started(1, 2, 3, 4, 6))
    assert state.phase is DevicePhase.STARTED
    assert state.result == RESULT
    assert Until.RESULT.is_reached(state)
    assert not Until.CLEARED.is_reached(state)  # who is silent has not been charged yet
    assert state.owed() == (do.FetchAnswer(ShareIndex(5)),)
    assert [name for name, holds in state.laws().items() if not holds] == []


def test_right_nodes__are_paid_when_nobody_can_commit_any_more() -> None:
    state = early(started(1, 2, 3, 4, 6))
    late = reach_time(state, Timestamp(ORDER.terms.compute_by + 1))
    assert do.SubmitApproval(ORDER.job, (1, 2, 3, 4, 6)) in late.owed()
    paid = late
    for index in (1, 2, 3, 4, 6):
        paid, _ = step(paid, on.SawIndexPhase(ShareIndex(index), IndexPhase.PAID))
    assert paid.owed() == (do.FetchAnswer(ShareIndex(5)),)
    gathered = reach_time(paid, Timestamp(ORDER.gather_until + 1))
    assert gathered.phase is DevicePhase.GATHERED
    found = decode_answers(ORDER, gathered.answers, CHALLENGE)
    valid, _ = step(gathered, replace(found, answered=gathered.answered, chosen=()))
    assert valid.silent == (5,)
    assert valid.owed() == (do.SubmitCharge(ORDER.job, (), (ShareIndex(5),)),)


def test_with_a_liar_among_five__nothing_is_told_yet() -> None:
    answers = [cast.right_answer(ORDER, j) for j in (1, 2, 3, 4)]
    assert decode_early(ORDER, [*answers, cast.wrong_answer(ORDER, 6)], CHALLENGE) is None


@given(
    missing=st.sets(st.integers(1, 6), max_size=1),
    liars=st.sets(st.integers(1, 6), max_size=2),
    late=st.sampled_from(["right", "wrong", "silent"]),
)
def test_what_is_told_early__is_what_all_answers_give(
    missing: set[int], liars: set[int], late: str
) -> None:
    kinds = {True: cast.wrong_answer, False: cast.right_answer}
    there = [kinds[j in liars](ORDER, j) for j in range(1, 7) if j not in missing]
    early = decode_early(ORDER, there, CHALLENGE)
    if early is None:
        assert len(missing) + len(liars - missing) > ORDER.terms.errors
        return
    assert early.result == RESULT
    if late != "silent":
        there += [kinds[late == "wrong"](ORDER, j) for j in missing]
    found = decode_answers(ORDER, there, CHALLENGE)
    assert isinstance(found, on.FoundResultValid)
    assert found.result == early.result
    assert not {*early.right} & {*found.liars, *found.silent}


class Clock:
    """Monotonic seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def device_with(clock: Clock) -> Any:
    """A device of which only what decodes is there."""
    device: Any = Device.__new__(Device)
    device._randomness, device.seconds = cast.seeded("device"), {"decode": 0.0}
    device._patience = Patience(clock, 1.0)
    return device


def test_the_last_answers__are_given_a_moment() -> None:
    clock = Clock()
    device, state = device_with(clock), started(1, 2, 3, 4, 6)
    with pytest.raises(UnderWay):
        device._decode_early(state)
    clock.now = 1.0
    assert device._decode_early(state) == [EARLY]


def test_the_same_answers_that_do_not_decide_it__are_not_looked_at_all_the_time() -> None:
    clock = Clock()
    device, state = device_with(clock), started(1, 2, 3, 4)
    lying = replace(state, answers=(*state.answers, cast.wrong_answer(ORDER, 6)))
    with pytest.raises(UnderWay):
        device._decode_early(lying)
    clock.now = 1.0
    with pytest.raises(UnderWay) as later:
        device._decode_early(lying)
    assert later.value.after_s == EARLY_AGAIN_S
