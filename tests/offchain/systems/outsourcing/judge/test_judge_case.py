"""A node cannot split the judges, and a judge says no more than it can know."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import DeviceSide
from tests.offchain.systems.outsourcing.simulation.simulated_judges import JudgeSide
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import (
    LastMomentNode,
    NodeSide,
    SplittingNode,
)
from tests.offchain.systems.outsourcing.simulation.simulation import World

from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import reach_time, step
from edgemark.systems.outsourcing.protocol.phases import JobTime

ORDER = cast.small_order()
INDEX = ShareIndex(3)
ME, *OTHERS = cast.JUDGE_ADDRESSES
ANSWER_BY, VERDICT_BY = Timestamp(1_100), Timestamp(1_120)
MARGIN_OVER = Timestamp(1_106)  # a quarter of the verdict window, and a second


def case_of(kind: ChargeKind) -> on.SawCase:
    """The charge of index 3."""
    return cast.case_of(ORDER, INDEX, kind, served_by=Timestamp(1_050))


def judge_after(*events: object, kind: ChargeKind = ChargeKind.SILENT) -> JudgeCase:
    """A judge that took the case up and then lived through these events."""
    state = JudgeCase(me=ME)
    for event in (case_of(kind), *events):
        state, _ = step(state, event)
    return state


def own(finding: Finding) -> on.HeardOpinion:
    """This judge's own signature."""
    return on.HeardOpinion(
        ME, cast.sign_opinion(cast.JUDGES[0], case_of(ChargeKind.SILENT), finding)
    )


TASK = on.HeardEvidence(ORDER.terms, ORDER.tasks[2], None)
SERVED = on.SawServed(ANSWER_BY, VERDICT_BY)
RIGHT = on.HeardAnswer(cast.right_answer(ORDER, 3))
WRONG = on.HeardAnswer(cast.wrong_answer(ORDER, 3))


def owed_to_find(state: JudgeCase) -> list[Any]:
    """Effects by which this judge finds or signs something."""
    return [e for e in state.owed() if isinstance(e, do.Reexecute | do.FindMissing)]


def test_judge_without_the_task__never_says_that_an_answer_is_missing() -> None:
    state = reach_time(judge_after(SERVED), MARGIN_OVER)
    assert state.is_over(JobTime.ANSWER)
    assert owed_to_find(state) == []
    with_task = reach_time(judge_after(SERVED, TASK), MARGIN_OVER)
    assert owed_to_find(with_task) == [do.FindMissing()]


@pytest.mark.parametrize("answer", [RIGHT, WRONG], ids=["right", "wrong"])
def test_finding_without_its_signature__is_found_again(answer: on.HeardAnswer) -> None:
    finding = Finding.RIGHT if answer is RIGHT else Finding.WRONG
    killed = judge_after(TASK, SERVED, answer, on.FoundVerdict(finding))
    assert owed_to_find(killed) == [do.Reexecute()]
    state, _ = step(killed, own(finding))
    assert owed_to_find(state) == []
    assert do.PassOpinion(OTHERS[0], int(finding)) in state.owed()


def test_missing_without_its_signature__is_found_again() -> None:
    state = reach_time(judge_after(TASK, SERVED), MARGIN_OVER)
    killed, _ = step(state, on.FoundVerdict(Finding.MISSING))
    assert owed_to_find(killed) == [do.FindMissing()]
    signed, _ = step(killed, own(Finding.MISSING))
    assert owed_to_find(signed) == []


def test_answer_before_served_is_seen__is_kept() -> None:
    early = judge_after(TASK, RIGHT)
    assert owed_to_find(early) == []
    state, effects = step(early, SERVED)
    assert do.Reexecute() in effects
    assert state.answer == RIGHT.answer


def test_wrong_answer_to_a_silent_charge__is_signed_as_missing_too_when_time_is_up() -> None:
    state = judge_after(TASK, SERVED, WRONG, on.FoundVerdict(Finding.WRONG), own(Finding.WRONG))
    assert owed_to_find(state) == []
    late = reach_time(state, MARGIN_OVER)
    assert owed_to_find(late) == [do.FindMissing()]
    late, _ = step(late, on.FoundVerdict(Finding.MISSING))
    late, _ = step(late, own(Finding.MISSING))
    assert owed_to_find(late) == []
    passed = {e.finding for e in late.owed() if isinstance(e, do.PassOpinion)}
    assert passed == {Finding.WRONG, Finding.MISSING}


