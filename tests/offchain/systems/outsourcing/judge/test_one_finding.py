"""A judge never signs both that a right answer came and that none did, whatever comes when."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.journal.journal import Journal
from edgemark.loop.machine import IllegalMove, Tick
from edgemark.loop.runtime import Runtime
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import Opinion

ORDER, INDEX = cast.small_order(), ShareIndex(3)
ME = cast.JUDGE_ADDRESSES[0]
RIGHT_ANSWER, WRONG_ANSWER = cast.right_answer(ORDER, 3), cast.wrong_answer(ORDER, 3)
BEGIN = on.SawCase(
    **vars(cast.case_of(ORDER, INDEX, ChargeKind.SILENT, served_by=Timestamp(1_050)))
)
TASK = on.HeardEvidence(ORDER.terms, ORDER.tasks[2], None)
SERVED = on.SawServed(Timestamp(1_100), Timestamp(1_120))
MARGIN_OVER = Tick(1_106)
RIGHT, STRAY = on.HeardAnswer(RIGHT_ANSWER), on.HeardStrayAnswer(RIGHT_ANSWER)
WRONG = on.HeardAnswer(WRONG_ANSWER)


class PlantedCase(JudgeCase):
    """As it was: lateness is the handlers' business, and a finding is taken whenever it comes."""

    def _in_time(self, _: object) -> JudgeCase:
        return self

    def _still_owing(self, _: object) -> JudgeCase:
        return self

    def _with_opinion(self, judge: Address, opinion: Opinion) -> JudgeCase:
        if judge in self.signatures(opinion.finding):
            return self
        return replace(self, opinions=(*self.opinions, (judge, opinion)))


class Life:
    """One judge: events come, what is to be found begins, and ends at any later time."""

    def __init__(self, case: type[JudgeCase]) -> None:
        self._machine: PartyMachine[JudgeCase] = PartyMachine(lambda: case(me=ME))
        self.state = self._machine.initial(b"")
        self._under_way: list[Finding] = []
        self.hear(BEGIN)

    def hear(self, event: object) -> None:
        with suppress(IllegalMove):
            self.state, _ = self._machine.step(self.state, event)

    def begin(self) -> None:
        """As `Judge.perform`: what is found follows from the state of now."""
        for effect in self.state.owed():
            if isinstance(effect, do.FindMissing):
                self._under_way.append(Finding.MISSING)
            elif isinstance(effect, do.Reexecute):
                is_right = not self.state.is_contradicted and self.state.answer == RIGHT_ANSWER
                self._under_way.append(Finding.RIGHT if is_right else Finding.WRONG)

    def end(self, number: int) -> None:
        if self._under_way:
            finding = self._under_way.pop(number % len(self._under_way))
            self.hear(on.FoundVerdict(finding))
            self.hear(on.HeardOpinion(ME, Opinion(ORDER.job, INDEX, finding, bytes(65))))

    def go_on(self) -> None:
        """Until nothing is to be found any more."""
        for _ in range(6):
            self.begin()
            while self._under_way:
                self.end(0)

    @property
    def signed(self) -> set[Finding]:
        findings = (Finding.RIGHT, Finding.WRONG, Finding.MISSING)
        return {finding for finding in findings if ME in self.state.signatures(finding)}


def live(steps: Sequence[Any], case: type[JudgeCase] = JudgeCase) -> Life:
    """Events, "begin", and numbers of what ends."""
    life = Life(case)
    for one in steps:
        if one == "begin":
            life.begin()
        elif isinstance(one, int):
            life.end(one)
        else:
            life.hear(one)
    return life


CROSSING = [TASK, SERVED, MARGIN_OVER, "begin", RIGHT, "begin", 0, 0]


def test_a_late_answer__in_the_planted_machine__is_signed_beside_its_absence() -> None:
    assert live(CROSSING, PlantedCase).signed == {Finding.RIGHT, Finding.MISSING}


def test_a_late_answer__is_refused_by_the_machine() -> None:
    assert live(CROSSING).signed == {Finding.MISSING}
    late = live([TASK, SERVED, MARGIN_OVER])
    for answer in (RIGHT, STRAY, WRONG):
        with pytest.raises(IllegalMove, match="answer is late"):
            PartyMachine(lambda: JudgeCase(me=ME)).step(late.state, answer)


def test_a_finding_that_lost_its_ground__is_found_again() -> None:
    contradicted = [TASK, SERVED, RIGHT, "begin", WRONG, 0]
    assert live(contradicted, PlantedCase).signed == {Finding.RIGHT}
    life = live(contradicted)
    assert life.signed == set()
    life.go_on()
    assert life.signed == {Finding.WRONG}


