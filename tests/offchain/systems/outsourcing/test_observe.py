"""A view of a block before the posting holds nothing, and tells no party that anything happened."""

from __future__ import annotations

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import Hash32, ShareIndex, Timestamp
from edgemark.systems.outsourcing import events as on
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.messages import ChargeKind
from edgemark.systems.outsourcing.observe import (
    observe_as_device,
    observe_as_judge,
    observe_as_node,
)
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.parties.judge import JudgeCase
from edgemark.systems.outsourcing.parties.node import NodeTask
from edgemark.systems.outsourcing.protocol import step
from edgemark.systems.outsourcing.records import NOBODY, IndexView, JobPhase, JobView

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
