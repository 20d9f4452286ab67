"""A chain that is lost, and found again, is one line each in the log; a busy moment is none."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator

import pytest
from tests.waiting import wait_until

from edgemark.errors import LedgerUnavailable
from edgemark.logs import configure_logs
from edgemark.party import watcher
from edgemark.party.watcher import Watcher

LIMIT_S = 20.0


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged at info."""
    stream = io.StringIO()
    configure_logs("info", stream)
    yield stream
    configure_logs("info", io.StringIO())


class Chain:
    """One that answers, or does not."""

    def __init__(self) -> None:
        self.is_there = True
        self.looks = 0

    def look(self) -> None:
        self.looks += 1
        if not self.is_there:
            raise LedgerUnavailable("does not answer", who="chain")

    def wait_looks(self) -> None:
        """Until it was looked at twice more."""
        wanted = self.looks + 2
        wait_until("two looks", lambda: self.looks >= wanted, LIMIT_S)


def watch(chain: Chain, *, is_telling: bool = True) -> Watcher:
    """A watch that looks at it all the time."""
    watching = Watcher(chain.look, 0.001, "node-watch", lambda _: None, is_telling=is_telling)
    watching.start()
    return watching


def events(lines: io.StringIO) -> list[tuple[str, str]]:
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [(line["level"], line["event"]) for line in told]


def test_a_chain_that_is_lost_and_found__is_told_once_each(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "LOST_AFTER_S", 0.0)
    chain = Chain()
    watching = watch(chain)
    for is_there in (True, False, True):
        chain.is_there = is_there
        chain.wait_looks()
        chain.wait_looks()
    watching.stop()
    assert events(lines) == [("warning", "chain lost"), ("info", "chain found")]
    assert watching.looked_at is not None


def test_a_chain_that_says_nothing_at_all__is_lost_with_the_first_look_that_takes_so_long(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "LOST_AFTER_S", 0.05)
    ended, looks = threading.Event(), iter((0.1, LIMIT_S))

    def look() -> None:
        ended.wait(next(looks))
        raise LedgerUnavailable("did not answer", who="node")

    watching = Watcher(look, 0.001, "node-watch", lambda _: None, is_telling=True)
    watching.start()
    wait_until("the line", lambda: events(lines) == [("warning", "chain lost")], LIMIT_S / 2)
    watching._stopping.set()
    ended.set()
    watching.stop()


def test_a_moment_without_an_answer__is_no_loss(lines: io.StringIO) -> None:
    chain = Chain()
    watching = watch(chain)
    for is_there in (True, False, True):
        chain.is_there = is_there
        chain.wait_looks()
    watching.stop()
    assert events(lines) == []


def test_of_two_watches_of_a_process__one_tells(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "LOST_AFTER_S", 0.0)
    chain = Chain()
    chain.is_there = False
    watching = watch(chain, is_telling=False)
    chain.wait_looks()
    watching.stop()
    assert events(lines) == []