def test_a_loop__finds_again_what_it_found_too_late(tmp_path: Path) -> None:
    began, contradicted, key = threading.Event(), threading.Event(), b"case"

    def perform(_: bytes, effect: Any) -> list[object]:
        if not isinstance(effect, do.Reexecute):
            return []
        state = loop.state(key)
        assert state is not None
        began.set()
        assert contradicted.wait(60)
        finding = Finding.WRONG if state.is_contradicted else Finding.RIGHT
        own = on.HeardOpinion(ME, Opinion(ORDER.job, INDEX, finding, bytes(65)))
        return [on.FoundVerdict(finding), own]

    with Journal.open(tmp_path / "journal") as journal:
        machine = PartyMachine(lambda: JudgeCase(me=ME))
        loop: Runtime[JudgeCase, Any, Any] = Runtime(machine, journal, perform)
        loop.start()
        for event in (BEGIN, TASK, SERVED, RIGHT):
            loop.ask(key, event)
        assert began.wait(60)
        loop.ask(key, WRONG)
        contradicted.set()
        assert loop.wait_until(lambda s: ME in s[key].signatures(Finding.WRONG), 60)
        state = loop.state(key)
        loop.stop()
        loop.join(60)
    assert state is not None
    assert not state.signatures(Finding.RIGHT)


def steps_with(*answers: object) -> st.SearchStrategy[list[Any]]:
    """Any order of everything that happens, with more beginnings and ends between."""
    events = st.permutations([TASK, SERVED, MARGIN_OVER, *answers])
    between = st.lists(st.sampled_from(["begin", "begin", 0, 1]), max_size=4)
    gaps = st.lists(between, min_size=8, max_size=8)
    return st.builds(
        lambda order, fill: [
            one for event, gap in zip(order, fill, strict=False) for one in (event, *gap)
        ],
        events,
        gaps,
    )


@given(steps_with(RIGHT, STRAY, RIGHT))
def test_one_finding__is_signed_of_a_node_that_signed_right_outputs_only(steps: list[Any]) -> None:
    life = live(steps)
    life.go_on()
    assert len(life.signed) <= 1
    assert Finding.WRONG not in life.signed
    assert broken_laws(life.state) == []


@given(steps_with(RIGHT, STRAY, WRONG))
def test_right_and_missing__are_signed_of_a_node_alone_that_contradicts_itself(
    steps: list[Any],
) -> None:
    life = live(steps)
    life.go_on()
    if Finding.RIGHT in life.signed and len(life.signed) > 1:
        assert life.state.is_contradicted
    assert broken_laws(life.state) == []


BOTH = {Finding.RIGHT, Finding.MISSING}
EARLY_SPLIT = [TASK, SERVED, RIGHT, "begin", 0, WRONG]  # found right; then the other is shown


def broken_laws(state: JudgeCase) -> list[str]:
    return [law for law, holds in state.laws().items() if not holds]


def test_all_three_findings__are_signed_of_a_node_that_contradicts_itself_and_no_law_breaks() -> (
    None
):
    life = live([*EARLY_SPLIT, MARGIN_OVER])
    life.go_on()
    assert life.signed == BOTH | {Finding.WRONG}
    assert broken_laws(life.state) == []


def test_right_and_missing__of_a_node_that_signed_one_answer__break_the_law() -> None:
    assert live(CROSSING, PlantedCase).signed == BOTH
    assert len(broken_laws(live(CROSSING, PlantedCase).state)) == 1


class SparingCase(JudgeCase):
    """Planted: who found an answer right never signs it as missing, whatever comes."""

    def _owed_finding(self) -> list[do.JudgeEffect]:
        owed = super()._owed_finding()
        is_spared = self.me in self.signatures(Finding.RIGHT)
        return [each for each in owed if not (is_spared and isinstance(each, do.FindMissing))]


@pytest.mark.parametrize("case", [JudgeCase, SparingCase])
def test_who_splits_the_judges_and_contradicts_itself__is_convicted_and_not_by_the_planted_rule(
    case: type[JudgeCase],
) -> None:
    """Two judges are shown both answers just in time, the others none."""
    judges = [live([*EARLY_SPLIT, MARGIN_OVER], case) for _ in range(2)]
    judges += [live([TASK, SERVED, MARGIN_OVER], case) for _ in range(2)]
    for judge in judges:
        judge.go_on()
    said = [sum(finding in judge.signed for judge in judges) for finding in (*BOTH, Finding.WRONG)]
    assert (max(said) >= BEGIN.threshold) is (case is JudgeCase)
