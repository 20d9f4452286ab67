"""The loop: event, step, journal, effects; for other threads and for many jobs."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.offchain.loop.conftest import Start, end
from tests.offchain.loop.tally import (
    DEADLINE,
    Alarm,
    Asked,
    Closed,
    Effect,
    Fetch,
    Fetched,
    Fetcher,
    Lied,
    Padded,
    Poked,
    Tally,
    TallyMachine,
    has_got,
)
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import PeerFault, RefusedInput
from edgemark.journal.journal import Journal, RecordTooLarge
from edgemark.loop.machine import Tick
from edgemark.loop.replay import replay
from edgemark.loop.runtime import LoopBusy, LoopStopped, Pace, TooManyOpen

KEY = b"tally"


class Notes:
    """A seam that writes down when records are written; the performer adds its effects."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def before(self, number: int, label: str) -> None:
        self.lines.append(f"before {number} {label}")

    def after(self, number: int, label: str) -> None:
        self.lines.append(f"after {number} {label}")


def records_in(path: Path) -> list[bytes]:
    with Journal.open(path) as journal:
        return list(journal.records())


def test_an_event__is_stepped_journaled_and_its_effect_comes_back(start: Start) -> None:
    fetcher = Fetcher()
    loop = start(fetcher)
    assert loop.state(KEY) is None
    assert loop.ask(KEY, Asked(5)) == Tally(wanted=(5,))
    assert loop.wait_until(has_got(5), LIMIT_S)
    assert loop.state(KEY) == Tally(got=(5,))
    assert fetcher.done == [(KEY, Fetch(5))]


def test_an_effect__begins_after_its_event_is_durable(start: Start) -> None:
    notes = Notes()
    loop = start(Fetcher(fail=lambda _, effect: notes.lines.append(repr(effect))), seam=notes)
    loop.post(KEY, Asked(5))
    assert loop.wait_until(has_got(5), LIMIT_S)
    assert notes.lines == [
        "before 1 Asked",
        "after 1 Asked",
        "Fetch(number=5)",
        "before 2 Fetched",
        "after 2 Fetched",
    ]


def test_ask__answers_when_the_event_is_durable(start: Start, tmp_path: Path) -> None:
    loop = start(Fetcher(fail=lambda *_: time.sleep(0.2)))
    loop.ask(KEY, Asked(5))
    assert b"Asked 5" in (tmp_path / "journal").read_bytes()


@pytest.mark.parametrize(("event", "fault"), [(Asked(-1), RefusedInput), (Lied(), PeerFault)])
def test_a_refused_event__is_told_not_journaled_and_the_loop_goes_on(
    start: Start, tmp_path: Path, event: Asked | Lied, fault: type[Exception]
) -> None:
    loop = start()
    with pytest.raises(fault):
        loop.ask(KEY, event)
    loop.post(KEY, event)  # with nobody waiting for it
    assert loop.state(KEY) is None
    loop.ask(KEY, Asked(1))
    assert loop.wait_until(has_got(1), LIMIT_S)
    end(loop, loop._memory._journal)
    assert len(records_in(tmp_path / "journal")) == 2


def test_an_event_too_large_for_the_journal__is_refused_and_the_loop_goes_on(start: Start) -> None:
    loop = start(most_bytes=100)
    with pytest.raises(RecordTooLarge):
        loop.ask(KEY, Padded(200))
    assert loop.state(KEY) is None
    assert loop.ask(KEY, Padded(10)) == Tally(padding=10)


def test_an_event_that_changes_nothing__is_not_journaled_and_its_effects_begin(
    start: Start, tmp_path: Path
) -> None:
    closed = threading.Event()
    fetcher = Fetcher(fail=lambda *_: closed.wait(LIMIT_S) and None)
    loop = start(fetcher)
    loop.ask(KEY, Asked(1))
    for _ in range(3):
        loop.ask(KEY, Asked(1))
        loop.ask(KEY, Poked())
    closed.set()
    assert loop.wait_until(has_got(1), LIMIT_S)
    end(loop, loop._memory._journal)
    assert len(records_in(tmp_path / "journal")) == 2


def test_an_equal_effect_under_way__is_not_begun_twice(start: Start) -> None:
    go_on = threading.Event()
    fetcher = Fetcher(fail=lambda *_: go_on.wait(LIMIT_S) and None)
    loop = start(fetcher)
    loop.ask(KEY, Asked(1))
    for _ in range(20):
        loop.ask(KEY, Poked())
    go_on.set()
    assert loop.wait_until(has_got(1), LIMIT_S)
    assert fetcher.done == [(KEY, Fetch(1))]


def test_an_equal_effect_of_another_job__is_begun(start: Start) -> None:
    both = threading.Barrier(2)
    loop = start(Fetcher(fail=lambda *_: both.wait(LIMIT_S) and None))
    loop.ask(b"one", Asked(1))
    loop.ask(b"two", Asked(1))
    assert loop.wait_until(lambda s: all(t.got == (1,) for t in s.values()), LIMIT_S)


