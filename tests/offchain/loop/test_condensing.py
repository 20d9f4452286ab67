"""An open job with a long past is written anew as the few events that still matter."""

from __future__ import annotations

import io
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.offchain.loop.conftest import end
from tests.offchain.loop.gauge import Gauge, GaugeMachine, Rose, Stopped, Tell, Told
from tests.offchain.loop.killed_tidying import live
from tests.offchain.loop.nursery import MISHAP
from tests.offchain.loop.queued import QUICK
from tests.offchain.loop.tally import Asked, Fetched, TallyMachine
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import Unrecoverable
from edgemark.journal.journal import Journal
from edgemark.logs import configure_logs
from edgemark.loop import memory as memory_module
from edgemark.loop.archive import Archive
from edgemark.loop.machine import Condensing
from edgemark.loop.memory import MatterMemory
from edgemark.loop.replay import encode_record, of_key, replay, split
from edgemark.loop.runtime import Runtime

LEAST = 2_000  # bytes of records before jobs are condensed, here
KEYS = [b"one", b"two", b"three"]
MatterMemory = MatterMemory[Any, Any, Any]


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "CONDENSE_BYTES", LEAST)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal") as opened:
        yield opened


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logs("debug", stream)
    yield stream
    configure_logs("error")


def open_memory(journal: Journal, folder: Path, machine: Any = None) -> MatterMemory:
    """What a process of gauges remembers; one that is over leaves at once."""
    memory: MatterMemory = MatterMemory(
        machine or GaugeMachine(),
        journal,
        Archive(folder / "archive"),
        seam=None,
        max_open=1_000,
        archive_after=1,
        name="test",
    )
    memory.load()
    return memory


def happen(memory: MatterMemory, *events: tuple[bytes, Any]) -> None:
    """Let something happen to jobs, all of it together."""
    machine = memory._machine
    for key, event in events:
        after, _ = machine.step(memory.state_before(key), event)
        memory.change(key, type(event).__name__, memory.admit(key, event), after)
    memory.commit()


def fill(path: Path, count: int = 200) -> dict[bytes, Gauge]:
    """Write a journal of gauges that rose in turn, in records of three; the states at its end."""
    machine = GaugeMachine()
    with Journal.open(path) as journal:
        for number in range(count):
            each = [encode_record(machine, key, Rose(number)) for key in KEYS]
            journal.append(b"".join(each))
        journal.append(encode_record(machine, KEYS[0], Told(7)))
        return replay(machine, journal)


def test_a_machine_says_whether_it_condenses() -> None:
    assert isinstance(GaugeMachine(), Condensing)
    assert not isinstance(TallyMachine(), Condensing)


def test_a_long_past__is_told_by_the_few_events_that_matter(tmp_path: Path) -> None:
    states = fill(tmp_path / "journal")
    with Journal.open(tmp_path / "journal") as journal:
        memory = open_memory(journal, tmp_path)
        assert memory.at_hand() == states
        assert journal.count == len(KEYS) + 1
        assert memory._length == sum(map(len, journal.records()))
        assert memory._length == sum(memory._lengths.values())
        assert replay(GaugeMachine(), journal) == states
        happen(memory, (KEYS[1], Rose(1)))
        assert open_memory(journal, tmp_path).find(KEYS[1]) == replace(
            states[KEYS[1]], height=states[KEYS[1]].height + 1
        )


