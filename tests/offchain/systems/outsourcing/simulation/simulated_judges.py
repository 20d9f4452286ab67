"""Judges of `simulation.World`, each with one side for every charge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulation import Side, View, World

from edgemark.crypto.ethereum.secp256k1 import SecretKey, recover
from edgemark.identifiers import ShareIndex
from edgemark.loop.machine import TryAgain
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.judge.case import ANSWER, EVIDENCE, JudgeCase
from edgemark.systems.outsourcing.judge.observing import observe_as_judge
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import Answer, Evidence, Opinion
from edgemark.systems.outsourcing.steps.accuse import (
    check_evidence,
    compute_opinion_digest,
    find,
    hear_answer,
)
from edgemark.systems.outsourcing.steps.decode import check_outputs

_CHARGED = (IndexPhase.CHARGED, IndexPhase.SERVED)


class CaseSide(Side[JudgeCase]):
    """One charge at one judge."""

    def __init__(self, judge: JudgeSide, index: int) -> None:
        me = judge.key.address
        super().__init__(lambda: JudgeCase(me=me), judge.lag)
        self.judge, self.world, self.index = judge, judge.world, ShareIndex(index)
        judge.world.settle_in(self)

    def observe(self, view: View) -> Sequence[object]:
        return observe_as_judge(self.state, view.indices[self.index - 1])

    def perform(self, effect: Any) -> Sequence[object]:
        return self.judge.perform(self, effect)


class JudgeSide:
    """An honest judge.

    Args:
        world: where it lives.
        key: its account.
    """

    def __init__(self, world: World, key: SecretKey) -> None:
        self.world, self.key, self.lag = world, key, world.draw_lag()
        self.cases: dict[int, CaseSide] = {}
        self.kill_after: int | None = None  # of the next case
        world.judges[key.address] = self

    def case(self, index: int) -> CaseSide:
        """The case of a charged index, taken up when the chain shows it."""
        if index not in self.cases:
            view = self.world.view(self.lag)
            if view is None or view.indices[index - 1].phase not in _CHARGED:
                raise TryAgain("index is not charged")
            seat, order = view.indices[index - 1], self.world.order
            case = self.cases[index] = CaseSide(self, index)
            case.kill_after, self.kill_after = self.kill_after, None
            case.hear(
                on.SawCase(
                    job=order.job,
                    index=ShareIndex(index),
                    root=order.root,
                    kind=seat.kind,
                    node=seat.node,
                    commitment=self.world.chain.commitment(order.job, index),
                    served_by=seat.served_by,
                    judges=cast.JUDGE_ADDRESSES,
                    threshold=3,
                )
            )
        return self.cases[index]

    # --- what others hand over -----------------------------------------------------------------

    def hear_evidence(self, raw: bytes) -> None:
        evidence = Evidence.from_wire(raw)
        case = self.case(evidence.task.index)
        if case.state.task is not None or case.state.is_finished:
            return
        known = case.state.known
        check_evidence(
            known,
            evidence.task,
            evidence.answer,
            terms=evidence.terms,
            domain=cast.DOMAIN,
        )
        answer = evidence.answer if known.kind is ChargeKind.WRONG else None
        case.hear(on.HeardEvidence(evidence.terms, evidence.task, answer))

    def hear_answer(self, raw: bytes) -> None:
        answer = Answer.from_wire(raw)
        case = self.case(answer.index)
        if case.state.is_finished or not case.state.lacks(answer):
            return
        if case.state.known.kind is not ChargeKind.SILENT or case.state.task is None:
            raise TryAgain("no answer is awaited")
        if case.state.is_late(answer):
            raise TryAgain("answer is late")
        heard = hear_answer(answer, case.state.task, case.state.known, cast.DOMAIN)
        check_outputs(answer, self.world.order.terms)
        case.hear(heard)

    def hear_opinion(self, raw: bytes) -> None:
        opinion = Opinion.from_wire(raw)
        case = self.case(opinion.index)
        if case.state.is_finished:
            return
        digest = compute_opinion_digest(case.state.known, opinion.finding, cast.DOMAIN)
        signer = recover(digest, opinion.signature)
        if signer not in cast.JUDGE_ADDRESSES:
            raise TryAgain("signer is no judge")
        case.hear(on.HeardOpinion(signer, opinion))

    # --- effects -------------------------------------------------------------------------------

    def perform(self, case: CaseSide, effect: Any) -> Sequence[object]:  # noqa: PLR0911
        state, judges = case.state, self.world.judges
        match effect:
            case do.SignServed():
                return [self.sign(case, Finding.NONE)]
            case do.Reexecute():
                finding = self.reexecute(case)
                return [on.FoundVerdict(finding), self.sign(case, finding)]
            case do.FindMissing():
                return [on.FoundVerdict(Finding.MISSING), self.sign(case, Finding.MISSING)]
            case do.PassEvidence(judge):
                judges[judge].hear_evidence(_evidence_of(state).to_wire())
                return [on.HeardPassedOn(judge, EVIDENCE)]
            case do.PassAnswer(judge, number):
                judges[judge].hear_answer(state.answers[number].to_wire())
                return [on.HeardPassedOn(judge, f"{ANSWER} {number}")]
            case do.PassOpinion(judge, finding):
                own = state.signatures(Finding(finding))[self.key.address]
                opinion = Opinion(state.known.job, case.index, Finding(finding), own)
                judges[judge].hear_opinion(opinion.to_wire())
                return [on.HeardPassedOn(judge, Finding(finding).name.lower())]
            case _:
                return self._submit(case, effect)

    def sign(self, case: CaseSide, finding: Finding) -> on.HeardOpinion:
        """One's own signature."""
        opinion = cast.sign_opinion(self.key, case.state.known, finding)
        return on.HeardOpinion(self.key.address, opinion)

    def reexecute(self, case: CaseSide) -> Finding:
        """Compute the task again."""
        state = case.state
        if state.is_contradicted:
            return Finding.WRONG
        if state.task is None or state.answer is None or state.terms is None:
            raise LookupError("nothing to compute")
        return find(
            state.task,
            state.answer,
            function=self.world.function,
            terms=state.terms,
        )

    def _submit(self, case: CaseSide, effect: Any) -> Sequence[object]:
        world, chain, state = self.world, self.world.chain, case.state
        match effect:
            case do.SubmitServed():
                signers = sorted(state.signatures(Finding.NONE), key=lambda a: int(a, 16))
                return world.send(chain.record_served, case.index, signers)
            case do.SubmitVerdict(finding):
                signers = sorted(state.signatures(Finding(finding)), key=lambda a: int(a, 16))
                return world.send(chain.record_verdict, case.index, Finding(finding), signers)
            case do.SubmitVoid():
                return world.send(chain.void_charge, case.index)
            case do.SubmitLapse():
                return world.send(chain.lapse_charge, case.index)
            case _:
                raise TypeError(effect)


class IdleJudge(JudgeSide):
    """Signs that it holds the task, then never rules."""

    def perform(self, case: CaseSide, effect: Any) -> Sequence[object]:
        if isinstance(effect, do.Reexecute | do.FindMissing):
            raise TryAgain("does not rule")
        return super().perform(case, effect)


class DeadJudge(JudgeSide):
    """Cannot be reached and does nothing."""

    def case(self, index: int) -> CaseSide:
        raise TryAgain("out of reach", who=f"index {index}")


def _evidence_of(state: JudgeCase) -> Evidence:
    if state.terms is None or state.task is None:
        raise LookupError("no evidence")
    return Evidence(
        state.terms, state.task, state.answer if state.known.kind is ChargeKind.WRONG else None
    )
