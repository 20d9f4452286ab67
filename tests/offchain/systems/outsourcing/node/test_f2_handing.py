"""F2: an answer reaches the judges in time, whatever else the node has to hand to them.

The planted rules are those that were: no promise counts handing over, first come first served.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.bad_peers import PACE, Play

from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.party.inquiry import PAUSE_S
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.contract.terms import compute_share_bytes
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.admission import (
    SAFETY,
    NodeBusy,
    TaskTooLarge,
)
from edgemark.systems.outsourcing.node.handing import (
    REQUEST_S,
    SEEING_PART,
    Judging,
    check_handing,
    promise_defence,
)
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.station.contracts import SERVING_BLOCKS

MIB = 2**20
ORDER = cast.small_order()
JUDGING = Judging(judges=4, window_s=60, bytes_per_s=MIB, pause_s=PAUSE_S)
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
    assert copies_s == pytest.approx(128 if is_planted else 19, abs=1)


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


# --- beside bytes -------------------------------------------------------------------------------


def small(window: int) -> NodeTask:
    """Of a few bytes: only its requests take time."""
    terms = replace(ORDER.terms, compute_by=Timestamp(ORDER.terms.accept_by + window))
    return NodeTask(phase=NodePhase.OFFERED, offer=replace(cast.offer_to(ORDER, 1), terms=terms))


@pytest.mark.parametrize("judges", [4, 7, 16])
def test_requests_of_small_answers__are_counted(judges: int) -> None:
    """As it was, 256 of them were taken with J = 60 s, and 58 came too late at 0.6 s a request."""
    judging = replace(JUDGING, judges=judges)
    full = [small(60)] * 256
    with pytest.raises(NodeBusy, match="could not hand all"):
        admit(full[0], full, judging)
    good = judging.judges - judging.bad
    threads = judging.threads - PACE.of_peer * judging.bad
    taken = 0
    with suppress(NodeBusy):
        while True:
            admit(full[0], full[:taken], judging)
            taken += 1
    assert taken * good * REQUEST_S / min(threads, PACE.of_peer * good) <= 30
    assert taken * PAUSE_S / judging.threads <= 30
    assert taken > 30


def test_what_deployments_have_at_once__is_taken() -> None:
    """Thirteen jobs with W = 8 s and c = 1 as the tests play them, forty of the soak run."""
    shown = replace(JUDGING, window_s=8, seen_s=3.0)
    admit(small(8), [small(8)] * 12, shown)
    admit(small(3), [small(3)] * 2, replace(shown, seen_s=2.4))  # as the demonstration has them
    admit(small(45), [small(45)] * 39, replace(shown, window_s=40))
    admit(small(600), [small(600)] * 255, replace(JUDGING, seen_s=37.0))


def test_half_of_j_at_least__is_left_for_seeing_the_charge() -> None:
    promised = promise_defence(task_of(1, 600).known.terms, JUDGING, 1.0)
    assert promised.within_s == 600 / SEEING_PART
    assert SAFETY + PAUSE_S < promised.longest_s < SAFETY + PAUSE_S + 0.2
    assert promise_defence(task_of(6, 20).known.terms, JUDGING, 1.0).within_s == 30


@pytest.mark.parametrize(("confirmations", "block_s"), [(12, 12), (32, 12), (64, 12), (128, 2)])
@pytest.mark.parametrize("is_planted", [False, True])
def test_what_confirmations_take_of_j__is_not_promised(
    confirmations: int, block_s: int, *, is_planted: bool
) -> None:
    """Half of the shortest W was promised, and more was over before the node saw it served."""
    window_s = (confirmations + SERVING_BLOCKS) * block_s
    seen_s = (confirmations + 1) * block_s + 1.0  # a block that just passed, and a look
    judging = replace(JUDGING, window_s=window_s, seen_s=0.0 if is_planted else seen_s)
    promised = promise_defence(task_of(6, 30).known.terms, judging, 0.0)
    is_in_time = seen_s + judging.bad * PAUSE_S + promised.within_s <= window_s
    assert is_in_time != is_planted
    assert promised.within_s <= window_s / SEEING_PART
    assert promised.within_s > 0


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
