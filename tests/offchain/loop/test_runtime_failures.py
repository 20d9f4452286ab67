"""What fails for want of a chain or a peer is tried again; nothing else dies in silence."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator

import pytest
from tests.offchain.loop.conftest import Start
from tests.offchain.loop.tally import (
    Asked,
    Effect,
    Fetch,
    Fetched,
    Fetcher,
    Poked,
    Tally,
    TallyMachine,
    has_got,
)
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput, Unrecoverable
from edgemark.journal.journal import Journal, JournalWriteFailed
from edgemark.logs import configure_logs
from edgemark.loop.machine import UnderWay
from edgemark.loop.runtime import LoopStopped, TryAgain
from edgemark.transport.faults import PeerUnreachable

KEY = b"\xab" * 32
SECRET = "the number under the hat is 4711"


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logs("debug", stream)
    yield stream
    configure_logs("error")


def failing(times: int, error: BaseException) -> Fetcher:
    """A performer that raises so often before it succeeds."""
    left = [times]

    def fail(_: bytes, __: Effect) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error

    return Fetcher(fail=fail)


@pytest.mark.parametrize(
    "error",
    [
        LedgerUnavailable("no chain"),
        PeerUnreachable("no peer", who="https://127.0.0.1:1"),
        TryAgain("not yet"),
    ],
)
def test_an_effect_without_chain_or_peer__is_tried_until_it_succeeds(
    start: Start, error: EdgemarkError
) -> None:
    fetcher = failing(4, error)
    loop = start(fetcher)
    loop.ask(KEY, Asked(1))
    assert loop.wait_until(has_got(1), LIMIT_S)
    assert fetcher.done == [(KEY, Fetch(1))] * 5


@pytest.mark.parametrize("when", ["before it has failed", "before its next try"])
def test_a_failed_effect__is_not_tried_when_it_is_owed_no_more(start: Start, when: str) -> None:
    now = [0.0]
    begun, go_on = threading.Event(), threading.Event()

    def fail(_: bytes, __: Effect) -> None:
        begun.set()
        go_on.wait(LIMIT_S)
        raise TryAgain("not yet")

    fetcher = Fetcher(fail=fail)
    loop = start(fetcher)
    loop._effects._clock = lambda: now[0]
    loop.ask(KEY, Asked(1))
    assert begun.wait(LIMIT_S)
    if when == "before its next try":
        go_on.set()
        wait_until("the failure", lambda: loop.count_effects() == (1, 1))
    loop.ask(KEY, Fetched(1))  # it was found out in another way
    go_on.set()
    now[0] = 100.0
    wait_until("nothing to be under way", lambda: loop.count_effects() == (0, 0))
    assert fetcher.done == [(KEY, Fetch(1))]


def test_an_effect_that_is_under_way__is_repeated_and_counts_as_no_failure(start: Start) -> None:
    soon = UnderWay("is sent")
    soon.after_s = 0.05
    fetcher = failing(3, soon)
    loop = start(fetcher)
    counts: set[tuple[int, int]] = set()
    loop.ask(KEY, Asked(1))
    wait_until("the end", lambda: counts.add(loop.count_effects()) or has_got(1)(loop.states()))
    assert fetcher.done == [(KEY, Fetch(1))] * 4
    assert {failed for _, failed in counts} == {0}


def test_a_failing_effect__does_not_hold_up_another_job(start: Start) -> None:
    def fail(key: bytes, _: Effect) -> None:
        if key == b"unlucky":
            raise TryAgain("never")

    loop = start(Fetcher(fail=fail))
    loop.ask(b"unlucky", Asked(1))
    loop.ask(b"lucky", Asked(1))
    assert loop.wait_until(lambda s: b"lucky" in s and s[b"lucky"].got == (1,), LIMIT_S)


def test_a_peers_fault__is_logged_and_the_effect_may_be_named_again(
    start: Start, log_lines: io.StringIO
) -> None:
    fetcher = failing(1, PeerFault("sent nonsense", who="node 3"))
    loop = start(fetcher)
    loop.ask(KEY, Asked(1))
    wait_until("a line in the log", lambda: "effect failed" in log_lines.getvalue())
    loop.ask(KEY, Poked())
    assert loop.wait_until(has_got(1), LIMIT_S)
    assert fetcher.done == [(KEY, Fetch(1))] * 2
    failed = next(
        line
        for line in map(json.loads, log_lines.getvalue().splitlines())
        if line["event"] == "effect failed"
    )
    assert failed["matter"] == KEY.hex()
    assert failed["error"]["who"] == "node 3"


@pytest.mark.parametrize(
    "error", [ValueError(SECRET), RefusedInput("a bug"), KeyError(SECRET), AssertionError()]
)
def test_an_effect_that_fails_unplanned__stops_the_loop_and_names_the_matter(
    start: Start, log_lines: io.StringIO, error: Exception
) -> None:
    loop = start(failing(10**9, error))
    loop.post(KEY, Asked(1))
    with pytest.raises(Unrecoverable) as stopped:
        loop.join(LIMIT_S)
    assert loop.failure is stopped.value
    assert KEY.hex() in str(stopped.value)
    assert type(error).__name__ in str(stopped.value)
    assert SECRET not in str(stopped.value)
    assert SECRET not in log_lines.getvalue()
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    assert any(line["level"] == "error" and line.get("matter") == KEY.hex() for line in lines)
    with pytest.raises(LoopStopped):
        loop.ask(KEY, Asked(2))


def test_a_performer_that_is_interrupted__stops_the_loop(start: Start) -> None:
    loop = start(failing(1, SystemExit(3)))
    loop.post(KEY, Asked(1))
    with pytest.raises(Unrecoverable, match="SystemExit"):
        loop.join(LIMIT_S)


def test_a_step_that_fails_unplanned__stops_the_loop_and_whoever_waits_is_told(
    start: Start,
) -> None:
    machine = TallyMachine()

    def fail(state: Tally, event: object) -> tuple[Tally, list[Effect]]:
        raise ZeroDivisionError

    machine.step = fail  # type: ignore[method-assign]
    loop = start(machine=machine)
    with pytest.raises(LoopStopped):
        loop.ask(KEY, Asked(1))
    with pytest.raises(Unrecoverable, match=r"step\(Asked\).*ZeroDivisionError"):
        loop.join(LIMIT_S)


def test_a_clock_without_chain__is_asked_again(start: Start) -> None:
    answers = iter([LedgerUnavailable("no chain"), LedgerUnavailable("no chain")])
    heard = threading.Event()

    def clock() -> int:
        for error in answers:
            raise error
        heard.set()
        return 1

    loop = start(clock=clock)
    assert heard.wait(LIMIT_S)
    assert loop.failure is None


def test_a_clock_that_fails_unplanned__stops_the_loop(start: Start) -> None:
    def clock() -> int:
        raise OSError("broken")

    loop = start(clock=clock)
    with pytest.raises(Unrecoverable, match="the clock"):
        loop.join(LIMIT_S)


def test_a_disk_that_refuses__stops_the_loop_and_no_effect_begins(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = Fetcher()
    loop = start(fetcher)
    refused = JournalWriteFailed("record could not be written", who="disk")

    def refuse(*_: object) -> int:
        raise refused

    monkeypatch.setattr(Journal, "append", refuse)
    with pytest.raises(LoopStopped):
        loop.ask(KEY, Asked(1))
    with pytest.raises(JournalWriteFailed):
        loop.join(LIMIT_S)
    assert fetcher.done == []
    assert loop.state(KEY) is None


def test_a_journal_of_another_machine__is_not_replayed(start: Start) -> None:
    first = start()
    first.ask(KEY, Asked(1))
    first.wait_until(has_got(1), LIMIT_S)
    first.stop()
    first.join(LIMIT_S)
    first._memory._journal.append(b"\x00\x00\x00\x00\x01k\x00\x00\x00\x04Spun")
    first._memory._journal.close()
    second = start()
    with pytest.raises(Unrecoverable, match="record 3"):
        second.join(LIMIT_S)
