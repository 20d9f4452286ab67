"""What waits together is written down together: one record, synced once, and then what follows."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.offchain.loop.conftest import Start, Wait
from tests.offchain.loop.queued import Waiting, never
from tests.offchain.loop.tally import (
    DEADLINE,
    Alarm,
    Asked,
    Closed,
    Event,
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

from edgemark.errors import PeerFault, RefusedInput, Unrecoverable
from edgemark.journal.journal import JournalWriteFailed, RecordTooLarge
from edgemark.loop.batch import MAX_BYTES, MAX_EVENTS
from edgemark.loop.machine import Tick
from edgemark.loop.replay import replay
from edgemark.loop.runtime import LoopStopped, Pace, TooManyOpen

KEY = b"tally"


def count_syncs(monkeypatch: pytest.MonkeyPatch, note: Callable[[], None]) -> None:
    """Call `note` before each sync of a file."""
    sync = os.fsync

    def noted(handle: int) -> None:
        note()
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)


# --- one record, one sync ---


def test_events_that_wait_together__are_one_record_and_one_sync(
    waiting: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = waiting(Fetcher(fail=never))
    for number in range(7):
        made.ask(b"job %d" % (number % 3), Asked(number))
    syncs: list[int] = []
    count_syncs(monkeypatch, lambda: syncs.append(made.journal.count))
    made.loop.start()
    assert [state.wanted for state in made.answers()] == [
        (0,), (1,), (2,), (0, 3), (1, 4), (2, 5), (0, 3, 6),
    ]  # fmt: skip
    assert made.records() == [[Asked(number) for number in range(7)]]
    assert syncs == [0]
    assert replay(TallyMachine(), made.journal) == made.loop.states()


def test_more_events_than_a_record_has_room_for__take_several(waiting: Wait) -> None:
    made = waiting(Fetcher(fail=never))
    for number in range(2 * MAX_EVENTS + 1):
        made.loop.post(KEY, Asked(number))
    made.loop.start()
    made.loop.ask(KEY, Closed())
    assert [len(record) for record in made.records()] == [MAX_EVENTS, MAX_EVENTS, 2]


def test_long_events__share_no_record(waiting: Wait) -> None:
    made = waiting()
    lengths = [10, MAX_BYTES - 100, 200, MAX_BYTES + 1, 20, 30]
    for length in lengths:
        made.loop.post(KEY, Padded(length))
    made.loop.start()
    made.loop.ask(KEY, Closed())
    together = [[event.length for event in record[:2]] for record in made.records()[:-1]]
    assert together == [[10, MAX_BYTES - 100], [200], [MAX_BYTES + 1]]
    assert made.records()[-1] == [Padded(20), Padded(30), Closed()]


def test_time__that_changes_many_jobs__is_written_down_together(waiting: Wait) -> None:
    made = waiting(Fetcher(fail=never), clock=lambda: DEADLINE)
    for number in range(10):
        made.loop.post(b"job %d" % number, Asked(1))
    made.loop.start()
    assert made.loop.wait_until(
        lambda s: len(s) == 10 and all(each.is_late for each in s.values()), LIMIT_S
    )
    assert [len(record) for record in made.records()] in ([10, 10], [20])


def test_time__is_heard_by_a_job_that_is_as_new_as_it(waiting: Wait) -> None:
    fetcher = Fetcher(fail=never)
    made = waiting(fetcher)
    made.loop.post(KEY, Asked(1))
    made.loop._queue.put(Tick(DEADLINE))
    made.loop.post(KEY, Poked())
    made.loop.start()
    made.loop.ask(KEY, Poked())
    assert made.records() == [[Asked(1), Tick(DEADLINE)]]
    wait_until("the alarm", lambda: (KEY, Alarm()) in fetcher.done)


# --- law 2: what follows ---


def test_nothing_that_follows__begins_before_the_sync(
    waiting: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = Fetcher(fail=never)
    made = waiting(fetcher)
    for event in (Asked(1), Poked(), Asked(-1), Fetched(1), Asked(2), Poked()):
        made.ask(KEY, event)
    seen: list[tuple[object, ...]] = []

    def look() -> None:
        states = dict(made.loop.states())
        seen.append((states, made.loop.state(KEY), dict(made.outcomes), list(fetcher.done)))

    count_syncs(monkeypatch, look)
    made.loop.start()
    answers = made.answers()
    assert seen == [({}, None, {}, [])]
    assert isinstance(answers.pop(2), RefusedInput)
    assert answers == [
        Tally(wanted=(1,)),
        Tally(wanted=(1,)),
        Tally(got=(1,)),
        Tally(wanted=(2,), got=(1,)),
        Tally(wanted=(2,), got=(1,)),
    ]
    wait_until("the effect that is owed", lambda: fetcher.done)
    assert set(fetcher.done) == {(KEY, Fetch(2))}  # the first was found out in another way


def test_askers__are_answered_in_the_order_of_their_events(waiting: Wait) -> None:
    order: list[int] = []
    made = waiting(Fetcher(fail=never))
    for number in range(20):
        made.ask(KEY, Asked(number))
    for number, item in enumerate(list(drain(made))):
        item.reply.add_done_callback(lambda _, number=number: order.append(number))
        made.loop._queue.put(item)
    made.loop.start()
    made.answers()
    assert order == list(range(20))


def drain(made: Waiting) -> Iterator[Any]:
    """Whatever is in the queue."""
    while made.loop._queue.qsize():
        yield made.loop._queue.get_nowait()


def test_events_that_were_seen_together__begin_nothing_that_the_last_does_not_owe(
    start: Start,
) -> None:
    fetcher = Fetcher()
    loop = start(fetcher)
    seen = [event for number in range(20) for event in (Asked(number), Fetched(number))]
    state = loop.ask(KEY, Asked(99), behind=seen)
    assert loop.wait_until(has_got(*range(20), 99), LIMIT_S)
    assert fetcher.done == [(KEY, Fetch(99))]
    assert state.wanted == (99,)


@pytest.mark.parametrize(
    ("event", "fault"),
    [(Asked(-1), RefusedInput), (Lied(), PeerFault), (Padded(90), RecordTooLarge)],
)
def test_a_refused_event__among_others__stops_none_of_them(
    waiting: Wait, event: Event, fault: type[Exception]
) -> None:
    made = waiting(Fetcher(fail=never), most_bytes=99)
    made.ask(KEY, Asked(1))
    made.ask(KEY, event)
    made.ask(KEY, Asked(2))
    made.loop.start()
    first, refused, last = made.answers()
    assert isinstance(refused, fault)
    assert (first, last) == (Tally(wanted=(1,)), Tally(wanted=(1, 2)))
    assert made.records() == [[Asked(1), Asked(2)]]


def test_jobs_that_are_not_on_the_disk_yet__take_room(waiting: Wait) -> None:
    made = waiting(Fetcher(fail=never), pace=Pace(poll_s=0.01, max_open=2))
    for key in (b"one", b"two", b"three"):
        made.ask(key, Asked(1))
    made.ask(b"one", Closed())
    made.ask(b"four", Asked(1))
    made.ask(b"five", Asked(1))
    made.loop.start()
    answers = made.answers()
    assert [isinstance(answer, TooManyOpen) for answer in answers] == [0, 0, 1, 0, 0, 1]
    assert (answers[5].had, answers[5].needed) == (2, "< 2")
    assert set(made.loop.states()) == {b"one", b"two", b"four"}


# --- what stops the loop ---


def test_a_disk_that_refuses__none_of_the_batch_happened(
    waiting: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = Fetcher()
    made = waiting(fetcher)
    for number in range(5):
        made.ask(KEY, Asked(number))

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    made.loop.start()
    assert all(isinstance(answer, LoopStopped) for answer in made.answers())
    with pytest.raises(JournalWriteFailed):
        made.loop.join(LIMIT_S)
    assert (made.loop.states(), fetcher.done) == ({}, [])
    assert made.journal.count == 0


def test_an_unplanned_failure__what_was_decided_before_is_written_down(waiting: Wait) -> None:
    machine = TallyMachine()
    step = machine.step

    def fail(state: Tally, event: Any) -> Any:
        if event == Asked(3):
            raise ZeroDivisionError
        return step(state, event)

    machine.step = fail  # type: ignore[method-assign]
    made = waiting(Fetcher(fail=never), machine=machine)
    for number in range(1, 6):
        made.ask(KEY, Asked(number))
    made.loop.start()
    with pytest.raises(Unrecoverable, match=r"step\(Asked\).*ZeroDivisionError"):
        made.loop.join(LIMIT_S)
    answers = made.answers()
    assert answers[:2] == [Tally(wanted=(1,)), Tally(wanted=(1, 2))]
    assert all(isinstance(answer, LoopStopped) for answer in answers[2:])
    assert made.records() == [[Asked(1), Asked(2)]]


def test_stop__leaves_what_waits_to_nobody(waiting: Wait) -> None:
    made = waiting()
    machine = made.loop._machine
    step = machine.step

    def stop(state: Tally, event: Any) -> Any:
        made.loop.stop()
        return step(state, event)

    machine.step = stop
    made.ask(KEY, Asked(1))
    made.ask(KEY, Asked(2))
    made.loop.start()
    made.loop.join(LIMIT_S)
    first, second = made.answers()
    assert first == Tally(wanted=(1,))
    assert isinstance(second, LoopStopped)
