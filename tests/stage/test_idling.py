"""What a party says of itself: busy while anything is under way, idle when it waits for a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.loop.tally import DEADLINE, Asked, Closed, Fetched, Tally, TallyMachine
from tests.stage.forks import Forked
from tests.stage.idling import ALWAYS, GONE, Idling, Report, read_report
from tests.waiting import wait_until

from edgemark.loop.machine import TryAgain
from edgemark.party.loop import PartyLoop
from edgemark.party.settings import PartySettings

KEY = b"\xab" * 32


@dataclass(frozen=True)
class Waiting(Tally):
    """A tally as a party's state, with the time that it waits for."""

    @property
    def phase(self) -> SimpleNamespace:
        return SimpleNamespace(value="open")

    @property
    def is_finished(self) -> bool:
        return self.is_closed

    def owed(self) -> list[Any]:
        return TallyMachine().resume(self)

    over = frozenset({"past"})

    def times(self) -> tuple[tuple[int, object], ...]:
        return ((DEADLINE, "late"), (1, "past"), (2, "of another phase"))


class Counting(TallyMachine):
    _moves = SimpleNamespace(is_legal=lambda _, over: over != "of another phase")

    def initial(self, key: bytes) -> Tally:  # noqa: ARG002
        return Waiting()


@dataclass
class Ways:
    """What a party's work waits for, and what it says of the time."""

    may_end: threading.Event = field(default_factory=threading.Event)
    fails: bool = False
    now: int = 7
    looks: int = 0
    tries: int = 0


class Party(PartyLoop[Any]):
    def __init__(self, home: Path, ways: Ways) -> None:
        self.ways = ways
        paces = PartySettings(poll_s=0.02, workers=2)
        station: Any = SimpleNamespace(
            paces=paces, home=home, clock=lambda: ways.now, keep_on=lambda: None
        )
        super().__init__(station, Counting(), "party", look=self.look)

    def perform(self, state: Any, effect: Any) -> Sequence[object]:  # noqa: ARG002
        self.ways.tries += 1
        if self.ways.fails:
            raise TryAgain("not yet")
        self.ways.may_end.wait(60)
        return [Fetched(effect.number)]

    def look(self) -> None:
        self.ways.looks += 1


@dataclass
class Watched:
    party: Party
    ways: Ways
    idling: Idling
    told: list[Report]

    def is_idle(self, since: float) -> bool:
        report = self.idling.report()
        return report.seen > max(since, report.changed)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    ways, told = Ways(), list[Report]()
    party = Party(tmp_path, ways)
    idling = Idling(party, told.append)
    party.start()
    yield Watched(party, ways, idling, told)
    ways.may_end.set()
    party.close()


def test_party_without_jobs__is_idle_and_waits_for_no_time(watched: Watched) -> None:
    began = time.monotonic()
    wait_until("idleness", lambda: watched.is_idle(began))
    assert watched.idling.report().due is None
    assert watched.told[-1].pid == os.getpid()


def test_party_with_an_effect_under_way__is_busy_until_its_outcome_is_taken(
    watched: Watched,
) -> None:
    watched.party.runtime.ask(KEY, Asked(3))
    wait_until("the try", lambda: watched.ways.tries)
    looks = watched.ways.looks
    wait_until("more looks", lambda: watched.ways.looks > looks + 3)
    assert watched.idling.report().changed == ALWAYS
    ended = time.monotonic()
    watched.ways.may_end.set()
    wait_until("idleness", lambda: watched.is_idle(ended))
    report = watched.idling.report()
    assert report.due == DEADLINE
    assert ended < report.changed < ALWAYS


def test_party_with_an_effect_put_off__is_idle_once_it_was_tried_again(watched: Watched) -> None:
    watched.ways.fails = True
    watched.party.runtime.ask(KEY, Asked(3))
    wait_until("the first try", lambda: watched.ways.tries)
    for _ in range(2):
        began, tries = time.monotonic(), watched.ways.tries
        wait_until("idleness", lambda since=began: watched.is_idle(since))  # type: ignore[misc]
        assert watched.ways.tries > tries
        assert watched.idling.report().due == DEADLINE


def test_party_that_hears_of_its_time__has_changed(watched: Watched) -> None:
    watched.ways.may_end.set()
    watched.party.runtime.ask(KEY, Asked(3))
    began = time.monotonic()
    wait_until("idleness", lambda: watched.is_idle(began))
    before = watched.idling.report().changed
    watched.party.runtime.ask(KEY, Closed())
    wait_until("a change", lambda: before < watched.idling.report().changed < ALWAYS)
    assert watched.idling.report().due is None


def test_party_whose_loop_ended__is_gone(watched: Watched) -> None:
    watched.party.runtime.stop()
    wait_until("its end", lambda: watched.idling.report() == GONE)


@pytest.mark.processes
def test_report__of_another_process__counts_for_nothing(tmp_path: Path) -> None:
    """What a server said before it died says nothing about the one that was started for it."""
    path = tmp_path / "idling.json"
    (tmp_path / "waiter.py").write_text("import signal\nsignal.pause()\n")
    process = Forked(
        "waiter",
        [],
        environ={"PYTHONPATH": str(tmp_path)},
        out=tmp_path / "out",
        error=tmp_path / "out",
    )
    try:
        assert read_report(None, path) is None
        assert read_report(process, path) is None
        mine = Report(process.pid, 1.0, ALWAYS, None)
        for report, expected in ((mine, mine), (replace(mine, pid=1), None)):
            path.write_text(
                f'{{"pid": {report.pid}, "changed": 1.0, "seen": Infinity, "due": null}}'
            )
            assert read_report(process, path) == expected
    finally:
        process.kill()
        process.wait(60)
    assert read_report(process, path) is None