def test_many_jobs_from_many_threads__each_has_its_own_state(start: Start) -> None:
    loop = start()
    keys = [b"job %d" % number for number in range(60)]

    def ask(number: int) -> None:
        for value in range(5):
            loop.ask(keys[number], Asked(100 * number + value), LIMIT_S)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(60)))
    assert loop.wait_until(lambda s: all(len(t.got) == 5 for t in s.values()), LIMIT_S)
    states = loop.states()
    assert sorted(states) == sorted(keys)
    for number, key in enumerate(keys):
        assert sorted(states[key].got) == [100 * number + value for value in range(5)]


def test_a_job_too_many__is_refused_and_the_others_go_on(start: Start) -> None:
    loop = start(pace=Pace(poll_s=0.01, max_open=2))
    loop.ask(b"one", Asked(1))
    loop.ask(b"two", Asked(1))
    with pytest.raises(TooManyOpen):
        loop.ask(b"three", Asked(1))
    assert loop.ask(b"three", Poked()) == Tally()  # it changes nothing, so it takes no room
    loop.ask(b"two", Asked(2))


def test_a_job_key_too_long__is_refused(start: Start) -> None:
    loop = start()
    with pytest.raises(RefusedInput):
        loop.ask(b"k" * 65, Asked(1))
    loop.ask(b"k" * 64, Asked(1))


def test_time__is_journaled_only_when_it_changes_a_state(start: Start, tmp_path: Path) -> None:
    now = [1]
    machine = TallyMachine()
    stuck = threading.Event()
    fetcher = Fetcher(
        fail=lambda _, effect: isinstance(effect, Fetch) and stuck.wait(LIMIT_S) and None
    )
    loop = start(fetcher, machine=machine, clock=lambda: now[0])
    loop.ask(KEY, Asked(1))
    wait_for_more(machine, 5)
    now[0] = DEADLINE
    assert loop.wait_until(lambda s: s[KEY].is_late, LIMIT_S)
    wait_for_more(machine, 5)
    stuck.set()
    assert loop.wait_until(has_got(1), LIMIT_S)
    end(loop, loop._memory._journal)
    records = records_in(tmp_path / "journal")
    assert len(records) == 3
    assert records[1].endswith(DEADLINE.to_bytes(8, "big"))
    assert (KEY, Alarm()) in fetcher.done


def wait_for_more(machine: TallyMachine, ticks: int) -> None:
    """Wait until the machine heard the time so often again."""
    heard = machine.ticks + ticks
    wait_until("ticks", lambda: machine.ticks >= heard)


def test_time__is_not_told_to_a_finished_job(start: Start) -> None:
    machine = TallyMachine()
    loop = start(machine=machine, clock=lambda: 1)
    loop.ask(b"open", Asked(1))
    loop.ask(b"closed", Closed())
    wait_for_more(machine, 3)
    heard: set[int] = set()
    step = machine.step

    def note(state: Tally, event: object) -> tuple[Tally, list[Effect]]:
        if isinstance(event, Tick):
            heard.add(id(state.is_closed))
            assert not state.is_closed
        return step(state, event)  # type: ignore[arg-type]

    machine.step = note  # type: ignore[method-assign]
    wait_for_more(machine, 5)
    assert heard
    assert loop.failure is None


def test_ask__the_loop_is_busy__is_told(start: Start) -> None:
    machine = TallyMachine()
    release = threading.Event()
    step = machine.step

    def slow(state: Tally, event: object) -> tuple[Tally, list[Effect]]:
        release.wait(LIMIT_S)
        return step(state, event)  # type: ignore[arg-type]

    machine.step = slow  # type: ignore[method-assign]
    loop = start(machine=machine)
    with pytest.raises(LoopBusy):
        loop.ask(KEY, Asked(1), timeout_s=0.1)
    release.set()
    assert loop.wait_until(has_got(1), LIMIT_S)  # it was taken after all


def test_stop__whoever_waits_or_comes_later_is_told(start: Start) -> None:
    loop = start()
    loop.ask(KEY, Asked(1))
    loop.stop()
    loop.join(LIMIT_S)
    with pytest.raises(LoopStopped):
        loop.ask(KEY, Asked(2))
    with pytest.raises(LoopStopped):
        loop.post(KEY, Asked(2))
    with pytest.raises(LoopStopped):
        loop.wait_until(lambda _: False, LIMIT_S)


def test_wait_until__it_takes_too_long__answers_no(start: Start) -> None:
    assert start().wait_until(lambda _: False, 0.05) is False


def test_start__on_an_old_journal__knows_the_states_and_begins_what_is_owed(
    start: Start, tmp_path: Path
) -> None:
    never = threading.Event()
    first = start(Fetcher(fail=lambda *_: never.wait(LIMIT_S) and None))
    first.ask(KEY, Asked(1))
    first.ask(KEY, Asked(2))
    first.post(KEY, Fetched(1))
    assert first.wait_until(has_got(1), LIMIT_S)
    end(first, first._memory._journal)
    never.set()
    with Journal.open(tmp_path / "journal") as journal:
        assert replay(TallyMachine(), journal) == {KEY: Tally(wanted=(2,), got=(1,))}
    fetcher = Fetcher()
    second = start(fetcher)
    assert second.wait_until(has_got(1, 2), LIMIT_S)
    assert fetcher.done == [(KEY, Fetch(2))]
