"""What a view tells: nothing before the posting, and after the lock's expiry that all is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import NOBODY, Hash32, ShareIndex, Timestamp
from edgemark.loop.moves import TimeOver
from edgemark.systems.outsourcing.contract.records import (
    ChargeKind,
    IndexPhase,
    IndexView,
    JobPhase,
    JobView,
    is_lock_over,
)
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.means import compute_locked
from edgemark.systems.outsourcing.device.observing import observe_as_device
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.judge.observing import observe_as_judge
from edgemark.systems.outsourcing.node.observing import observe_as_node
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import step
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, JobTime, NodePhase

NOTHING = Hash32(bytes(32))
NEVER = Timestamp(0)
ORDER = cast.small_order()
TERMS = ORDER.terms
OFFER = on.HeardOffer(ORDER.job, ShareIndex(1), TERMS, ORDER.root, ORDER.nodes, ORDER.judges)
NO_JOB = JobView(
    payer=NOBODY,
    phase=JobPhase.NONE,
    node_count=0,
    errors=0,
    accepted=0,
    charged=0,
    started_at=NEVER,
    accept_by=NEVER,
    compute_by=NEVER,
    collect_by=NEVER,
    root=NOTHING,
    terms_hash=NOTHING,
    nodes_hash=NOTHING,
    posted_block=0,
)
NO_INDEX = IndexView(NOBODY, IndexPhase.NONE, ChargeKind.NONE, False, NEVER, NEVER, NEVER)


def test_offered_node__before_the_posting__is_told_nothing() -> None:
    offered, _ = step(NodeTask(), OFFER)
    assert observe_as_node(offered, NO_JOB, NO_INDEX, TERMS.accept_by) == []


def test_offered_node__of_a_job_that_nobody_can_post_any_more__is_done() -> None:
    offered, _ = step(NodeTask(), OFFER)
    late = Timestamp(TERMS.accept_by + 1)
    assert observe_as_node(offered, NO_JOB, NO_INDEX, late) == [on.SawEnded()]


def test_accepted_node__by_a_view_from_before__is_told_nothing() -> None:
    offered, _ = step(NodeTask(), OFFER)
    accepted, _ = step(offered, on.SawAccepted())
    late = Timestamp(TERMS.collect_by + 1)
    assert observe_as_node(accepted, NO_JOB, NO_INDEX, late) == []


def test_device__before_the_posting__is_told_nothing() -> None:
    drafted, _ = step(DeviceJob(), on.AskedSubmit(ORDER))
    posted, _ = step(drafted, on.SawPosted())
    views = [NO_INDEX] * TERMS.node_count
    assert [observe_as_device(job, NO_JOB, views) for job in (drafted, posted)] == [[], []]


@pytest.mark.parametrize("phase", [IndexPhase.NONE, IndexPhase.NAMED])
def test_judge__before_the_charge__is_told_nothing(phase: IndexPhase) -> None:
    case = on.SawCase(
        job=ORDER.job,
        index=ShareIndex(1),
        root=ORDER.root,
        kind=ChargeKind.SILENT,
        node=ORDER.nodes[0],
        commitment=NOTHING,
        served_by=TERMS.collect_by,
        judges=ORDER.judges,
        threshold=1,
    )
    filed, _ = step(JudgeCase(me=ORDER.judges[0]), case)
    view = IndexView(NOBODY, phase, ChargeKind.NONE, False, NEVER, NEVER, NEVER)
    assert observe_as_judge(filed, view) == []


# --- after the lock's expiry no step of the job is taken any more -------------------------------

STARTED = replace(NO_JOB, phase=JobPhase.STARTED, collect_by=TERMS.collect_by)
OPEN = replace(NO_INDEX, phase=IndexPhase.ACCEPTED)
LATE = Timestamp(TERMS.collect_by + 10**6)
UNENDED = [
    phase
    for phase in NodePhase
    if phase not in (NodePhase.UNKNOWN, NodePhase.OFFERED, NodePhase.ENDED)
]
OVER = frozenset({TimeOver(JobTime.COLLECT), TimeOver(JobTime.VERDICT)})
DECIDED = [DevicePhase.VALID, DevicePhase.UNDECIDED, DevicePhase.CHARGED, DevicePhase.EXPIRED]


def test_lock__expires_one_tail_after_collect_by_and_never_of_no_job() -> None:
    expiry = Timestamp(TERMS.collect_by + 60)
    assert not is_lock_over(STARTED, expiry, 60)
    assert is_lock_over(STARTED, Timestamp(expiry + 1), 60)
    assert not is_lock_over(NO_JOB, LATE, 60)


@pytest.mark.parametrize("phase", UNENDED, ids=str)
def test_node__whose_lock_has_expired__takes_its_place_back_and_is_done(phase: Any) -> None:
    task = NodeTask(offer=OFFER, task=ORDER.tasks[0], answer=cast.right_answer(ORDER, 1))
    task = replace(task, phase=phase, over=OVER)
    assert do.SubmitExpiry(ORDER.job, 1) not in task.owed()
    (seen,) = observe_as_node(task, STARTED, OPEN, LATE, lock_over=True)
    task, _ = step(task, seen)
    assert task.owed() == (do.SubmitExpiry(ORDER.job, 1),)
    assert observe_as_node(task, STARTED, OPEN, LATE, lock_over=True) == []
    task, _ = step(task, on.SawEnded())
    assert task.is_finished
    assert task.owed() == ()


@pytest.mark.parametrize("phase", DECIDED, ids=str)
def test_device__whose_lock_has_expired__takes_its_place_back_and_is_done(phase: Any) -> None:
    phases = (IndexPhase.ACCEPTED,) * 6
    job: DeviceJob = replace(DeviceJob(order=ORDER, indices=phases), phase=phase, over=OVER)
    posted = replace(STARTED, phase=JobPhase.POSTED)
    (seen,) = observe_as_device(job, posted, [OPEN] * 6, lock_over=True)
    job, _ = step(job, seen)
    assert job.owed() == (do.SubmitExpiry(ORDER.job, 0),)
    assert observe_as_device(job, posted, [OPEN] * 6, lock_over=True) == []
    job, _ = step(job, on.SawEnded())
    assert job.is_finished
    assert compute_locked(job) == 0
