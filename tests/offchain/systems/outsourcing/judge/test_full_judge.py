"""A judge that follows as many charges as it may still sees its cases end, and then goes on."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp
from edgemark.logs import get_logger
from edgemark.loop.machine import TryAgain
from edgemark.loop.memory import TooManyOpen
from edgemark.party.rounds import Rounds
from edgemark.systems.outsourcing.contract.events import NodeCharged
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.judge.waiting import (
    MOST_FAILURES,
    READ_TOGETHER,
    ROUND_S,
    WaitingCharges,
)
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.phases import JudgePhase
from edgemark.systems.outsourcing.station.server import Payers
from edgemark.systems.outsourcing.station.station import Seen

ROOM = 1
QUESTION_S = 0.04  # to a chain's node behind a URL
ONE = ShareIndex(1)
FIRST, SECOND, THIRD = (JobId(bytes(31) + bytes([number])) for number in (9, 2, 1))
JUDGE = Address("0x" + "11" * 20)


class Room:
    """A runtime of one open case at most."""

    def __init__(self) -> None:
        self.cases: dict[bytes, JudgeCase] = {}

    def state(self, key: bytes) -> JudgeCase | None:
        return self.cases.get(key)

    def state_at_hand(self, key: bytes) -> JudgeCase | None:
        return self.cases.get(key)

    def is_archived(self, _: bytes) -> bool:
        return False

    def states(self) -> dict[bytes, JudgeCase]:
        return {key: case for key, case in self.cases.items() if not case.is_finished}

    def ask(self, key: bytes, event: Any, *, behind: Sequence[Any] = ()) -> None:
        for earlier in behind:
            self.ask(key, earlier)
        if isinstance(event, on.SawEnded):
            self.cases[key] = JudgeCase(phase=JudgePhase.ENDED, me=JUDGE)
            return
        if len(self.states()) >= ROOM:
            raise TooManyOpen("no room for another job", who="judge", had=ROOM, needed=f"< {ROOM}")
        assert isinstance(event, on.SawCase)
        self.cases[key] = JudgeCase(phase=JudgePhase.FILED, case=event, me=JUDGE)


class Bench:
    """One judge, and a chain whose charges end when a test says so."""

    def __init__(self) -> None:
        self.phases: dict[JobId, IndexPhase] = {}
        self.news: list[Any] = []
        self.noted: list[int] = []
        self.is_over = False
        self.failing: dict[JobId, Exception] = {}
        self.tried = 0
        self.now = 0.0
        judge: Any = Judge.__new__(Judge)
        judge.log = get_logger("judge")
        judge.runtime, judge._jobs = Room(), {}
        judge.door = SimpleNamespace(expect=_nothing)
        judge.payers = Payers()
        judge._waiting = WaitingCharges(get_logger("judge"), lambda: self.now)
        judge._cursor = SimpleNamespace(note=self.noted.append)
        judge.agenda = SimpleNamespace(
            poll=self.poll, block=5, cursor=5, due=list[bytes], note=_nothing
        )
        settlement = SimpleNamespace(
            views=self.views, judges=(JUDGE,), judge_threshold=1, note=_nothing
        )
        chain = SimpleNamespace(confirmed=lambda: 5)
        judge.station = SimpleNamespace(settlement=settlement, see=self.see, chain=chain)
        judge._rounds = Rounds(
            judge, views_of=judge._views_of, observe=judge._observe, hear=judge._hear
        )
        self.judge: Judge = judge

    def charge(self, job: JobId) -> None:
        self.phases[job] = IndexPhase.CHARGED
        event = object.__new__(NodeCharged)
        object.__setattr__(event, "job", job)
        object.__setattr__(event, "index", ONE)
        self.news.append(event)

    def poll(self) -> list[Any]:
        given, self.news = self.news, []
        return given

    def views(self, wanted: list[tuple[JobId, list[int]]], block: int) -> list[Any]:
        assert block == self.judge.agenda.block
        self.tried += 1
        self.now += QUESTION_S
        for job, _ in wanted:
            if job in self.failing:
                raise self.failing[job]
        stored = SimpleNamespace(payer=JUDGE, root=Hash32(bytes(32)))
        facts: dict[str, Any] = {"node": JUDGE, "kind": None, "committed": False, "served_by": 0}
        return [(stored, [SimpleNamespace(phase=self.phases[job], **facts)]) for job, _ in wanted]

    def see(self, wanted: list[tuple[JobId, list[int]]], block: int) -> list[Seen]:
        now = Timestamp(block)
        return [Seen(*each, now, self.is_over) for each in self.views(wanted, block=block)]

    def followed(self) -> set[bytes]:
        return set(self.judge.runtime.states())


def _nothing(*_: object, **__: object) -> None:
    pass


def test_judge__without_room__sees_its_cases_end_and_takes_up_the_next_oldest() -> None:
    bench = Bench()
    bench.charge(FIRST)
    bench.judge.look()
    assert bench.noted == [5]
    bench.charge(SECOND)
    bench.charge(THIRD)
    bench.judge.look()
    assert bench.followed() == {key_of(FIRST, ONE)}
    bench.phases[FIRST] = IndexPhase.VOID
    bench.judge.look()
    assert bench.followed() == {key_of(SECOND, ONE)}
    assert bench.noted == [5]  # a judge that is killed now reads the third charge again
    bench.phases[SECOND] = IndexPhase.VOID
    bench.judge.look()
    assert bench.followed() == {key_of(THIRD, ONE)}
    assert bench.noted == [5, 5]


def test_charge__that_ended_while_it_waited_for_room__is_let_go() -> None:
    bench = Bench()
    for job in (FIRST, SECOND, THIRD):
        bench.charge(job)
    bench.judge.look()
    for job in (FIRST, SECOND, THIRD):
        bench.phases[job] = IndexPhase.VOID
    bench.judge.look()
    assert bench.followed() == set()
    assert bench.noted == [5]


def test_judge__of_a_charge_whose_lock_has_expired__is_done_with_it() -> None:
    bench = Bench()
    bench.charge(FIRST)
    bench.judge.look()
    assert bench.followed() == {key_of(FIRST, ONE)}
    bench.is_over = True
    bench.judge.look()
    assert bench.followed() == set()


# --- charges that cannot be opened now -----------------------------------------------------------

FAULTS = (TryAgain("commitment is not read yet"), LedgerUnavailable("malformed answer", who="node"))


def open_as_it_was(bench: Bench, charges: dict[tuple[JobId, ShareIndex], None]) -> None:
    """The planted rule: only a lack of room is expected."""
    for job, index in tuple(charges):
        try:
            bench.judge._open_case(job, index)
        except TooManyOpen:
            return
        del charges[job, index]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_charge_that_cannot_be_opened__keeps_no_other_from_it(fault: Exception) -> None:
    bench = Bench()
    bench.failing[FIRST] = fault
    for job in (FIRST, SECOND):
        bench.charge(job)
    with pytest.raises(type(fault)):
        open_as_it_was(bench, {(FIRST, ONE): None, (SECOND, ONE): None})
    assert bench.followed() == set()
    bench.judge.look()
    assert bench.followed() == {key_of(SECOND, ONE)}
    assert bench.noted == []  # a judge that is killed now reads the first charge again
    bench.phases[SECOND] = IndexPhase.VOID
    bench.failing.clear()
    bench.judge.look()
    assert bench.followed() == {key_of(FIRST, ONE)}
    assert bench.noted == [5]


def test_a_round__tries_few_that_fail_and_the_next_begins_with_the_others() -> None:
    bench = Bench()
    bad = [JobId(bytes(30) + bytes([1, number])) for number in range(3 * MOST_FAILURES)]
    for job in (*bad, FIRST):
        bench.charge(job)
        bench.failing[job] = FAULTS[0]
    del bench.failing[FIRST]
    for done in range(1, 4):
        assert not bench.followed()
        bench.judge.look()
        assert bench.tried == done * MOST_FAILURES + 1  # together first, and then one by one
    bench.judge.look()
    assert bench.followed() == {key_of(FIRST, ONE)}


# --- many charges at once ------------------------------------------------------------------------

MANY = [JobId(number.to_bytes(32, "big")) for number in range(10, 410)]
WRITE_S = 0.005  # a record of the journal


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A judge with room for all, which follows one case, and a chain with 400 charges more."""
    monkeypatch.setitem(globals(), "ROOM", 10_000)
    bench = Bench()
    bench.charge(FIRST)
    bench.judge.look()
    take = bench.judge.runtime.ask

    def write(key: bytes, event: Any, **behind: Sequence[Any]) -> None:
        bench.now += WRITE_S
        take(key, event, **behind)

    bench.judge.runtime.ask = write  # type: ignore[method-assign,assignment]
    for job in MANY:
        bench.charge(job)
    bench.now, bench.tried = 0.0, 0
    return bench


def test_f4_the_planted_round__reads_one_charge_after_the_other(crowded: Bench) -> None:
    """And two questions more for each, which were about judges: 50 s in all."""
    open_as_it_was(crowded, dict.fromkeys((job, ONE) for job in MANY))
    assert crowded.now >= len(MANY) * QUESTION_S


def test_f4_a_round__ends_in_time_and_the_next_goes_on_where_it_ended(crowded: Bench) -> None:
    """Open cases are read at the beginning of each."""
    rounds = 0
    while len(crowded.followed()) <= len(MANY):
        before = crowded.now
        crowded.judge.look()
        rounds += 1
        assert crowded.now - before <= ROUND_S + 3 * QUESTION_S
    assert crowded.tried <= len(MANY) // READ_TOGETHER + 4 * rounds
    assert rounds <= 5
