"""The laws of the machine: its table is whole, its moves are the only ones, its states say all."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.strategies import EVENTS

from edgemark.errors import RefusedInput
from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.loop.machine import IllegalMove, Tick
from edgemark.loop.moves import Kind, TimeOver, kind_of
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.life import LIFE, reach_time, step
from edgemark.systems.outsourcing.protocol.machine import RECORDS, PartyMachine
from edgemark.systems.outsourcing.protocol.messages import SALT_BYTES
from edgemark.systems.outsourcing.protocol.phases import (
    DevicePhase,
    JobTime,
    JudgePhase,
    NodePhase,
    Refusing,
)

ORDER = cast.small_order()
ME = cast.JUDGE_ADDRESSES[0]
CASE = cast.case_of(ORDER, 3, ChargeKind.SILENT)
WAITING = cast.offer_to(ORDER, 3, cast.START)
SALTS = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)
FULL: dict[type[Enum], Any] = {  # a state of each party that can stand in any phase
    DevicePhase: DeviceJob(order=ORDER, indices=(IndexPhase.COMMITTED,) * 6),
    NodePhase: NodeTask(offer=WAITING, task=ORDER.tasks[2], answer=cast.right_answer(ORDER, 3)),
    JudgePhase: JudgeCase(me=ME, case=CASE, terms=ORDER.terms, task=ORDER.tasks[2]),
}
BLANK: dict[type[Enum], Any] = {
    DevicePhase: DeviceJob(),
    NodePhase: NodeTask(),
    JudgePhase: JudgeCase(me=ME),
}
PARTIES = pytest.mark.parametrize("phases", FULL, ids=lambda kind: kind.__name__)
KINDS: list[Kind] = [*EVENTS, *JobTime]
EVERY_PHASE = [phase for phases in FULL for phase in phases]


def state_in(phase: Any) -> Any:
    """Some state of this phase."""
    return replace(FULL[type(phase)], phase=phase)


def successors(phase: Enum) -> set[Enum]:
    """Phases that one move leads to."""
    return {after for before, _, after in LIFE if before is phase}


def reachable(phase: Enum) -> set[Enum]:
    """Phases that any moves lead to."""
    found, left = {phase}, [phase]
    while left:
        for after in successors(left.pop()) - found:
            found.add(after)
            left.append(after)
    return found


# --- the table ---------------------------------------------------------------------------------


def test_every_move__stays_within_one_party() -> None:
    for before, kind, after in LIFE:
        assert type(before) is type(after)
        assert kind in KINDS


@PARTIES
def test_every_phase__is_reached_from_the_first(phases: type[Enum]) -> None:
    assert reachable(next(iter(phases))) == set(phases)


@pytest.mark.parametrize("phase", EVERY_PHASE, ids=str)
def test_every_phase__is_an_end_or_leads_to_one(phase: Any) -> None:
    ends = {other for other in type(phase) if state_in(other).is_finished}
    if phase in ends:
        assert successors(phase) == set()
    else:
        assert successors(phase) - {phase}
        assert reachable(phase) & ends


def test_every_event__moves_somebody() -> None:
    assert {kind for _, kind, _ in LIFE} == set(KINDS) - {on.Order}


@pytest.mark.parametrize(
    ("phases", "union"),
    [(DevicePhase, on.DeviceEvent), (NodePhase, on.NodeEvent), (JudgePhase, on.JudgeEvent)],
    ids=["device", "node", "judge"],
)
def test_every_party__hears_what_its_union_says_and_nothing_else(
    phases: type[Enum], union: Any
) -> None:
    heard = {kind for before, kind, _ in LIFE if isinstance(before, phases)}
    assert {kind for kind in heard if isinstance(kind, type)} == set(get_args(union))


# --- step --------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", EVERY_PHASE, ids=str)
def test_step__of_anything_that_is_no_move__is_refused_and_changes_nothing(phase: Any) -> None:
    state = state_in(phase)
    before = replace(state)
    for kind in (*KINDS, Tick):
        if LIFE.after(phase, kind) is not None:
            continue
        event = TimeOver(kind) if isinstance(kind, JobTime) else object.__new__(kind)
        assert not LIFE.is_legal(state, event)
        with pytest.raises(IllegalMove) as caught:
            step(state, event)
        assert caught.value.who == type(event).__name__
        assert caught.value.had == phase.value
        assert isinstance(caught.value, RefusedInput)
    assert state == before


indices = st.integers(1, 6).map(ShareIndex)
SOME: dict[type, st.SearchStrategy[Any]] = {
    on.AskedSubmit: st.just(on.AskedSubmit(ORDER)),
    on.FoundPostingRefused: st.just(on.FoundPostingRefused("OutOfBounds")),
    on.SawStarted: st.just(on.SawStarted(Timestamp(1_020))),
    on.SawIndexPhase: st.builds(on.SawIndexPhase, indices, st.sampled_from(IndexPhase)),
    on.SawCharged: st.builds(
        on.SawCharged, st.sampled_from([ChargeKind.WRONG, ChargeKind.SILENT]), st.just(1_100)
    ),
    on.SawServed: st.just(on.SawServed(Timestamp(1_110), Timestamp(1_130))),
    on.HeardOfferTaken: indices.map(on.HeardOfferTaken),
    on.HeardOfferRefused: st.builds(
        on.HeardOfferRefused, indices, st.sampled_from(Refusing), st.just("busy")
    ),
    on.HeardAcceptance: indices.map(lambda j: on.HeardAcceptance(cast.acceptance_of(ORDER, j))),
    on.FoundAcceptancesRefused: st.just(on.FoundAcceptancesRefused("AllowanceTooLow")),
    on.HeardTaskTaken: indices.map(on.HeardTaskTaken),
    on.HeardStrayAnswer: SALTS.map(
        lambda salt: on.HeardStrayAnswer(cast.right_answer(ORDER, 3, salt=salt))
    ),
    on.HeardAnswer: st.sampled_from(
        [on.HeardAnswer(cast.right_answer(ORDER, 3)), on.HeardAnswer(cast.wrong_answer(ORDER, 3))]
    ),
    on.HeardEvidenceTaken: st.builds(
        on.HeardEvidenceTaken, indices, st.sampled_from(cast.JUDGE_ADDRESSES)
    ),
    on.FoundResultValid: st.builds(
        on.FoundResultValid, st.just(b"result"), st.sampled_from([(), (3,)]), st.sampled_from([()])
    ),
    on.FoundResultEarly: st.just(on.FoundResultEarly(b"result", (ShareIndex(1),))),
    on.FoundResultUndecided: st.just(on.FoundResultUndecided("too many", (), (ShareIndex(5),))),
    on.HeardOffer: st.sampled_from([cast.offer_to(ORDER, 3), WAITING]),
    on.HeardTask: SALTS.map(lambda salt: on.HeardTask(ORDER.tasks[2], salt)),
    on.FoundAnswer: SALTS.map(lambda salt: on.FoundAnswer(cast.right_answer(ORDER, 3, salt=salt))),
    on.HeardAnswerTaken: st.sampled_from(cast.JUDGE_ADDRESSES).map(on.HeardAnswerTaken),
    on.SawCase: st.sampled_from([CASE, replace(CASE, kind=ChargeKind.WRONG)]),
    on.HeardEvidence: st.sampled_from(
        [
            on.HeardEvidence(ORDER.terms, ORDER.tasks[2], None),
            on.HeardEvidence(ORDER.terms, ORDER.tasks[2], cast.wrong_answer(ORDER, 3)),
        ]
    ),
    on.HeardOpinion: st.builds(
        lambda judge, finding: on.HeardOpinion(
            judge.address, cast.sign_opinion(judge, CASE, finding)
        ),
        st.sampled_from(cast.JUDGES),
        st.sampled_from(Finding),
    ),
    on.FoundVerdict: st.sampled_from([f for f in Finding if f]).map(on.FoundVerdict),
    on.HeardPassedOn: st.builds(
        on.HeardPassedOn,
        st.sampled_from(cast.JUDGE_ADDRESSES),
        st.sampled_from(["evidence", "answer 0", "answer 1", "none", "right", "wrong", "missing"]),
    ),
}


def some(kind: Kind) -> st.SearchStrategy[Any]:
    """Well-formed events of one kind."""
    if isinstance(kind, Enum):
        return st.builds(
            TimeOver, st.just(kind), indices if kind is JobTime.VERDICT else st.just(0)
        )
    return SOME[kind] if kind in SOME else st.just(kind())


@PARTIES
@given(data=st.data())
def test_any_legal_walk__is_replayed_from_its_journal_and_owes_what_its_state_says(
    phases: type[Enum], data: Any
) -> None:
    state, journal = BLANK[phases], []
    for _ in range(data.draw(st.integers(1, 25))):
        kinds = [kind for kind in KINDS if LIFE.after(state.phase, kind) is not None]
        if not kinds:
            break
        event = data.draw(some(data.draw(st.sampled_from(kinds))))
        if isinstance(event, on.FoundResultValid | on.FoundResultUndecided):
            event = replace(event, answered=state.answered, chosen=state.chosen)
        try:
            moved, effects = step(state, event)
        except IllegalMove:  # a judge's own words without ground
            assert phases is JudgePhase
            continue
        assert moved.phase is LIFE.after(state.phase, kind_of(event))
        assert set(effects) == set(moved.owed()) - set(state.owed())
        assert len(set(moved.owed())) == len(moved.owed())
        journal.append(event if isinstance(event, TimeOver) else RECORDS.encode(event))
        state = moved
        assert [name for name, holds in state.laws().items() if not holds] == []
        state.times()
        assert state.owed() == () or not state.is_finished
    replayed = BLANK[phases]
    for record in journal:
        event = RECORDS.decode(record) if isinstance(record, bytes) else record
        replayed, _ = step(replayed, event)
    assert replayed == state
    assert replayed.owed() == state.owed()


# --- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", EVERY_PHASE, ids=str)
def test_deadline__is_over_one_second_later_and_not_before(phase: Any) -> None:
    state = state_in(phase)
    for deadline, over in state.times():
        assert deadline not in (None, 0)
        if LIFE.is_legal(state, over):
            assert reach_time(state, deadline) == reach_time(state, Timestamp(deadline - 1))
            assert reach_time(state, Timestamp(deadline + 1)) != reach_time(state, deadline)


@pytest.mark.parametrize("phase", EVERY_PHASE, ids=str)
def test_deadlines_that_passed__are_not_waited_for_again(phase: Any) -> None:
    late = Timestamp(10_000)
    state = reach_time(state_in(phase), late)
    assert reach_time(state, late) == state
    legal = {over for _, over in state.times() if LIFE.is_legal(state, over)}
    assert legal <= state.over


def test_charge__that_is_served_and_never_judged__ends_by_a_lapse() -> None:
    case, _ = step(JudgeCase(me=ME), CASE)
    case, _ = step(case, on.HeardEvidence(ORDER.terms, ORDER.tasks[2], None))
    case, _ = step(case, on.SawServed(Timestamp(1_110), Timestamp(1_130)))
    case = reach_time(case, Timestamp(1_131))
    assert [type(effect).__name__ for effect in case.owed()] == ["SubmitLapse"]


def test_node_that_sees_the_start_late__collects_and_does_not_cancel() -> None:
    node, _ = step(NodeTask(), cast.offer_to(ORDER, 3))
    node, _ = step(node, on.SawAccepted())
    node = reach_time(node, Timestamp(ORDER.terms.accept_by + 1))
    assert node.owed() == (do.SubmitCancel(ORDER.job),)
    node, _ = step(node, on.SawStarted(ORDER.terms.accept_by))
    assert node.owed() == ()
    node = reach_time(node, Timestamp(ORDER.terms.collect_by + 1))
    assert node.owed() == (do.SubmitCollect(ORDER.job, (ShareIndex(3),)),)


def test_silence__is_charged_after_compute_by_and_never_after_collect_by() -> None:
    silent = replace(
        state_in(DevicePhase.VALID),
        result=b"",
        silent=(ShareIndex(4),),
        indices=(IndexPhase.PAID,) * 3 + (IndexPhase.ACCEPTED,) * 3,
    )
    assert silent.owed() == ()
    charging = reach_time(silent, Timestamp(ORDER.terms.compute_by + 1))
    assert charging.owed() == (do.SubmitCharge(ORDER.job, (), (ShareIndex(4),)),)
    late = reach_time(charging, Timestamp(ORDER.terms.collect_by + 1))
    assert late.owed() == (do.SubmitCollect(ORDER.job, (4, 5, 6)),)


def test_unknown_job__has_nothing_to_owe_and_says_so() -> None:
    for state in BLANK.values():
        assert state.owed() == ()
        assert state.times() == ()
        with pytest.raises(LookupError):
            _ = state.known


# --- machine -----------------------------------------------------------------------------------


def test_party_machine__tick__lets_time_pass_and_owes_only_what_is_new() -> None:
    machine: PartyMachine[DeviceJob] = PartyMachine(DeviceJob)
    state, _ = machine.step(machine.initial(b""), on.AskedSubmit(ORDER))
    state, _ = machine.step(state, on.SawPosted())
    same, nothing = machine.step(state, Tick(ORDER.terms.accept_by))
    assert (same, list(nothing)) == (state, [])
    expired, effects = machine.step(state, Tick(ORDER.terms.accept_by + 1))
    assert expired.phase is DevicePhase.EXPIRED
    assert list(effects) == list(machine.resume(expired))
    assert not machine.is_finished(expired)


def test_key_of__two_indices_of_one_job__differs() -> None:
    keys = {key_of(ORDER.job, index) for index in range(1, 65)}
    assert len(keys) == 64
    assert {len(key) for key in keys} == {33}


def test_device_whose_charge_gets_no_verdict__ends_it_after_the_deadline_and_not_before() -> None:
    index, verdict_by = ShareIndex(5), Timestamp(5_000)
    state = DeviceJob()
    for event in (
        on.AskedSubmit(ORDER),
        on.SawPosted(),
        on.SawStarted(Timestamp(1_020)),
        on.FoundResultUndecided("too many", (), (index,)),
        on.SawIndexPhase(index, IndexPhase.CHARGED),
        on.SawChargesFiled(),
        on.SawIndexPhase(index, IndexPhase.SERVED, verdict_by),
    ):
        state, _ = step(state, event)
    assert do.SubmitLapse(ORDER.job, index) not in reach_time(state, verdict_by).owed()
    late = reach_time(state, Timestamp(verdict_by + 1))
    assert do.SubmitLapse(ORDER.job, index) in late.owed()
    ended, _ = step(late, on.SawIndexPhase(index, IndexPhase.CONVICTED))
    assert do.SubmitLapse(ORDER.job, index) not in ended.owed()


# --- what was found from older answers, or before other charges were chosen --------------------


def undecided_job() -> DeviceJob:
    """Five of six answered, and one charge is chosen; e is 2 and one is left."""
    order = replace(ORDER, terms=replace(ORDER.terms, errors=2))
    answers = tuple(cast.right_answer(ORDER, j) for j in (1, 2, 3, 4, 6))
    phases = (IndexPhase.COMMITTED,) * 6
    job = DeviceJob(DevicePhase.CHARGED, order=order, indices=phases, answers=answers)
    return replace(job, wrong=(ShareIndex(3),), decoded=5)


def undecided(job: DeviceJob, *suspects: int, silent: tuple[int, ...] = ()) -> Any:
    named = tuple(map(ShareIndex, suspects)), tuple(map(ShareIndex, silent))
    return on.FoundResultUndecided("more than e", *named, job.answered, job.chosen)


def test_finding__of_before_a_charge_was_chosen__is_refused() -> None:
    job = undecided_job()
    before = replace(job, wrong=())
    for stale in (
        undecided(before, 2),
        on.FoundResultValid(b"", (), (), before.answered, before.chosen),
    ):
        with pytest.raises(IllegalMove, match="finding is stale"):
            step(job, stale)


def test_finding__of_fewer_answers__is_refused_and_they_are_decoded_again() -> None:
    job = undecided_job()
    answered, owed = step(job, on.HeardAnswer(cast.right_answer(ORDER, 5)))
    assert do.Decode(answered.answered, answered.chosen) in owed
    with pytest.raises(IllegalMove, match="finding is stale"):
        step(answered, undecided(job, 5))


def test_finding__that_names_who_is_chosen_already__costs_no_charge() -> None:
    job = undecided_job()
    again, _ = step(job, undecided(job, 3, silent=(5,)))
    assert (again.wrong, again.silent, again.charges_left) == ((3,), (5,), 0)


def test_charges__of_a_later_finding__are_filed_ascending() -> None:
    job = undecided_job()
    later, _ = step(job, undecided(job, 2))
    assert later.wrong == (2, 3)
    assert do.SubmitCharge(ORDER.job, (ShareIndex(2), ShareIndex(3)), ()) in later.owed()
