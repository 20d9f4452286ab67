"""The compute node's memory of one task, and what it owes in each phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from edgemark.identifiers import NO_TIME, Address, Timestamp
from edgemark.loop.moves import TimeOver, Waiting
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import deadline_of
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.protocol.phases import JobTime, NodePhase

_CHARGED = (NodePhase.SUMMONED, NodePhase.DEFENDING, NodePhase.ANSWERING)
_BEFORE_COMMITMENT = (NodePhase.ACCEPTED, NodePhase.HOLDING, NodePhase.COMPUTED)


@dataclass(frozen=True)
class NodeTask(Waiting):
    """State of one index of one job at its node.

    Attributes:
        offer: what was accepted: job, index, terms, root, judges.
        task: T_j, once it came and opened its leaf.
        salt: of its answer, written down before anything is signed.
        answer: R_j, computed and signed.
        started: whether the job was seen started.
        served_by, answer_by, verdict_by: deadlines of the charge, when charged and served.
        told: judges that took the answer.
        lock_over: the job's lock has expired.
    """

    phase: NodePhase = NodePhase.UNKNOWN
    offer: on.HeardOffer | None = None
    task: Task | None = None
    salt: bytes = field(default=b"", repr=False)
    answer: Answer | None = None
    started: bool = False
    charge: ChargeKind = ChargeKind.NONE
    served: bool = False
    served_by: Timestamp | None = None
    answer_by: Timestamp | None = None
    verdict_by: Timestamp | None = None
    told: frozenset[Address] = frozenset()
    lock_over: bool = False

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        return self.phase is NodePhase.ENDED

    def deadline(self, effect: do.NodeEffect) -> float:
        """By when an effect has to be carried out, in the chain's time; infinite if ever."""
        if isinstance(effect, do.SendAnswer | do.FetchTask) and self.answer_by is not None:
            return float(self.answer_by)
        return deadline_of(self.offer.terms if self.offer else None, effect)

    @property
    def known(self) -> on.HeardOffer:
        """The offer; every phase but UNKNOWN has one."""
        if self.offer is None:
            raise LookupError("a task nobody offered has no offer")
        return self.offer

    @property
    def leaves_bringing(self) -> bool:
        """The device has the acceptance, or gets it when it asks again, and is to bring it."""
        is_given = self.phase is NodePhase.OFFERED and self.known.waits_until != NO_TIME
        return is_given and not self.is_over(JobTime.BRINGING) and not self.is_over(JobTime.ACCEPT)

    def times(self) -> tuple[tuple[Timestamp, TimeOver], ...]:
        """Chain times that matter to this task."""
        if self.offer is None or self.is_finished:
            return ()
        terms = self.offer.terms
        times = [
            (terms.compute_by, TimeOver(JobTime.COMPUTE)),
            (terms.collect_by, TimeOver(JobTime.COLLECT)),
        ]
        if self.leaves_bringing:
            times.append((self.offer.waits_until, TimeOver(JobTime.BRINGING)))
        if not self.started:
            times.append((terms.accept_by, TimeOver(JobTime.ACCEPT)))
        if self.served_by is not None and not self.served:
            times.append((self.served_by, TimeOver(JobTime.SERVE)))
        if self.verdict_by is not None:
            times.append((self.verdict_by, TimeOver(JobTime.VERDICT)))
        return tuple(times)

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        is_charged = self.charge is not ChargeKind.NONE
        return {
            "a task has a salt": (self.task is None) == (not self.salt),
            "an answer is of a task": self.answer is None or self.task is not None,
            "a charge has a time to be served by": is_charged == (self.served_by is not None),
            "what is served has a verdict's time": self.served == (self.verdict_by is not None),
            "only what is charged is served": is_charged or not self.served,
            "only charged nodes tell judges": is_charged or not self.told,
        }

    def after(self, event: on.NodeEvent) -> NodeTask:  # noqa: PLR0911 - one line an event
        """The same task with what the event told; the phase is the protocol's business."""
        match event:
            case on.HeardOffer():
                return replace(self, offer=event)
            case on.SawStarted():
                return replace(self, started=True)
            case on.HeardTask(task, salt):
                return replace(self, task=task, salt=salt)
            case on.FoundAnswer(answer):
                return replace(self, answer=answer)
            case on.SawCharged(kind, served_by):
                return replace(self, charge=kind, served_by=served_by)
            case on.SawServed(answer_by, verdict_by):
                return replace(self, served=True, answer_by=answer_by, verdict_by=verdict_by)
            case on.HeardAnswerTaken(judge):
                return replace(self, told=self.told | {judge})
            case on.SawLockOver():
                return replace(self, lock_over=True)
            case on.SawAccepted() | on.SawCommitted() | on.SawEnded():
                return self
            case _:
                assert_never(event)

    def owed(self) -> tuple[do.NodeEffect, ...]:
        """Effects that this state still needs."""
        if self.lock_over and not self.is_finished:
            return (do.SubmitExpiry(self.known.job, self.known.index),)
        if self.phase is NodePhase.OFFERED:
            waits = self.is_over(JobTime.ACCEPT) or self.leaves_bringing
            return () if waits else (do.SubmitAcceptance(),)
        if self.phase in _CHARGED:
            return (*self._owed_defence(), *self._owed_exit())
        if self.phase is NodePhase.HOLDING:
            return (do.ComputeAnswer(), *self._owed_ends())
        if self.phase is NodePhase.COMPUTED and not self.is_over(JobTime.COMPUTE):
            return (do.SubmitCommitment(), *self._owed_ends())
        is_open = self.phase in (*_BEFORE_COMMITMENT, NodePhase.SERVING)
        return self._owed_ends() if is_open else ()

    def _owed_ends(self) -> tuple[do.NodeEffect, ...]:
        if self.is_over(JobTime.ACCEPT) and not self.started:
            return (do.SubmitCancel(self.known.job),)
        if self.is_over(JobTime.COLLECT):
            return (do.SubmitCollect(self.known.job, (self.known.index,)),)
        return ()

    def _owed_defence(self) -> tuple[do.NodeEffect, ...]:
        """A charge as wrong needs no defence: the judges compute again by themselves."""
        if self.charge is not ChargeKind.SILENT or not self.served:
            return (do.ComputeAnswer(),) if self.phase is NodePhase.DEFENDING else ()
        if self.phase is NodePhase.SUMMONED:
            return (do.FetchTask(),)
        if self.phase is NodePhase.DEFENDING:
            return (do.ComputeAnswer(),)
        return tuple(do.SendAnswer(judge) for judge in self.known.judges if judge not in self.told)

    def _owed_exit(self) -> tuple[do.NodeEffect, ...]:
        if self.is_over(JobTime.SERVE) and not self.served:
            return (do.SubmitVoid(self.known.job, self.known.index),)
        return (
            (do.SubmitLapse(self.known.job, self.known.index),)
            if self.is_over(JobTime.VERDICT)
            else ()
        )
