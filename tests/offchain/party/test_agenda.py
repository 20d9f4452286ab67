"""Which matters are read: touched, moved or long unread ones, and never one that is over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.party import agenda as module
from edgemark.party.agenda import SWEEP_S, Agenda


class Phase(Enum):
    """Of a life that is short."""

    YOUNG = "young"
    OLD = "old"
    ENDED = "ended"


@dataclass(frozen=True)
class Task:
    """As much of a state as the agenda looks at."""

    phase: Phase = Phase.YOUNG

    @property
    def is_finished(self) -> bool:
        return self.phase is Phase.ENDED


class Logs:
    """Stands for the follower: gives what a test puts in, and fails when it is told to."""

    def __init__(self) -> None:
        self.cursor = 0
        self.events: list[Any] = []

    def poll(self) -> list[Any]:
        given, self.events = self.events, []
        return given


WHOLE, OTHER = bytes(31) + b"\1", bytes(31) + b"\2"
ONE, TWO = WHOLE + b"\1", WHOLE + b"\2"  # its parts


def about(subject: bytes | None) -> Any:
    """An event, as a system's follower gives them."""
    return SimpleNamespace(subject=subject)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock.seconds)
    return clock


@pytest.fixture
def logs() -> Logs:
    return Logs()


@pytest.fixture
def agenda(logs: Logs, now: SimpleNamespace) -> Agenda:
    return Agenda(logs, lambda event: event.subject)


def read(agenda: Agenda, states: dict[bytes, Task]) -> list[bytes]:
    """One round that succeeds."""
    agenda.poll()
    due = agenda.due(states)
    agenda.note(due, states)
    return due


def test_new_matters__are_read_once(agenda: Agenda) -> None:
    states = {ONE: Task(), TWO: Task()}
    assert read(agenda, states) == [ONE, TWO]
    assert read(agenda, states) == []


def test_event_of_a_part__is_read_by_that_part_alone(agenda: Agenda, logs: Logs) -> None:
    states = {ONE: Task(), TWO: Task(), OTHER + b"\1": Task()}
    read(agenda, states)
    logs.events = [about(TWO)]
    assert read(agenda, states) == [TWO]


def test_event_of_a_whole__is_read_by_all_its_parts(agenda: Agenda, logs: Logs) -> None:
    states = {ONE: Task(), TWO: Task(), OTHER + b"\1": Task()}
    read(agenda, states)
    logs.events = [about(WHOLE)]
    assert read(agenda, states) == [ONE, TWO]


def test_event_of_a_part__is_read_by_who_follows_the_whole(agenda: Agenda, logs: Logs) -> None:
    states = {WHOLE: Task(), OTHER: Task()}
    read(agenda, states)
    logs.events = [about(TWO)]
    assert read(agenda, states) == [WHOLE]


def test_event_of_no_matter__touches_nothing(agenda: Agenda, logs: Logs) -> None:
    read(agenda, {ONE: Task()})
    logs.events = [about(None)]
    assert read(agenda, {ONE: Task()}) == []


def test_matter_in_another_phase__is_read_again(agenda: Agenda) -> None:
    read(agenda, {ONE: Task()})
    assert read(agenda, {ONE: Task(Phase.OLD)}) == [ONE]


def test_matter_at_rest__is_read_again_after_a_while(agenda: Agenda, now: SimpleNamespace) -> None:
    read(agenda, {ONE: Task()})
    now.seconds = SWEEP_S - 0.1
    assert read(agenda, {ONE: Task()}) == []
    now.seconds = SWEEP_S
    assert read(agenda, {ONE: Task()}) == [ONE]


def test_matter_that_is_over__is_never_read(
    agenda: Agenda, logs: Logs, now: SimpleNamespace
) -> None:
    logs.events = [about(WHOLE)]
    now.seconds = 10 * SWEEP_S
    assert read(agenda, {ONE: Task(Phase.ENDED)}) == []


def test_round_that_fails__is_done_again(agenda: Agenda, logs: Logs) -> None:
    states = {ONE: Task(), TWO: Task()}
    read(agenda, states)
    logs.events = [about(ONE)]
    agenda.poll()
    assert agenda.due(states) == [ONE]  # and then the chain did not answer: nothing is noted
    assert read(agenda, states) == [ONE]


def test_matters_that_left__are_forgotten(agenda: Agenda) -> None:
    read(agenda, {ONE: Task(), TWO: Task()})
    read(agenda, {TWO: Task()})
    assert set(agenda._looks) == {TWO}


KEYS = st.binary(max_size=3)  # short, so that many begin with one another


@given(keys=st.sets(KEYS, max_size=8), subjects=st.lists(KEYS, max_size=8))
def test_any_events__touch_what_their_subjects_begin_with_or_are_the_beginning_of(
    keys: set[bytes], subjects: list[bytes]
) -> None:
    logs = Logs()
    made = Agenda(logs, lambda event: event.subject)
    states = {key: Task() for key in keys}
    read(made, states)
    logs.events = [about(subject) for subject in subjects]
    assert set(read(made, states)) == {
        key for key in keys if any(key.startswith(s) or s.startswith(key) for s in subjects)
    }