def test_a_job_without_end__keeps_the_journal_short_with_few_rewritings(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, rewritings = open_memory(journal, tmp_path), []
    rewrite = journal.rewrite
    monkeypatch.setattr(
        journal, "rewrite", lambda records: (rewritings.append(1), rewrite(records))
    )
    written = 0
    for number in range(3_000):
        happen(memory, (b"gauge", Rose(number)))
        written += len(memory.admit(b"gauge", Rose(number)))
        memory.tidy()
        assert memory._length < LEAST + 100
    assert len(rewritings) <= written // (LEAST - 100)
    assert memory.find(b"gauge") == Gauge(height=sum(range(3_000)))
    assert replay(GaugeMachine(), journal) == memory.at_hand()


def test_jobs_that_cannot_be_shorter__are_looked_at_when_the_journal_has_doubled(
    journal: Journal, tmp_path: Path
) -> None:
    machine, looks = GaugeMachine(), []
    condense = machine.condense
    machine.condense = lambda state: (looks.append(1), condense(state))[1]  # type: ignore[method-assign]
    memory = open_memory(journal, tmp_path, machine)
    for number in range(500):
        happen(memory, (b"gauge %d" % number, Rose(1)))
        memory.tidy()
    assert journal.count == 500
    assert len(looks) < 2 * 500


def test_a_machine_that_condenses_nothing__keeps_every_event(
    journal: Journal, tmp_path: Path
) -> None:
    memory = open_memory(journal, tmp_path, TallyMachine())
    for number in range(200):
        happen(memory, (b"tally", Asked(number)), (b"tally", Fetched(number)))
        memory.tidy()
    assert journal.count == 200
    assert memory._length > LEAST


def test_finished_jobs__are_archived_as_they_happened_while_others_are_condensed(
    tmp_path: Path,
) -> None:
    fill(tmp_path / "journal", 60)
    with Journal.open(tmp_path / "journal") as journal:
        for key in KEYS[1:]:
            journal.append(encode_record(GaugeMachine(), key, Stopped()))
        states = replay(GaugeMachine(), journal)
        memory = open_memory(journal, tmp_path)
        assert {key: memory.find(key) for key in KEYS} == states
        for key in KEYS[1:]:
            assert len(Archive(tmp_path / "archive").find(key) or []) == 61
        assert replay(GaugeMachine(), journal) == memory.at_hand() == {KEYS[0]: states[KEYS[0]]}
        assert journal.count == 2
        assert memory._length == sum(map(len, journal.records()))


def test_finished_jobs_that_stay_at_hand__keep_every_event_for_the_archive(
    journal: Journal, tmp_path: Path
) -> None:
    memory = open_memory(journal, tmp_path)
    for number in range(60):
        happen(memory, *((key, Rose(number)) for key in KEYS))
    happen(memory, (KEYS[0], Stopped()))
    memory.tidy()  # two are open, so that one does not leave yet
    assert len(list(of_key(KEYS[0], journal.records()))) == 61
    happen(memory, (KEYS[1], Stopped()))
    memory.tidy()
    assert len(Archive(tmp_path / "archive").find(KEYS[0]) or []) == 61


class Talker(GaugeMachine):
    """Says once more what changes nothing."""

    def condense(self, state: Gauge) -> list[Any]:
        return [*super().condense(state), Rose(0)]


def test_what_matters_that_is_longer_than_what_happened__is_left_alone(
    journal: Journal, tmp_path: Path
) -> None:
    memory = open_memory(journal, tmp_path, Talker())
    for number in range(100):
        happen(memory, (b"gauge %d" % number, Rose(1)))
    before = (tmp_path / "journal").read_bytes()
    memory.tidy()
    assert memory._condense_at > LEAST  # it was looked at
    assert (tmp_path / "journal").read_bytes() == before


class Liar(GaugeMachine):
    """Tells another story."""

    def condense(self, state: Gauge) -> list[Any]:
        return [Rose(state.height - 1)]


class Confused(GaugeMachine):
    """Names what it refuses."""

    def condense(self, state: Gauge) -> list[Any]:  # noqa: ARG002
        return [Rose(-1)]


class Silent(GaugeMachine):
    """Names nothing."""

    def condense(self, state: Gauge) -> list[Any]:  # noqa: ARG002
        return []


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Liar(), "condensed events lead elsewhere"),
        (Confused(), "condensed events are refused"),
        (Silent(), "condensed events lead elsewhere"),
    ],
)
def test_a_machine_that_condenses_wrongly__keeps_every_event_and_says_so(
    tmp_path: Path, log_lines: io.StringIO, machine: GaugeMachine, said: str
) -> None:
    states = fill(tmp_path / "journal")
    before = (tmp_path / "journal").read_bytes()
    with Journal.open(tmp_path / "journal") as journal:
        assert open_memory(journal, tmp_path, machine).at_hand() == states
    assert (tmp_path / "journal").read_bytes() == before
    assert said in log_lines.getvalue()


