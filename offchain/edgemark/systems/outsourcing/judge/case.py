"""One judge's memory of one charge, and what it owes in each phase."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never

from edgemark.identifiers import Address, Timestamp
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import TimeOver, Waiting
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import Answer, Opinion, Task
from edgemark.systems.outsourcing.protocol.phases import JobTime, JudgePhase

EVIDENCE = "evidence"
ANSWER = "answer"
MOST_ANSWERS = 3  # one that opens nothing, its like that counts, one that contradicts them
PASSING_MARGIN_DIVISOR = 4  # of the verdict window: time for judges to pass a late answer on

T = TypeVar("T")


@dataclass(frozen=True)
class JudgeCase(Waiting):
    """State of one charge at one judge.

    Attributes:
        me: this judge's account.
        case: the charge as filed.
        task: T_j, once it came and opened its leaf; the only task this judge sees.
        answers: all that the node is known to have signed for its task: R_j from the device
            (wrong) or from the node (silent). Two with different outputs are a lie by themselves,
            so both are kept and passed on: a node cannot split the judges by giving each another.
        counted: place of the one that is an answer: the first that opens the node's commitment, or
            the first of all when it made none. What does not open it displaces nothing.
        opinions: valid signatures by judge, one for each judge and finding.
        finding: this judge's own verdict.
        passed: (judge, what) that other judges took.
    """

    me: Address
    phase: JudgePhase = JudgePhase.UNKNOWN
    case: on.SawCase | None = None
    terms: Terms | None = None
    task: Task | None = None
    answers: tuple[Answer, ...] = ()
    counted: int | None = None
    opinions: tuple[tuple[Address, Opinion], ...] = ()
    finding: Finding = Finding.NONE
    served_on_chain: bool = False
    answer_by: Timestamp | None = None
    verdict_by: Timestamp | None = None
    passed: frozenset[tuple[Address, str]] = frozenset()

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        return self.phase is JudgePhase.ENDED

    def deadline(self, effect: do.JudgeEffect) -> float:
        """By when an effect has to be carried out, in the chain's time; infinite if ever."""
        if not self.case:
            return math.inf
        match effect:
            case do.PassAnswer():
                return float(self.answer_by or self.due)
            case do.SubmitServed() | do.SubmitVerdict() | do.PassEvidence() | do.PassOpinion():
                return float(self.due)
            case _:
                return math.inf

    @property
    def known(self) -> on.SawCase:
        """The case; every phase but UNKNOWN has one."""
        if self.case is None:
            raise LookupError("a charge nobody filed has no case")
        return self.case

    @property
    def answer(self) -> Answer | None:
        """The answer to compare with, if one came that counts."""
        return None if self.counted is None else self.answers[self.counted]

    @property
    def is_contradicted(self) -> bool:
        """Whether the node signed different outputs for this one task."""
        return len({held.outputs_hash for held in self.answers}) > 1

    @property
    def exhibits(self) -> tuple[Answer, ...]:
        """What there is to show: the answer, or two that contradict each other."""
        if not self.is_contradicted:
            return () if self.answer is None else (self.answer,)
        first = self.answer or self.answers[0]
        others = (a for a in self.answers if a.outputs_hash != first.outputs_hash)
        return first, next(others)

    @property
    def due(self) -> Timestamp:
        """When computing again has to be done."""
        return self.known.served_by if self.verdict_by is None else self.verdict_by

    def lacks(self, answer: Answer, *, counts: bool = True) -> bool:
        """Whether this answer says anything new; two different ones say all there is.

        Whether it `counts` as one need not be looked at yet: then it is taken for one.
        """
        if self.is_contradicted:
            return False
        if all(held.outputs_hash != answer.outputs_hash for held in self.answers):
            return True
        return counts and self.counted is None

    def is_late(self, answer: Answer) -> bool:
        """Whether time is up for it: what contradicts an answer already held never is late."""
        if not self.is_over(JobTime.ANSWER) and self.finding is not Finding.MISSING:
            return False
        return all(held.outputs_hash == answer.outputs_hash for held in self.answers)

    def signatures(self, finding: Finding) -> dict[Address, bytes]:
        """Valid signatures under `served` (NONE) or one finding, by judge."""
        return {j: o.signature for j, o in self.opinions if o.finding is finding}

    def signatures_in_order(self, finding: Finding) -> list[bytes]:
        """All of them, ascending by signer as the contract wants them: nobody is left out."""
        signed = self.signatures(finding)
        return [signed[judge] for judge in sorted(signed, key=lambda judge: int(judge, 16))]

    def times(self) -> tuple[tuple[Timestamp, TimeOver], ...]:
        """Chain times that matter to this case."""
        if self.case is None or self.is_finished:
            return ()
        if self.answer_by is None or self.verdict_by is None:
            return ((self.case.served_by, TimeOver(JobTime.SERVE)),)
        margin = (self.verdict_by - self.answer_by) // PASSING_MARGIN_DIVISOR
        return (
            (Timestamp(self.answer_by + margin), TimeOver(JobTime.ANSWER)),
            (self.verdict_by, TimeOver(JobTime.VERDICT)),
        )

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        given = [(judge, opinion.finding) for judge, opinion in self.opinions]
        times = (self.answer_by is not None, self.verdict_by is not None)
        own = {o.finding for j, o in self.opinions if j == self.me} - {Finding.NONE}
        is_both = own >= {Finding.RIGHT, Finding.MISSING}
        return {
            "a judge signs a finding once": len(set(given)) == len(given),
            "no answer is kept that says nothing new": len(self.answers) <= MOST_ANSWERS,
            "what counts is kept": self.counted is None or self.counted < len(self.answers),
            "what is served has both times": times == (self.served_on_chain,) * 2,
            "RIGHT and MISSING are signed of a liar only": not is_both or self.is_contradicted,
        }

    def after(self, event: on.JudgeEvent) -> JudgeCase:  # noqa: PLR0911 - one line an event
        """The same case with what the event told; the phase is the protocol's business."""
        match event:
            case on.SawCase():
                return replace(self, case=event)
            case on.HeardEvidence(terms, task, answer):
                heard = replace(self, terms=terms, task=task)
                return heard if answer is None else heard._with_answer(answer, counts=True)
            case on.HeardAnswer(answer):
                return self._in_time(answer)._with_answer(answer, counts=True)
            case on.HeardStrayAnswer(answer):
                return self._in_time(answer)._with_answer(answer, counts=False)
            case on.HeardOpinion(judge, opinion):
                return self._with_opinion(judge, opinion)
            case on.FoundVerdict(finding):
                return replace(self._still_owing(finding), finding=finding)
            case on.HeardPassedOn(judge, what):
                return replace(self, passed=self.passed | {(judge, what)})
            case on.SawServed(answer_by, verdict_by):
                return replace(
                    self, served_on_chain=True, answer_by=answer_by, verdict_by=verdict_by
                )
            case on.SawEnded():
                return self
            case _:
                assert_never(event)

    def _in_time(self, answer: Answer) -> JudgeCase:
        """Decided here and nowhere else: else a judge could say both that it came and did not.

        Raises:
            IllegalMove: it says something new, too late.
        """
        if self.lacks(answer) and self.is_late(answer):
            had, needed = "its time was over", f"<= {self.answer_by}"
            raise IllegalMove("answer is late", who=f"index {answer.index}", had=had, needed=needed)
        return self

    def _still_owing(self, finding: Finding) -> JudgeCase:
        """What was found long ago may have lost its ground since: then it is found again.

        Raises:
            IllegalMove: it is not what is to be found now.
        """
        effect = do.FindMissing() if finding is Finding.MISSING else do.Reexecute()
        lost = finding is Finding.RIGHT and self.is_contradicted
        if lost or effect not in self._owed_finding():
            raise IllegalMove("finding is stale", who="judge", had=finding)
        return self

    def _with_answer(self, answer: Answer, *, counts: bool) -> JudgeCase:
        if not self.lacks(answer, counts=counts):
            return self
        counted = len(self.answers) if counts and self.counted is None else self.counted
        return replace(self, answers=(*self.answers, answer), counted=counted)

    def _with_opinion(self, judge: Address, opinion: Opinion) -> JudgeCase:
        if judge in self.signatures(opinion.finding):
            return self
        if judge == self.me and opinion.finding not in (Finding.NONE, self.finding):
            raise IllegalMove("finding is stale", who="judge", had=opinion.finding)
        return replace(self, opinions=(*self.opinions, (judge, opinion)))

    def owed(self) -> tuple[do.JudgeEffect, ...]:
        """Effects that this state still needs."""
        match self.phase:
            case JudgePhase.FILED:
                return self._owed_void()
            case JudgePhase.HOLDING:
                return self._owed_holding()
            case JudgePhase.SERVED | JudgePhase.RULED:
                return self._owed_served()
            case _:
                return ()

    def _others(self) -> tuple[Address, ...]:
        return tuple(judge for judge in self.known.judges if judge != self.me)

    def _pass_evidence(self) -> list[do.JudgeEffect]:
        return [
            do.PassEvidence(judge)
            for judge in self._others()
            if (judge, EVIDENCE) not in self.passed
        ]

    def _pass_answers(self) -> list[do.JudgeEffect]:
        return [
            do.PassAnswer(judge, number)
            for judge in self._others()
            for number in range(len(self.answers))
            if (judge, f"{ANSWER} {number}") not in self.passed
        ]

    def _pass_opinion(self, finding: Finding) -> list[do.JudgeEffect]:
        if self.me not in self.signatures(finding):
            return []
        name = finding.name.lower()
        return [
            do.PassOpinion(judge, int(finding))
            for judge in self._others()
            if (judge, name) not in self.passed
        ]

    def _owed_void(self) -> tuple[do.JudgeEffect, ...]:
        due = self.is_over(JobTime.SERVE)
        return (do.SubmitVoid(self.known.job, self.known.index),) if due else ()

    def _owed_holding(self) -> tuple[do.JudgeEffect, ...]:
        owed = self._pass_evidence()
        signed = self.signatures(Finding.NONE)
        if self.me not in signed:
            owed.append(do.SignServed())
        owed += self._pass_opinion(Finding.NONE)
        if self.is_over(JobTime.SERVE):
            owed += self._owed_void()
        elif len(signed) >= self.known.threshold:
            owed.append(do.SubmitServed())
        return tuple(owed)

    def _owed_served(self) -> tuple[do.JudgeEffect, ...]:
        if self.is_over(JobTime.VERDICT):
            return (do.SubmitLapse(self.known.job, self.known.index),)
        owed: list[do.JudgeEffect] = []
        if self.task is not None:
            owed += self._pass_evidence()
        if self.known.kind is ChargeKind.SILENT:
            owed += self._pass_answers()
        owed += self._owed_finding()
        for finding in (Finding.RIGHT, Finding.WRONG, Finding.MISSING):
            owed += self._pass_opinion(finding)
            if len(self.signatures(finding)) >= self.known.threshold:
                owed.append(do.SubmitVerdict(int(finding)))
        return tuple(owed)

    def _owed_finding(self) -> list[do.JudgeEffect]:
        """What is to be found and signed now; a finding without its signature is found again.

        Only who holds the task can know that no answer came: an answer is checked against it. And a
        wrong answer to a charge as silent is none: signed as missing too once time is up, so that a
        node cannot split the judges by showing a wrong answer to some of them at the last moment.
        So is one that is contradicted, also by who found it right before it was: it is a lie.
        """
        if self.task is None:
            return []
        signed = self.me in self.signatures(self.finding)
        decided = self.answer is not None or self.is_contradicted
        late = self.known.kind is ChargeKind.SILENT and self.is_over(JobTime.ANSWER)
        if decided and self.finding is not Finding.MISSING:
            outdated = self.finding is Finding.RIGHT and self.is_contradicted
            if self.finding is Finding.NONE or outdated or not signed:
                return [do.Reexecute()]
            return [do.FindMissing()] if late and self.finding is Finding.WRONG else []
        missed = self.finding is Finding.MISSING and signed
        return [do.FindMissing()] if late and not missed else []


def held(value: T | None) -> T:
    """What a case holds by now.

    Raises:
        LookupError: it does not; the machine owes nothing that needs it before.
    """
    if value is None:
        raise LookupError("the case does not hold it yet")
    return value
