"""Which jobs are read: touched, moved or long unread ones, and never one that is over."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.loop.machine import key_of
from edgemark.party import agenda as module
from edgemark.party.agenda import SWEEP_S, Agenda
from edgemark.systems.outsourcing.protocol.phases import NodePhase


@dataclass(frozen=True)
class Task:
    """As much of a state as the agenda looks at."""

    phase: NodePhase = NodePhase.ACCEPTED

    @property
    def is_finished(self) -> bool:
        return self.phase is NodePhase.ENDED


class Logs:
    """Stands for the follower: gives what a test puts in, and fails when it is told to."""

    def __init__(self) -> None:
        self.cursor = 0
        self.events: list[Any] = []

    def poll(self) -> list[Any]:
        given, self.events = self.events, []
        return given


JOB, OTHER = bytes(31) + b"\1", bytes(31) + b"\2"
ONE, TWO = key_of(JOB, 1), key_of(JOB, 2)


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
    return Agenda(logs)


def read(agenda: Agenda, states: dict[bytes, Task]) -> list[bytes]:
    """One round that succeeds."""
    agenda.poll()
    due = agenda.due(states)
    agenda.note(due, states)
    return due


def test_new_jobs__are_read_once(agenda: Agenda) -> None:
    states = {ONE: Task(), TWO: Task()}
    assert read(agenda, states) == [ONE, TWO]
    assert read(agenda, states) == []


def test_event_of_an_index__is_read_by_that_index_alone(agenda: Agenda, logs: Logs) -> None:
    states = {ONE: Task(), TWO: Task(), key_of(OTHER, 1): Task()}
    read(agenda, states)
    logs.events = [SimpleNamespace(job=JOB, index=2)]
    assert read(agenda, states) == [TWO]


def test_event_of_a_job__is_read_by_all_its_indices(agenda: Agenda, logs: Logs) -> None:
    states = {ONE: Task(), TWO: Task(), key_of(OTHER, 1): Task()}
    read(agenda, states)
    logs.events = [SimpleNamespace(job=JOB)]
    assert read(agenda, states) == [ONE, TWO]


def test_event_of_an_index__is_read_by_the_device_of_the_job(agenda: Agenda, logs: Logs) -> None:
    states = {JOB: Task(), OTHER: Task()}
    read(agenda, states)
    logs.events = [SimpleNamespace(job=JOB, index=2)]
    assert read(agenda, states) == [JOB]


def test_event_of_no_job__touches_nothing(agenda: Agenda, logs: Logs) -> None:
    read(agenda, {ONE: Task()})
    logs.events = [SimpleNamespace(guardian="0x")]
    assert read(agenda, {ONE: Task()}) == []


def test_job_in_another_phase__is_read_again(agenda: Agenda) -> None:
    read(agenda, {ONE: Task()})
    assert read(agenda, {ONE: Task(NodePhase.HOLDING)}) == [ONE]


def test_job_at_rest__is_read_again_after_a_while(agenda: Agenda, now: SimpleNamespace) -> None:
    read(agenda, {ONE: Task()})
    now.seconds = SWEEP_S - 0.1
    assert read(agenda, {ONE: Task()}) == []
    now.seconds = SWEEP_S
    assert read(agenda, {ONE: Task()}) == [ONE]


def test_job_that_is_over__is_never_read(agenda: Agenda, logs: Logs, now: SimpleNamespace) -> None:
    logs.events = [SimpleNamespace(job=JOB)]
    now.seconds = 10 * SWEEP_S
    assert read(agenda, {ONE: Task(NodePhase.ENDED)}) == []


def test_round_that_fails__is_done_again(agenda: Agenda, logs: Logs) -> None:
    states = {ONE: Task(), TWO: Task()}
    read(agenda, states)
    logs.events = [SimpleNamespace(job=JOB, index=1)]
    agenda.poll()
    assert agenda.due(states) == [ONE]  # and then the chain did not answer: nothing is noted
    assert read(agenda, states) == [ONE]


def test_jobs_that_left__are_forgotten(agenda: Agenda) -> None:
    read(agenda, {ONE: Task(), TWO: Task()})
    read(agenda, {TWO: Task()})
    assert set(agenda._looks) == {TWO}


@given(events=st.lists(st.sampled_from([(JOB, 1), (JOB, 2), (OTHER, 1), (JOB, None)]), max_size=8))
def test_any_events__leave_no_touched_job_unread(events: list[tuple[bytes, int | None]]) -> None:
    logs = Logs()
    made = Agenda(logs)
    states = {key_of(job, index): Task() for job in (JOB, OTHER) for index in (1, 2)}
    read(made, states)
    logs.events = [
        SimpleNamespace(job=job) if index is None else SimpleNamespace(job=job, index=index)
        for job, index in events
    ]
    due = set(read(made, states))
    for job, index in events:
        wanted = {key_of(job, index)} if index else {key_of(job, 1), key_of(job, 2)}
        assert wanted <= due
