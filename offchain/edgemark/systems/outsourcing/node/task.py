"""The compute node's memory of one task, and what it owes in each phase."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgemark.identifiers import NO_TIME, Address, Timestamp
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import deadline_of
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.protocol.phases import NodePhase

_CHARGED = (NodePhase.SUMMONED, NodePhase.DEFENDING, NodePhase.ANSWERING)
_BEFORE_COMMITMENT = (NodePhase.ACCEPTED, NodePhase.HOLDING, NodePhase.COMPUTED)


@dataclass(frozen=True)
class NodeTask:
    """State of one index of one job at its node.

    Attributes:
        offer: what was accepted: job, index, terms, root, judges.
        task: T_j, once it came and opened its leaf.
        salt: of its answer, written down before anything is signed.
        answer: R_j, computed and signed.
        started: whether the job was seen started.
        served_by, verdict_by: deadlines of the charge, when charged and served.
        told: judges that took the answer.
        bringing_due: the node waited long enough for others to bring its acceptance.
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
    verdict_by: Timestamp | None = None
    told: frozenset[Address] = frozenset()
    bringing_due: bool = False
    accept_over: bool = False
    compute_over: bool = False
    collect_over: bool = False
    serve_over: bool = False
    verdict_over: bool = False
    lock_over: bool = False

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        return self.phase is NodePhase.ENDED

    def deadline(self, effect: object) -> float:
        """Until when the chain takes what an effect submits, in its time; infinite when always."""
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
        return is_given and not self.bringing_due and not self.accept_over

    def deadlines(self) -> tuple[tuple[Timestamp, object], ...]:
        """Chain times still to come in this state, each with the event it brings."""
        if self.offer is None or self.is_finished:
            return ()
        terms = self.offer.terms
        pending: list[tuple[Timestamp, object]] = []
        if self.leaves_bringing:
            pending.append((self.offer.waits_until, on.SawBringingDue()))
        if not self.accept_over and not self.started:
            pending.append((terms.accept_by, on.SawAcceptOver()))
        if not self.compute_over:
            pending.append((terms.compute_by, on.SawComputeOver()))
        if not self.collect_over:
            pending.append((terms.collect_by, on.SawCollectOver()))
        if self.served_by is not None and not self.served and not self.serve_over:
            pending.append((self.served_by, on.SawServeOver()))
        if self.verdict_by is not None and not self.verdict_over:
            pending.append((self.verdict_by, on.SawVerdictOver()))
        return tuple(pending)

    def after(self, event: object) -> NodeTask:  # noqa: C901, PLR0911, PLR0912 - one line an event
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
            case on.SawServed(_, verdict_by):
                return replace(self, served=True, verdict_by=verdict_by)
            case on.HeardAnswerTaken(judge):
                return replace(self, told=self.told | {judge})
            case on.SawBringingDue():
                return replace(self, bringing_due=True)
            case on.SawAcceptOver():
                return replace(self, accept_over=True)
            case on.SawComputeOver():
                return replace(self, compute_over=True)
            case on.SawCollectOver():
                return replace(self, collect_over=True)
            case on.SawServeOver():
                return replace(self, serve_over=True)
            case on.SawVerdictOver():
                return replace(self, verdict_over=True)
            case on.SawLockOver():
                return replace(self, lock_over=True)
            case _:
                return self

    def owed(self) -> tuple[object, ...]:
        """Effects that this state still needs."""
        if self.lock_over and not self.is_finished:
            return (do.SubmitExpiry(self.known.index),)
        if self.phase is NodePhase.OFFERED:
            waits = self.accept_over or self.leaves_bringing
            return () if waits else (do.SubmitAcceptance(),)
        if self.phase in _CHARGED:
            return (*self._owed_defence(), *self._owed_exit())
        if self.phase is NodePhase.HOLDING:
            return (do.ComputeAnswer(), *self._owed_ends())
        if self.phase is NodePhase.COMPUTED and not self.compute_over:
            return (do.SubmitCommitment(), *self._owed_ends())
        is_open = self.phase in (*_BEFORE_COMMITMENT, NodePhase.SERVING)
        return self._owed_ends() if is_open else ()

    def _owed_ends(self) -> tuple[object, ...]:
        if self.accept_over and not self.started:
            return (do.SubmitCancel(),)
        if self.collect_over:
            return (do.SubmitCollect((self.known.index,)),)
        return ()

    def _owed_defence(self) -> tuple[object, ...]:
        """A charge as wrong needs no defence: the judges compute again by themselves."""
        if self.charge is not ChargeKind.SILENT or not self.served:
            return (do.ComputeAnswer(),) if self.phase is NodePhase.DEFENDING else ()
        if self.phase is NodePhase.SUMMONED:
            return (do.FetchTask(),)
        if self.phase is NodePhase.DEFENDING:
            return (do.ComputeAnswer(),)
        return tuple(do.SendAnswer(judge) for judge in self.known.judges if judge not in self.told)

    def _owed_exit(self) -> tuple[object, ...]:
        if self.serve_over and not self.served:
            return (do.SubmitVoid(),)
        return (do.SubmitLapse(),) if self.verdict_over else ()
