"""How long somebody who ordered a job stays with it, and what it waits for meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import NO_TIME, ShareIndex, Timestamp, format_time
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, JobTime
from edgemark.words import name_each


class NotThereYet(LedgerUnavailable):
    """What is waited for has not come in the time that was given to it; the job goes on."""


class Until(Enum):
    """How long a user waits for a job."""

    POSTED = "posted"  # on the chain, or refused: the device may leave, and come back in time
    DELIVERED = "delivered"  # all tasks are handed out: the nodes can work without the device
    RESULT = "result"  # decoded, or known to be undecided
    CLEARED = "cleared"  # and approvals, charges and evidence are out: the device may leave
    SETTLED = "settled"  # and every token of the job is paid out

    def is_reached(self, state: DeviceJob) -> bool:
        """Whether the job is as far."""
        if state.is_finished:
            return True
        decided = state.result is not None or bool(state.undecided_because)
        match self:
            case Until.POSTED:
                return state.phase not in (DevicePhase.UNKNOWN, DevicePhase.DRAFTED)
            case Until.DELIVERED:
                handed_out = bool(state.indices) and len(state.delivered) == len(state.indices)
                return decided or handed_out or state.phase in _WITHOUT_TASKS
            case Until.RESULT:
                return decided
            case Until.CLEARED:
                charged = state.phase is DevicePhase.CHARGED
                is_early = state.phase not in _WITHOUT_TASKS
                is_done = decided and not is_early and not state.owed()
                return is_done and (charged or not _has_to_charge(state))
            case Until.SETTLED:
                return False


# Nodes that have none yet will not get one any more.
_WITHOUT_TASKS = (
    DevicePhase.GATHERED,
    DevicePhase.VALID,
    DevicePhase.UNDECIDED,
    DevicePhase.CHARGED,
)


def _has_to_charge(state: DeviceJob) -> bool:
    return bool(state.wrong or state.silent)


def require_known(state: DeviceJob | None, job: JobId) -> DeviceJob:
    """What a home remembers of a job.

    Raises:
        RefusedInput: nothing.
    """
    if state is None:
        raise RefusedInput(
            "job is unknown here",
            who=job.hex(),
            remedy="Use the home folder that ordered it; `status` lists its jobs.",
        )
    return state


def require_new(state: DeviceJob | None, job: JobId) -> None:
    """Check that a home remembers nothing of a job that is to begin.

    Raises:
        RefusedInput: it has ordered it.
    """
    if state is not None:
        raise RefusedInput(
            "a job of this number was ordered already",
            who=job.hex(),
            had=state.phase.value,
            remedy="`result` takes it up again; another one has to have another number.",
        )


def not_there_yet(job: JobId, state: DeviceJob, until: Until) -> NotThereYet:
    """That the time is up, and what a job still waits for."""
    return NotThereYet(
        f"job is not there yet: it waits for {find_awaited(state)}",
        who=job.hex(),
        had=state.phase.value,
        needed=until.value,
        remedy="It goes on; ask again with `edgemark outsourcing result`.",
    )


@dataclass(frozen=True)
class Awaited:
    """What has to come before a job goes on.

    Attributes:
        what: in words.
        indices: whose nodes have to do it; none where it is somebody else.
        until: chain time at which it is not waited for any more; `NO_TIME` for what is under way.
    """

    what: str
    indices: tuple[ShareIndex, ...] = ()
    until: Timestamp = NO_TIME

    def __str__(self) -> str:
        """In one line, for people."""
        of = f" of {name_each('node', self.indices)}" if self.indices else ""
        return f"{self.what}{of}" + (f" until {format_time(self.until)}" if self.until else "")


def find_awaited(state: DeviceJob) -> Awaited:  # noqa: PLR0911 - one line a phase
    """What a job waits for; nothing is awaited of one that is finished."""
    if state.order is None or state.is_finished:
        return Awaited("nothing")
    terms, every = state.order.terms, range(1, len(state.indices) + 1)
    match state.phase:
        case DevicePhase.DRAFTED:
            return Awaited("the posting", until=terms.accept_by)
        case DevicePhase.POSTED:
            named = _of(state, IndexPhase.NAMED)
            return Awaited("the acceptance", named, terms.accept_by)
        case DevicePhase.EXPIRED:
            return Awaited("its end, as it did not start")
        case DevicePhase.STARTED:
            left = tuple(ShareIndex(j) for j in every if j not in state.answered)
            return Awaited("the answer", left, state.order.gather_until)
        case DevicePhase.GATHERED:
            return Awaited("decoding")
        case _:
            return _find_settling(state)


def _find_settling(state: DeviceJob) -> Awaited:
    """The same of a job that is decoded."""
    terms = state.known.terms
    to_charge = tuple(i for i in state.chosen if i in _of(state, *_OPEN))
    if to_charge and not state.is_over(JobTime.COMPUTE):
        return Awaited("the time at which silence can be charged,", to_charge, terms.compute_by)
    if to_charge:
        return Awaited("the charge", to_charge, terms.collect_by)
    judged = _of(state, IndexPhase.CHARGED, IndexPhase.SERVED)
    if judged:
        times = [by for index, by in state.verdicts_by if index in judged]
        return Awaited("the judges' word", judged, max(times, default=NO_TIME))
    return Awaited("the payment", _of(state, *_OPEN), terms.collect_by)


_OPEN = (IndexPhase.ACCEPTED, IndexPhase.COMMITTED)


def _of(state: DeviceJob, *phases: IndexPhase) -> tuple[ShareIndex, ...]:
    return tuple(ShareIndex(j) for j, phase in enumerate(state.indices, 1) if phase in phases)
