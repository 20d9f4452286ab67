"""What a view of the chain tells a node; see `device.observing`."""

from __future__ import annotations

from edgemark.identifiers import Timestamp
from edgemark.systems.outsourcing.contract.records import (
    ChargeKind,
    IndexPhase,
    IndexView,
    JobPhase,
    JobView,
)
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.phases import NodePhase


def observe_as_node(
    state: NodeTask, job: JobView, view: IndexView, now: Timestamp, *, lock_over: bool = False
) -> list[on.NodeEvent]:
    """What the node has not heard yet; `now` is the time of the block that was read."""
    if state.is_finished or state.phase is NodePhase.UNKNOWN:
        return []
    if job.phase is JobPhase.NONE:  # and nobody can post it once `accept_by` is past
        is_lost = state.phase is NodePhase.OFFERED and now > state.known.terms.accept_by
        return [on.SawEnded()] if is_lost else []
    if state.phase is NodePhase.OFFERED:
        return _observe_offered(job, view, now)
    if view.phase.is_end:
        return [on.SawEnded()]
    if lock_over:
        return [] if state.lock_over else [on.SawLockOver()]
    found: list[on.NodeEvent] = []
    charged = view.phase in (IndexPhase.CHARGED, IndexPhase.SERVED)
    if not state.started and job.phase is JobPhase.STARTED and state.charge is ChargeKind.NONE:
        found.append(on.SawStarted(job.started_at))
    if state.phase is NodePhase.COMPUTED and view.committed:
        found.append(on.SawCommitted())
    if charged and state.charge is ChargeKind.NONE:
        found.append(on.SawCharged(view.kind, view.served_by))
    if view.phase is IndexPhase.SERVED and not state.served:
        found.append(on.SawServed(view.answer_by, view.verdict_by))
    return found


def _observe_offered(job: JobView, view: IndexView, now: Timestamp) -> list[on.NodeEvent]:
    if view.phase.is_end:
        return [on.SawEnded()]
    if view.phase is IndexPhase.NAMED:
        return [on.SawEnded()] if now > job.accept_by else []
    return [on.SawAccepted()]
