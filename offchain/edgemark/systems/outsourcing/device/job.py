"""The device's memory of one job, and what it owes in each phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import TimeOver, Waiting
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import deadline_of
from edgemark.systems.outsourcing.protocol.messages import Acceptance, Answer
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, JobTime, Refusing

_OPEN = (IndexPhase.ACCEPTED, IndexPhase.COMMITTED)
_CHARGED = (IndexPhase.CHARGED, IndexPhase.SERVED)
PAYER_PLACE = 0  # in the job's lock
_UNDECODED = (DevicePhase.STARTED, DevicePhase.GATHERED)  # of all answers that will come


@dataclass(frozen=True)
class DeviceJob(Waiting):
    """State of one job at the device; `order` holds its secrets.

    Attributes:
        indices: phase of index j on chain at position j - 1.
        offered: indices whose nodes took the offer.
        refused: why the others have not, of each the first of the reasons that explain most.
        acceptances: of those that left theirs to the device, which is to bring them together.
        brings_none: the contract refused them together; each node brings its own.
        delivered: indices whose nodes took their task.
        answers: verified answers by index.
        right: indices whose answers gave the result while others were awaited.
        wrong: indices charged or to be charged as wrong; with `silent` at most e.
        silent: indices charged or to be charged as silent.
        named_late: found when no charge was left: neither charged nor approved.
        decoded: number of answers when they were last found undecided.
        evidence: (index, judge) pairs that were delivered.
        verdicts_by: deadline of each served charge.
        lock_over: the job's lock has expired.
    """

    phase: DevicePhase = DevicePhase.UNKNOWN
    order: on.Order | None = None
    indices: tuple[IndexPhase, ...] = ()
    offered: frozenset[ShareIndex] = frozenset()
    refused: tuple[on.HeardOfferRefused, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    brings_none: bool = False
    delivered: frozenset[ShareIndex] = frozenset()
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    result: bytes | None = field(default=None, repr=False)
    right: frozenset[ShareIndex] = frozenset()
    wrong: tuple[ShareIndex, ...] = ()
    silent: tuple[ShareIndex, ...] = ()
    named_late: frozenset[ShareIndex] = frozenset()
    decoded: int = 0
    undecided_because: str = ""
    evidence: frozenset[tuple[ShareIndex, Address]] = frozenset()
    verdicts_by: tuple[tuple[ShareIndex, Timestamp], ...] = ()
    lock_over: bool = False
    reason: str = ""

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        return self.phase in (DevicePhase.SETTLED, DevicePhase.CANCELLED, DevicePhase.FAILED)

    def deadline(self, effect: do.DeviceEffect) -> float:
        """By when an effect has to be carried out, in the chain's time; infinite if ever.

        A node is charged as silent when its answer is not here once waiting for answers is over;
        what is found late leaves no time to charge.
        """
        match effect:
            case do.FetchAnswer() | do.DecodeEarly() if self.order:
                return float(self.order.gather_until)
            case do.FetchAnswerFromJudges() | do.Decode() if self.order:
                return float(self.order.last_charges_at)
            case _:
                return deadline_of(self.order.terms if self.order else None, effect)

    @property
    def known(self) -> on.Order:
        """The order; every phase but UNKNOWN has one."""
        if self.order is None:
            raise LookupError("a job nobody ordered has no order")
        return self.order

    @property
    def charges_left(self) -> int:
        """How many indices may still be charged, of e."""
        return self.known.terms.errors - len(self.wrong) - len(self.silent)

    @property
    def is_last_call(self) -> bool:
        """No time is left to wait for an answer before charging."""
        return self.is_over(JobTime.LAST_CHARGES)

    @property
    def open_indices(self) -> frozenset[ShareIndex]:
        """Indices that have neither ended nor been chosen for a charge."""
        opened = frozenset(i for i in self._all() if self.index_phase(i) in _OPEN)
        return opened.difference(self.chosen)

    @property
    def answered(self) -> tuple[ShareIndex, ...]:
        """Indices with a verified answer, ascending."""
        return tuple(sorted(answer.index for answer in self.answers))

    @property
    def chosen(self) -> tuple[ShareIndex, ...]:
        """Indices charged or to be charged, ascending."""
        return tuple(sorted((*self.wrong, *self.silent)))

    def answer_of(self, index: ShareIndex) -> Answer | None:
        """The verified answer for an index, if one came."""
        return next((answer for answer in self.answers if answer.index == index), None)

    def index_phase(self, index: ShareIndex) -> IndexPhase:
        """Last seen phase of an index on chain."""
        return self.indices[index - 1]

    def times(self) -> tuple[tuple[Timestamp, TimeOver], ...]:
        """Chain times that matter to this job."""
        if self.order is None or self.is_finished:
            return ()
        terms, order = self.order.terms, self.order
        return (
            (terms.accept_by, TimeOver(JobTime.ACCEPT)),
            (order.gather_until, TimeOver(JobTime.GATHERING)),
            (terms.compute_by, TimeOver(JobTime.COMPUTE)),
            (order.last_charges_at, TimeOver(JobTime.LAST_CHARGES)),
            (terms.collect_by, TimeOver(JobTime.COLLECT)),
            *((by, TimeOver(JobTime.VERDICT, index)) for index, by in self.verdicts_by),
        )

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        most = self.order.terms.errors if self.order else 0
        charged, answered = {*self.wrong, *self.silent}, self.answered
        return {
            "an index is charged once": len(charged) == len(self.wrong) + len(self.silent),
            "at most e are charged": len(charged) <= most,
            "nobody named late is charged": not charged & self.named_late,
            "an index has one answer": len(set(answered)) == len(answered),
            "and one acceptance": len({a.index for a in self.acceptances}) == len(self.acceptances),
            "each index has a phase": not self.order
            or len(self.indices) == self.order.terms.node_count,
            "only what is served has a verdict's time": all(
                self.index_phase(index) is IndexPhase.SERVED for index, _ in self.verdicts_by
            ),
            "a result is early, valid, or charged over": self.result is None
            or self.phase
            in (*_UNDECODED, DevicePhase.VALID, DevicePhase.CHARGED, DevicePhase.SETTLED),
        }

    def after(self, event: on.DeviceEvent) -> DeviceJob:  # noqa: C901, PLR0911, PLR0912 - one line an event
        """The same job with what the event told; the phase is the protocol's business."""
        match event:
            case on.AskedSubmit(order):
                named = (IndexPhase.NAMED,) * order.terms.node_count
                return replace(self, order=order, indices=named)
            case on.SawIndexPhase():
                return self._with_index_phase(event)
            case on.HeardOfferTaken(index):
                return self._with_offer_taken(index)
            case on.HeardOfferRefused():
                return self._with_refusal(event)
            case on.HeardAcceptance(acceptance):
                return self._with_acceptance(acceptance)
            case on.FoundAcceptancesRefused():
                return replace(self, brings_none=True)
            case on.HeardTaskTaken(index):
                return replace(self, delivered=self.delivered | {index})
            case on.HeardAnswer(answer):
                return self._with_answer(answer)
            case on.HeardEvidenceTaken(index, judge):
                return replace(self, evidence=self.evidence | {(index, judge)})
            case on.SawLockOver():
                return replace(self, lock_over=True)
            case on.FoundPostingRefused(reason):
                return replace(self, reason=reason)
            case on.FoundResultEarly(result, right):
                return replace(self, result=result, right=frozenset(right))
            case on.FoundResultValid() | on.FoundResultUndecided():
                return self._with_finding(event)
            case on.SawPosted() | on.SawStarted() | on.SawCancelled():
                return self
            case on.SawChargesFiled() | on.SawEnded():
                return self
            case _:
                assert_never(event)

    def _with_index_phase(self, event: on.SawIndexPhase) -> DeviceJob:
        index = event.index
        indices = (*self.indices[: index - 1], event.phase, *self.indices[index:])
        others = tuple(entry for entry in self.verdicts_by if entry[0] != index)
        served = ((index, event.verdict_by),) if event.phase is IndexPhase.SERVED else ()
        return replace(self, indices=indices, verdicts_by=(*others, *served))

    def _with_acceptance(self, acceptance: Acceptance) -> DeviceJob:
        others = tuple(a for a in self.acceptances if a.index != acceptance.index)
        taken = self._with_offer_taken(acceptance.index)
        return replace(taken, acceptances=(*others, acceptance))

    def _with_offer_taken(self, index: ShareIndex) -> DeviceJob:
        refused = tuple(said for said in self.refused if said.index != index)
        return replace(self, offered=self.offered | {index}, refused=refused)

    def _with_refusal(self, said: on.HeardOfferRefused) -> DeviceJob:
        others = tuple(r for r in self.refused if r.index != said.index or r.why >= said.why)
        is_known = any(r.index == said.index for r in others)
        if said.index in self.offered or is_known:
            return self
        return replace(self, refused=(*others, said))

    def _with_answer(self, answer: Answer) -> DeviceJob:
        if self.answer_of(answer.index) is not None:  # nothing displaces an answer
            return self
        return replace(self, answers=(*self.answers, answer))

    def _with_finding(self, event: on.FoundResultValid | on.FoundResultUndecided) -> DeviceJob:
        """What was found, and whom to charge for it as long as charges are left.

        Raises:
            IllegalMove: it was found from other answers, or other charges were chosen meanwhile.
        """
        basis, needed = (event.answered, event.chosen), (self.answered, self.chosen)
        if basis != needed:
            raise IllegalMove("finding is stale", who="device", had=basis, needed=needed)
        named = event.liars if isinstance(event, on.FoundResultValid) else event.suspects
        liars = tuple(i for i in named if i not in self.chosen)
        silent = tuple(i for i in event.silent if i not in self.chosen)
        more_wrong = liars[: self.charges_left]
        more_silent = silent[: self.charges_left - len(more_wrong)]
        charged = replace(
            self,
            wrong=tuple(sorted((*self.wrong, *more_wrong))),
            silent=tuple(sorted((*self.silent, *more_silent))),
        )
        if isinstance(event, on.FoundResultUndecided):
            if self.phase in _UNDECODED:  # never after an early result, see `steps.decode`
                charged = replace(charged, result=None)
            return replace(charged, undecided_because=event.reason, decoded=len(self.answers))
        late = {*liars, *silent} - {*more_wrong, *more_silent}
        return replace(
            charged, result=event.result, undecided_because="", named_late=frozenset(late)
        )

    def owed(self) -> tuple[do.DeviceEffect, ...]:  # noqa: PLR0911 - one line a phase
        """Effects that this state still needs."""
        if self.lock_over and not self.is_finished:
            return (do.SubmitExpiry(self.known.job, PAYER_PLACE),)
        match self.phase:
            case DevicePhase.DRAFTED:
                return (do.SubmitPosting(),)
            case DevicePhase.POSTED:
                return (*self._owed_offers(), *self._owed_acceptances())
            case DevicePhase.EXPIRED:
                return (do.SubmitCancel(self.known.job),)
            case DevicePhase.STARTED:
                return self._owed_started()
            case DevicePhase.GATHERED:
                return (self._decode(),)
            case DevicePhase.VALID | DevicePhase.UNDECIDED:
                return (*self._owed_approval(), *self._owed_charge(), *self._owed_collect())
            case DevicePhase.CHARGED:
                return (
                    *self._owed_approval(),
                    *self._owed_charge(),
                    *self._owed_evidence(),
                    *self._owed_lapses(),
                    *self._owed_collect(),
                )
            case _:
                return ()

    def _all(self) -> tuple[ShareIndex, ...]:
        return tuple(ShareIndex(j) for j in range(1, len(self.indices) + 1))

    def _decode(self) -> do.Decode:
        return do.Decode(self.answered, self.chosen)

    def _owed_offers(self) -> tuple[do.DeviceEffect, ...]:
        never = {said.index for said in self.refused if said.why is Refusing.FOR_GOOD}
        return tuple(do.SendOffer(i) for i in self._all() if i not in self.offered | never)

    def _owed_acceptances(self) -> tuple[do.DeviceEffect, ...]:
        """One call for all, once each node that is still awaited has left its acceptance here.

        The effect names no indices: those that others bring meanwhile would make another of it.
        """
        awaited = {i for i in self._all() if self.index_phase(i) is IndexPhase.NAMED}
        is_whole = awaited and awaited <= {given.index for given in self.acceptances}
        return (do.SubmitAcceptances(),) if is_whole and not self.brings_none else ()

    def _owed_started(self) -> tuple[do.DeviceEffect, ...]:
        if len(self.answers) == len(self.indices):
            return (self._decode(),)
        tasks = tuple(do.SendTask(i) for i in self._all() if i not in self.delivered)
        answers = tuple(
            do.FetchAnswer(i)
            for i in self._all()
            if self.index_phase(i) is IndexPhase.COMMITTED and self.answer_of(i) is None
        )
        return (*tasks, *answers, *self._owed_early())

    def _owed_early(self) -> tuple[do.DeviceEffect, ...]:
        """The result as soon as enough have answered; after `compute_by` their fees as well.

        Before that one approval for all is cheaper, and nobody is late.
        """
        if self.result is None:
            is_enough = len(self.answers) >= len(self.indices) - self.known.terms.errors
            return (do.DecodeEarly(self.answered),) if is_enough else ()
        if not self.is_over(JobTime.COMPUTE):
            return ()
        right = tuple(i for i in sorted(self.right) if self.index_phase(i) is IndexPhase.COMMITTED)
        return (do.SubmitApproval(self.known.job, right),) if right else ()

    def _owed_approval(self) -> tuple[do.DeviceEffect, ...]:
        if self.result is None:
            return ()
        honest = tuple(
            i
            for i in self._all()
            if i not in self.wrong
            and i not in self.silent
            and i not in self.named_late
            and self.index_phase(i) is IndexPhase.COMMITTED
            and self.answer_of(i) is not None
        )
        return (do.SubmitApproval(self.known.job, honest),) if honest else ()

    def _owed_charge(self) -> tuple[do.DeviceEffect, ...]:
        if self.is_over(JobTime.COLLECT):
            return ()
        wrong = tuple(i for i in self.wrong if self.index_phase(i) is IndexPhase.COMMITTED)
        late_enough = self.silent if self.is_over(JobTime.COMPUTE) else ()
        silent = tuple(i for i in late_enough if self.index_phase(i) in _OPEN)
        return (do.SubmitCharge(self.known.job, wrong, silent),) if wrong or silent else ()

    def _owed_evidence(self) -> tuple[do.DeviceEffect, ...]:
        order = self.known
        owed: list[do.DeviceEffect] = []
        for index in (*self.wrong, *self.silent):
            if self.index_phase(index) in _CHARGED:
                owed += [
                    do.SendEvidence(index, judge)
                    for judge in order.judges
                    if (index, judge) not in self.evidence
                ]
            answered = self.index_phase(index) in (*_CHARGED, IndexPhase.ANSWERED)
            if index in self.silent and answered and self._misses(index):
                owed.append(do.FetchAnswerFromJudges(index))
        if self.result is None and (self._has_new_answers() or self._charges_again()):
            owed.append(self._decode())
        return tuple(owed)

    def _misses(self, index: ShareIndex) -> bool:
        return self.result is None and self.answer_of(index) is None

    def _has_new_answers(self) -> bool:
        """Whether judges passed on an answer since the last decoding."""
        return len(self.answers) > self.decoded

    def _charges_again(self) -> bool:
        """Whether the next charges of an undecided job are to be chosen now.

        All that were chosen are on chain, and no answer is awaited that might show who lies; or
        there is no time left to wait.
        """
        if not self.charges_left or not self.open_indices or self.is_over(JobTime.COLLECT):
            return False
        if any(self.index_phase(i) in _OPEN for i in (*self.wrong, *self.silent)):
            return False
        awaited = (*_CHARGED, IndexPhase.ANSWERED)
        waits = any(self.index_phase(i) in awaited and self._misses(i) for i in self.silent)
        return self.is_last_call or not waits

    def _owed_lapses(self) -> tuple[do.DeviceEffect, ...]:
        """Nobody else need be left who ends a charge without verdict, and the bond is in it."""
        return tuple(
            do.SubmitLapse(self.known.job, index)
            for index, _ in sorted(self.verdicts_by)
            if self.is_over(JobTime.VERDICT, index)
        )

    def _owed_collect(self) -> tuple[do.DeviceEffect, ...]:
        if not self.is_over(JobTime.COLLECT):
            return ()
        left = tuple(i for i in self._all() if self.index_phase(i) in _OPEN)
        return (do.SubmitCollect(self.known.job, left),) if left else ()