def test_right_answer__is_never_signed_as_missing() -> None:
    state = judge_after(TASK, SERVED, RIGHT, on.FoundVerdict(Finding.RIGHT), own(Finding.RIGHT))
    assert owed_to_find(reach_time(state, MARGIN_OVER)) == []


def test_wrong_answer_to_a_charge_as_wrong__is_never_signed_as_missing() -> None:
    evidence = on.HeardEvidence(ORDER.terms, ORDER.tasks[2], WRONG.answer)
    state = judge_after(
        evidence,
        SERVED,
        on.FoundVerdict(Finding.WRONG),
        own(Finding.WRONG),
        kind=ChargeKind.WRONG,
    )
    assert owed_to_find(reach_time(state, MARGIN_OVER)) == []


def test_two_signed_answers__are_a_lie_by_themselves() -> None:
    state = judge_after(TASK, SERVED, RIGHT, on.FoundVerdict(Finding.RIGHT), own(Finding.RIGHT))
    state, effects = step(state, WRONG)
    assert state.is_contradicted
    assert do.Reexecute() in effects
    assert {e.number for e in state.owed() if isinstance(e, do.PassAnswer)} == {0, 1}
    assert not state.lacks(cast.right_answer(ORDER, 3))
    third = cast.sign_again(ORDER, 3, bytes(len(RIGHT.answer.outputs)))
    assert not state.lacks(third)


def test_third_answer_or_second_opinion__changes_nothing() -> None:
    third = on.HeardAnswer(cast.sign_again(ORDER, 3, bytes(len(RIGHT.answer.outputs))))
    found = on.FoundVerdict(Finding.WRONG)
    state = judge_after(TASK, SERVED, RIGHT, WRONG, found, own(Finding.WRONG))
    assert step(state, third)[0] == state
    assert step(state, RIGHT)[0] == state
    assert step(state, own(Finding.WRONG))[0] == state


def test_k_signatures__are_brought_to_the_chain_and_not_fewer() -> None:
    found = on.FoundVerdict(Finding.WRONG)
    state = judge_after(TASK, SERVED, WRONG, found, own(Finding.WRONG))
    for number, judge in enumerate(cast.JUDGES[1:3], start=2):
        assert do.SubmitVerdict(int(Finding.WRONG)) not in state.owed()
        opinion = cast.sign_opinion(judge, case_of(ChargeKind.SILENT), Finding.WRONG)
        state, _ = step(state, on.HeardOpinion(judge.address, opinion))
        assert len(state.signatures(Finding.WRONG)) == number
    assert do.SubmitVerdict(int(Finding.WRONG)) in state.owed()


def test_charge_that_was_not_served_in_time__is_ended_and_not_served_any_more() -> None:
    state = judge_after(TASK, own(Finding.NONE))
    for judge in cast.JUDGES[1:3]:
        opinion = cast.sign_opinion(judge, case_of(ChargeKind.SILENT), Finding.NONE)
        state, _ = step(state, on.HeardOpinion(judge.address, opinion))
    assert do.SubmitServed() in state.owed()
    late = reach_time(state, Timestamp(1_051))
    assert do.SubmitVoid(state.known.job, state.known.index) in late.owed()
    assert do.SubmitServed() not in late.owed()


def ends_of(faulty: type[NodeSide], seed: int) -> tuple[IndexPhase, int]:
    """How a node ends among honest people, and how many judges ever held an answer of it."""
    world = World(seed)
    for index in range(1, cast.NODE_COUNT + 1):
        (faulty if index == INDEX else NodeSide)(world, index)
    for key in cast.JUDGES:
        JudgeSide(world, key)
    DeviceSide(world)
    world.run()
    view = world.view()
    assert view is not None
    assert world.is_over()
    holding = sum(1 for judge in world.judges.values() if judge.cases[INDEX].state.answers)
    return view.indices[INDEX - 1].phase, holding


def test_node_that_shows_a_lie_to_two_judges_at_the_last_moment__is_convicted() -> None:
    # 63: no judge can pass the lie on before time is up for the others
    ends = [ends_of(LastMomentNode, seed) for seed in (*range(6), 63)]
    assert {phase for phase, _ in ends} == {IndexPhase.CONVICTED}
    assert 2 in {holding for _, holding in ends}, "nobody was split"


def test_node_that_gives_the_judges_different_answers__never_makes_the_charge_lapse() -> None:
    """Right before k judges in time, it is paid for that; else it is convicted."""
    ends = {ends_of(SplittingNode, seed)[0] for seed in range(10)}
    assert IndexPhase.CONVICTED in ends
    assert ends <= {IndexPhase.CONVICTED, IndexPhase.ANSWERED}
