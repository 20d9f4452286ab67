"""The life of a submission, with any answers in any order: the machine alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.fabric.client.submission import (
    MOVES,
    AskStatus,
    Endorse,
    FoundKept,
    HeardCode,
    HeardEndorsed,
    HeardRefusal,
    HeardSilence,
    HeardTaken,
    IllegalMove,
    KeepCode,
    KeepEnvelope,
    Phase,
    SendEnvelope,
    Submission,
    SubmissionEffect,
    SubmissionEvent,
    TellCode,
    TellError,
    begin,
    begin_endorsed,
    resume,
    step,
)
from edgemark.ledger.fabric.faults import LedgerSilent, SubmitRefused
from edgemark.ledger.fabric.wire.codes import CONFLICTS, Code

SILENT = LedgerSilent("did not answer")
REFUSED = SubmitRefused("was not taken")
FINAL = [code for code in Code if code is not Code.NOT_VALIDATED]


def answer(effect: SubmissionEffect, draw: st.DataObject) -> SubmissionEvent:
    match effect:
        case Endorse():
            return draw.draw(st.sampled_from([HeardEndorsed(), HeardRefusal(REFUSED)]))
        case KeepEnvelope() | KeepCode():
            return FoundKept()
        case SendEnvelope():
            answers = [HeardTaken(), HeardSilence(SILENT), HeardRefusal(REFUSED)]
            return draw.draw(st.sampled_from([*answers, HeardSilence(SILENT, is_over=True)]))
        case AskStatus():
            codes = [HeardCode(code, 7) for code in FINAL]
            ends = [HeardSilence(SILENT), HeardRefusal(REFUSED)]
            return draw.draw(st.sampled_from([*codes, *ends, HeardSilence(SILENT, is_over=True)]))
        case TellCode() | TellError():
            raise AssertionError("nothing follows")


def play(
    submission: Submission, effect: SubmissionEffect, draw: st.DataObject
) -> list[tuple[Submission, SubmissionEffect]]:
    """Every step, at most 200 of them."""
    steps = [(submission, effect)]
    while not isinstance(effect, TellCode | TellError) and len(steps) < 200:
        submission, effect = step(submission, answer(effect, draw))
        steps.append((submission, effect))
    return steps


@given(st.data(), st.integers(0, 3))
def test_any_answers__nothing_is_sent_before_it_is_kept(data: st.DataObject, retries: int) -> None:
    is_kept = False
    for _, effect in play(*begin(retries), data):
        if isinstance(effect, Endorse):
            is_kept = False
        elif isinstance(effect, KeepEnvelope):
            is_kept = True
        elif isinstance(effect, SendEnvelope | AskStatus):
            assert is_kept


@given(st.data(), st.integers(0, 3))
def test_any_answers__a_new_proposal_follows_a_kept_conflict_alone(
    data: st.DataObject, retries: int
) -> None:
    steps = play(*begin(retries), data)
    again = 0
    for (_, before), (_, effect) in itertools.pairwise(steps):
        if isinstance(effect, Endorse):
            again += 1
            assert isinstance(before, KeepCode)
            assert before.code in CONFLICTS
    assert again <= retries


@given(st.data())
def test_resumed__asks_before_it_sends__and_never_proposes(data: st.DataObject) -> None:
    steps = play(*resume(0), data)
    effects = [type(effect) for _, effect in steps]
    assert effects[0] is AskStatus
    assert Endorse not in effects
    assert KeepEnvelope not in effects


@given(st.data())
def test_what_is_told_of_a_kept_envelope__says_that_it_may_count(data: st.DataObject) -> None:
    for start in (begin(1), begin_endorsed(), resume(1)):
        steps = play(*start, data)
        last = steps[-1][1]
        if isinstance(last, TellError):
            before = steps[-2][1]
            assert last.is_kept is not isinstance(before, Endorse)
        elif isinstance(last, TellCode):
            assert any(isinstance(effect, KeepCode) for _, effect in steps)


def test_refused_after_a_lost_answer__asks_whether_the_first_copy_counts() -> None:
    submission, effect = begin_endorsed()
    for event in (FoundKept(), HeardSilence(SILENT), HeardSilence(SILENT)):
        submission, effect = step(submission, event)
    assert isinstance(effect, SendEnvelope)
    submission, effect = step(submission, HeardRefusal(REFUSED))
    assert isinstance(effect, AskStatus)
    submission, effect = step(submission, HeardCode(Code.VALID, 3))
    assert effect == KeepCode(Code.VALID, 3)


def test_refused_at_once__is_told_at_once_and_stays_kept() -> None:
    submission, effect = step(begin_endorsed()[0], FoundKept())
    submission, effect = step(submission, HeardRefusal(REFUSED))
    assert effect == TellError(REFUSED, is_kept=True)
    assert submission.phase is Phase.LEFT


def test_time_that_is_over__is_told_with_the_last_reason_that_anybody_gave() -> None:
    late, full = LedgerSilent("out of time"), LedgerSilent("disk is full")
    late.is_late = True
    begun = step(begin_endorsed()[0], FoundKept())[0]
    last = HeardSilence(late, is_over=True)
    for heard, told in (
        ([], late),
        ([HeardSilence(full)], full),
        ([HeardSilence(full), HeardSilence(late)], full),
        ([HeardSilence(full), HeardSilence(SILENT)], SILENT),
        ([HeardSilence(full), HeardSilence(full), HeardTaken()], late),
    ):
        submission = begun
        for event in heard:
            submission, _ = step(submission, event)
        assert step(submission, last)[1] == TellError(told, is_kept=True)


def test_an_event_of_another_phase__is_a_fault_of_the_shell() -> None:
    with pytest.raises(IllegalMove):
        step(begin(0)[0], HeardTaken())


@given(st.data(), st.integers(0, 2))
def test_every_move__stands_in_the_table(data: st.DataObject, retries: int) -> None:
    for start in (begin(retries), begin_endorsed(), resume(retries)):
        steps = play(*start, data)
        for (before, _), (after, _) in itertools.pairwise(steps):
            assert any(after.phase in phases for phases in MOVES[before.phase].values())
