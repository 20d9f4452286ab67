"""From what the chain stores to what happened: pure, so that a missed block never matters.

Parties read views at confirmed depth rather than follow logs: a view holds all that happened until
then, a restart needs no cursor, and a reorganisation shallower than the depth is never seen. A view
of a block before the posting holds nothing, and tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.systems.outsourcing import events as on
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.messages import ChargeKind
from edgemark.systems.outsourcing.parameters import hash_nodes
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.parties.judge import JudgeCase
from edgemark.systems.outsourcing.parties.node import NodeTask
from edgemark.systems.outsourcing.phases import DevicePhase, JudgePhase, NodePhase
from edgemark.systems.outsourcing.records import IndexView, JobPhase, JobView

_DECIDED = (DevicePhase.VALID, DevicePhase.UNDECIDED, DevicePhase.CHARGED)
_WAITING = (DevicePhase.POSTED, DevicePhase.EXPIRED)
TAKEN_NUMBER = "another job of this account has the number. Order it again under another number."


def is_posting_of(job: JobView, order: on.Order) -> bool:
    """Whether a job on the chain is the one of this order, and not another of its number."""
    listed = hash_nodes(order.nodes)
    posted = (job.root, job.terms_hash, job.nodes_hash)
    return posted == (order.root, order.terms.hash, listed)


def is_lock_over(job: JobView, now: Timestamp, tail_s: int) -> bool:
    """Whether the job's lock has expired: the contract takes no step of the job any more.

    Args:
        job: as of a block.
        now: time of that block.
        tail_s: from `collect_by` to the expiry, `Limits.longest_tail_s`.
    """
    return job.phase is not JobPhase.NONE and now > job.collect_by + tail_s


def observe_as_device(
    state: DeviceJob, job: JobView, indices: Sequence[IndexView], *, lock_over: bool = False
) -> list[object]:
    """What the device has not heard yet."""
    if state.is_finished or state.phase is DevicePhase.UNKNOWN or job.phase is JobPhase.NONE:
        return []
    found: list[object] = []
    phase = state.phase
    if phase is DevicePhase.DRAFTED:
        if not is_posting_of(job, state.known):
            return [on.FoundPostingRefused(TAKEN_NUMBER)]
        found.append(on.SawPosted())
        phase = DevicePhase.POSTED
    # First: acceptances that are on chain, told one by one, leave others that seem to be missing.
    if phase in _WAITING and job.phase is JobPhase.STARTED:
        found.append(on.SawStarted(job.started_at))
    found += [
        on.SawIndexPhase(ShareIndex(j), view.phase, _verdict_by(view))
        for j, view in enumerate(indices, start=1)
        if view.phase is not state.indices[j - 1]
    ]
    if phase in _WAITING and job.phase is JobPhase.CANCELLED:
        found.append(on.SawCancelled())
    if phase in _DECIDED:
        if job.charged and phase is not DevicePhase.CHARGED:
            found.append(on.SawChargesFiled())
        if all(view.phase.is_end for view in indices):
            found.append(on.SawEnded())
    is_due = phase in (*_DECIDED, DevicePhase.EXPIRED) and not state.lock_over
    return [*found, on.SawLockOver()] if lock_over and is_due else found


def _verdict_by(view: IndexView) -> Timestamp:
    return view.verdict_by if view.phase is IndexPhase.SERVED else on.NO_TIME


def observe_as_node(
    state: NodeTask, job: JobView, view: IndexView, now: Timestamp, *, lock_over: bool = False
) -> list[object]:
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
    found: list[object] = []
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


def _observe_offered(job: JobView, view: IndexView, now: Timestamp) -> list[object]:
    if view.phase.is_end:
        return [on.SawEnded()]
    if view.phase is IndexPhase.NAMED:
        return [on.SawEnded()] if now > job.accept_by else []
    return [on.SawAccepted()]


def observe_as_judge(state: JudgeCase, view: IndexView, *, lock_over: bool = False) -> list[object]:
    """What the judge has not heard yet of a charge that it follows; no place of the lock is its."""
    if state.is_finished or state.phase is JudgePhase.UNKNOWN:
        return []
    if view.phase.is_end or lock_over:
        return [on.SawEnded()]
    if view.phase is IndexPhase.SERVED and not state.served_on_chain:
        return [on.SawServed(view.answer_by, view.verdict_by)]
    return []