def test_a_condensed_job__owes_in_the_next_life_what_it_owed(tmp_path: Path) -> None:
    fill(tmp_path / "journal")
    told: list[tuple[bytes, Tell]] = []
    with Journal.open(tmp_path / "journal") as journal:
        heights = {key: each.height for key, each in replay(GaugeMachine(), journal).items()}
        open_memory(journal, tmp_path)
        assert journal.count == len(KEYS) + 1

        def perform(key: bytes, effect: Tell) -> list[Told]:
            told.append((key, effect))
            return [Told(effect.height)]

        loop: Runtime[Any, Any, Any] = Runtime(GaugeMachine(), journal, perform, pace=QUICK)
        loop.start()
        wait_until("all told", lambda: all(s.told == s.height for s in loop.states().values()))
        end(loop, journal)
    assert sorted(told) == sorted((key, Tell(height)) for key, height in heights.items())


def test_a_loop_of_many_events__condenses_as_it_goes(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        loop: Runtime[Any, Any, Any] = Runtime(GaugeMachine(), journal, lambda *_: [], pace=QUICK)
        for _ in range(2_000):
            loop.post(b"gauge", Rose(1))
        loop.start()
        assert loop.wait_until(lambda s: b"gauge" in s and s[b"gauge"].height == 2_000, LIMIT_S)
        loop.ask(b"other", Rose(1))
        end(loop, journal)
    with Journal.open(tmp_path / "journal") as journal:
        assert journal.end < 2 * LEAST
        events = [each for record in journal.records() for each in split(record)]
        assert len(events) < 200
        assert replay(GaugeMachine(), journal)[b"gauge"].height == 2_000


def test_a_full_disk_while_condensing__loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = fill(tmp_path / "journal")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal.open(tmp_path / "journal") as journal:
        monkeypatch.setattr("os.fsync", full)
        assert open_memory(journal, tmp_path).at_hand() == states  # it is put off
        assert journal.count > len(KEYS)
        monkeypatch.undo()
    with Journal.open(tmp_path / "journal") as journal:
        assert replay(GaugeMachine(), journal) == states


def condense(journal: Journal, folder: Path) -> None:
    """Take up what the journal holds, which condenses it, early in a process of its own too."""
    with patch.object(memory_module, "CONDENSE_BYTES", LEAST):
        open_memory(journal, folder)


def test_killed_before_each_call_of_the_disk__the_next_life_knows_every_job(
    tmp_path: Path,
) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    fill(begun / "journal")
    with Journal.open(begun / "journal") as journal:
        for key in KEYS[1:]:
            journal.append(encode_record(GaugeMachine(), key, Stopped()))
        states = replay(GaugeMachine(), journal)
    shutil.copytree(begun, tmp_path / "whole")
    calls = live(tmp_path / "whole", 0, condense)
    assert 9 < calls < MISHAP  # the archive's file; then the new journal, its name, its folder
    for place in range(1, calls + 1):
        folder = tmp_path / str(place)
        shutil.copytree(begun, folder)
        assert live(folder, place, condense) == -signal.SIGKILL
        with Journal.open(folder / "journal") as journal:
            memory = open_memory(journal, folder)
            assert {key: memory.find(key) for key in KEYS} == states, place
            assert journal.count == 2
            happen(memory, (KEYS[0], Rose(1)))
        with Journal.open(folder / "journal") as journal:
            assert replay(GaugeMachine(), journal)[KEYS[0]].height == states[KEYS[0]].height + 1


def test_a_record_that_is_none__stops_the_next_life_not_this_rewriting(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        journal.append(b"\x07")
        with pytest.raises(Unrecoverable, match="record 1"):
            open_memory(journal, tmp_path)
