"""From what the chain stores to what happened: pure, so that a missed block never matters.

Parties read views at confirmed depth rather than follow logs: a view holds all that happened until
then, a restart needs no cursor, and a reorganisation shallower than the depth is never seen. A view
of a block before the posting holds nothing, and tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.identifiers import NO_TIME, ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.records import IndexPhase, IndexView, JobPhase, JobView
from edgemark.systems.outsourcing.contract.terms import hash_nodes
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

_DECIDED = (DevicePhase.VALID, DevicePhase.UNDECIDED, DevicePhase.CHARGED)
_WAITING = (DevicePhase.POSTED, DevicePhase.EXPIRED)
TAKEN_NUMBER = "another job of this account has the number. Order it again under another number."


def is_posting_of(job: JobView, order: on.Order) -> bool:
    """Whether a job on the chain is the one of this order, and not another of its number."""
    listed = hash_nodes(order.nodes)
    posted = (job.root, job.terms_hash, job.nodes_hash)
    return posted == (order.root, order.terms.hash, listed)


def observe_as_device(
    state: DeviceJob, job: JobView, indices: Sequence[IndexView], *, lock_over: bool = False
) -> list[on.DeviceEvent]:
    """What the device has not heard yet."""
    if state.is_finished or state.phase is DevicePhase.UNKNOWN or job.phase is JobPhase.NONE:
        return []
    found: list[on.DeviceEvent] = []
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
    return view.verdict_by if view.phase is IndexPhase.SERVED else NO_TIME
