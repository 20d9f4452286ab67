"""F2: an answer reaches the judges in time, whatever else the node has to hand to them.

The planted rules are those that were: no promise counts handing over, first come first served.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.bad_peers import PACE, Play

from edgemark.identifiers import JobId, ShareIndex, Timestamp
from edgemark.loop.machine import key_of
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.contract.terms import compute_share_bytes
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.admission import (
    SAFETY,
    NodeBusy,
    TaskTooLarge,
    estimate_seconds,
)
from edgemark.systems.outsourcing.node.handing import (
    SEEING_PART,
    Judging,
    check_handing,
    promise_defence,
)
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import NodePhase

MIB = 2**20
ORDER = cast.small_order()
JUDGING = Judging(judges=4, window_s=60, bytes_per_s=MIB)
SPEED = 1e-9


def task_of(outputs: int, window: int, phase: NodePhase = NodePhase.OFFERED) -> NodeTask:
    """Of 4096 inputs: its answer has 0.13 MiB for each output."""
    terms = replace(
        ORDER.terms,
        batch=4096,
        inputs=1,
        outputs=outputs,
        share_bytes=compute_share_bytes(4096, 1),
        compute_by=Timestamp(ORDER.terms.accept_by + window),
    )
    return NodeTask(phase=phase, offer=replace(cast.offer_to(ORDER, 1), terms=terms))


def admit(one: NodeTask, tasks: Sequence[NodeTask], judging: Judging = JUDGING) -> None:
    check_handing(one.known.terms, tasks, judging, SPEED, lambda _: SPEED, who="0x77")


def take(one: NodeTask, times: int, *, is_planted: bool = False) -> list[NodeTask]:
    """As many of these offers as the node takes."""
    taken: list[NodeTask] = []
    for _ in range(times):
        with suppress(NodeBusy):
            if not is_planted:
                admit(one, taken)
            taken.append(one)
    return taken


@pytest.mark.parametrize("is_planted", [False, True])
def test_all_answers_of_a_node__can_be_handed_over_within_j(*, is_planted: bool) -> None:
    one = task_of(outputs=6, window=60)
    copies_s = JUDGING.judges * 0.8 * len(take(one, 40, is_planted=is_planted))
    assert copies_s == pytest.approx(128 if is_planted else 22, abs=1)


def test_an_answer_with_little_time__is_taken_beside_many_that_have_hours() -> None:
    decoys = take(task_of(outputs=6, window=3600), 40)
    assert len(decoys) == 40
    admit(task_of(outputs=6, window=60), decoys)
    with pytest.raises(NodeBusy, match="could not hand all"):  # 8 of 8.5 MiB may have threads
        admit(task_of(outputs=6, window=60), [task_of(outputs=64, window=3600)])
    with pytest.raises(NodeBusy, match="could not hand all") as refused:
        admit(task_of(outputs=6, window=60), take(task_of(outputs=6, window=60), 40))
    assert refused.value.as_dict()["retry_after_s"] >= 5


def test_a_task_that_could_not_be_defended_alone__is_refused_for_good() -> None:
    admit(task_of(outputs=40, window=60), [])
    with pytest.raises(TaskTooLarge, match="to the judges in time"):
        admit(task_of(outputs=64, window=60), [])
    admit(task_of(outputs=64, window=600), [])
    with pytest.raises(TaskTooLarge, match="to the judges in time"):
        admit(task_of(outputs=40, window=60), [], replace(JUDGING, judges=16))


def test_what_has_ended__is_not_counted_and_what_is_computed_is_only_handed_over() -> None:
    full = take(task_of(outputs=6, window=60), 40)
    with pytest.raises(NodeBusy):
        admit(full[0], full)
    admit(full[0], [*full[1:], replace(full[0], phase=NodePhase.ENDED)])
    computed = promise_defence(full[0].known.terms, JUDGING, 0.0)
    assert promise_defence(full[0].known.terms, JUDGING, 3.0).seconds > computed.seconds + 6


# --- what is taken is in time, whenever it is charged ---------------------------------------------


@dataclass(frozen=True)
class Offered:
    """An answer of so many outputs, how long it may take, and when it is to be handed over."""

    outputs: int
    window: int
    served_at: int

    @property
    def task(self) -> NodeTask:
        return task_of(self.outputs, self.window)


@given(
    st.lists(
        st.builds(
            Offered,
            outputs=st.integers(1, 64),
            window=st.sampled_from([10, 60, 90, 300, 3600]),
            served_at=st.integers(0, 200),
        ),
        max_size=30,
    )
)
def test_all_that_is_taken__is_there_in_time_whenever_it_is_charged(offers: list[Offered]) -> None:
    taken: list[Offered] = []
    for offered in offers:
        with suppress(NodeBusy, TaskTooLarge):
            admit(offered.task, [one.task for one in taken])
            taken.append(offered)
    for by, ends in hand_over(taken):
        assert ends <= by


def hand_over(taken: Sequence[Offered]) -> list[tuple[float, float]]:
    """By when each has to be there, and when it is: one copy after the other, earliest first."""
    coming = sorted(taken, key=lambda one: one.served_at, reverse=True)
    ready: list[tuple[float, int, list[float]]] = []
    now, found, number = 0.0, list[tuple[float, float]](), 0
    while coming or ready:
        if not ready:
            now = max(now, float(coming[-1].served_at))
        while coming and coming[-1].served_at <= now:
            one = coming.pop()
            terms = one.task.known.terms
            whole = promise_defence(terms, JUDGING, estimate_seconds(terms, SPEED))
            handing_s = promise_defence(terms, JUDGING, 0.0).seconds
            copies = [handing_s / (JUDGING.judges + 1)] * (JUDGING.judges + 1)
            parts = [*copies, whole.seconds - handing_s]
            number += 1
            heapq.heappush(ready, (one.served_at + whole.within_s, number, parts))
        by, _, parts = ready[0]
        now += parts.pop()
        if not parts:
            heapq.heappop(ready)
            found.append((by, now))
    return found


def test_half_of_j__is_left_for_seeing_the_charge() -> None:
    promised = promise_defence(task_of(1, 600).known.terms, JUDGING, 1.0)
    assert promised.within_s == 600 / SEEING_PART
    assert SAFETY < promised.longest_s < SAFETY + 0.1
    assert promise_defence(task_of(6, 20).known.terms, JUDGING, 1.0).within_s == 30


# --- the order in which answers go ----------------------------------------------------------------


@pytest.mark.parametrize("is_planted", [False, True])
def test_of_many_answers__the_one_with_least_time_goes_first(*, is_planted: bool) -> None:
    def answers(_: bytes, effect: Any) -> tuple[str | None, list[object]]:
        match effect:
            case do.ComputeAnswer():
                return None, [on.FoundAnswer(cast.right_answer(ORDER, 1))]
            case do.SendAnswer(judge):
                return judge, [on.HeardAnswerTaken(judge)]
            case _:
                return "chain", []

    peers = {judge: lambda _: (1.0, True) for judge in cast.JUDGE_ADDRESSES}
    play = Play(PartyMachine(NodeTask), answers, errand_of, peers)
    if not is_planted:
        play._pool.errand = lambda key, effect: errand_of(
            effect, by=play.states[key].deadline(effect)
        )
    decoys, target = 37, JobId(bytes([255]) * 32)
    jobs = [JobId(number.to_bytes(32, "big")) for number in range(1, decoys + 1)]
    offer, index = cast.offer_to(ORDER, 1), ShareIndex(1)
    for job in (*jobs, target):
        for event in (
            replace(offer, job=job),
            on.SawAccepted(),
            on.SawStarted(Timestamp(1)),
            on.HeardTask(ORDER.tasks[0], bytes(32)),
            on.SawCharged(ChargeKind.SILENT, Timestamp(10)),
        ):
            play.hear(key_of(job, index), event)
    play.play(1)
    for job in jobs:
        play.hear(key_of(job, index), on.SawServed(Timestamp(3600), Timestamp(7200)))
    play.hear(key_of(target, index), on.SawServed(Timestamp(70), Timestamp(130)))
    play.play(1000)
    done = [at for (key, effect), at in play.done.items() if key == key_of(target, index)
            and isinstance(effect, do.SendAnswer)]  # fmt: skip
    assert len(done) == 4
    began = min(at for (_, effect), at in play.done.items() if isinstance(effect, do.SendAnswer))
    assert max(done) - began == pytest.approx(decoys // PACE.of_peer if is_planted else 1, abs=1)


def test_deadlines__of_what_goes_to_peers() -> None:
    judge = cast.JUDGE_ADDRESSES[1]
    task = NodeTask(answer_by=Timestamp(70), verdict_by=Timestamp(130))
    assert task.deadline(do.SendAnswer(judge)) == task.deadline(do.FetchTask()) == 70
    case = JudgeCase(
        me=cast.JUDGE_ADDRESSES[0], case=cast.case_of(ORDER, ShareIndex(1), ChargeKind.SILENT)
    )
    served = replace(case, answer_by=Timestamp(70), verdict_by=Timestamp(130))
    assert case.deadline(do.PassEvidence(judge)) == cast.SERVED_BY
    assert served.deadline(do.PassAnswer(judge, 0)) == 70
    assert served.deadline(do.PassOpinion(judge, 0)) == 130
