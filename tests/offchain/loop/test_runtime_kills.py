"""`kill -9` at every place of the journal: the next life ends as if nothing had happened."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.offchain.loop.killed_loop import KEY, NUMBERS
from tests.offchain.loop.tally import Asked, Tally, TallyMachine

from edgemark.journal.journal import Journal
from edgemark.loop.replay import decode_record, replay, split
from edgemark.seam import CRASH_AFTER

pytestmark = pytest.mark.processes

RECORDS = 2 * len(NUMBERS) + 1  # asked and fetched each, then closed
PLACES = [
    *(f"{when}{number}" for number in range(1, RECORDS + 1) for when in ("", "before:")),
    "Asked",
    "Fetched",
    "before:Closed",
]


TOGETHER = ["1", "before:1", "Asked", "before:Asked", "Fetched", "before:Fetched", "Closed"]


def live(folder: Path, environ: dict[str, str], *words: str) -> int:
    """One life of the loop; its exit status."""
    path = os.pathsep.join(part for part in sys.path if part)
    return subprocess.run(
        [sys.executable, "-m", "tests.offchain.loop.killed_loop", str(folder), *words],
        env={**os.environ, "PYTHONPATH": path, **environ},
        timeout=60,
        check=False,
    ).returncode


def asked_in(folder: Path) -> tuple[int, set[int]]:
    """How many records there are, and which numbers were asked for in them."""
    machine = TallyMachine()
    with Journal.open(folder / "journal") as journal:
        events = [
            decode_record(machine.decode_event, each)[1]
            for record in journal.records()
            for each in split(record)
        ]
    return len(events), {event.number for event in events if isinstance(event, Asked)}


def begun_in(folder: Path) -> list[int]:
    """The numbers whose effects began."""
    path = folder / "effects"
    return [int(n) for n in re.findall(r"\d+", path.read_text())] if path.exists() else []


@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere__the_next_life_ends_alike(tmp_path: Path, place: str) -> None:
    assert live(tmp_path, {CRASH_AFTER: place}) == -signal.SIGKILL
    count, asked = asked_in(tmp_path)
    when, _, number = place.rpartition(":")
    if number.isdecimal():
        assert count == int(number) - (when == "before")
    assert set(begun_in(tmp_path)) <= asked  # no effect of an event that the crash forgot
    assert live(tmp_path, {}) == 0
    with Journal.open(tmp_path / "journal") as journal:
        assert journal.count == RECORDS
        assert replay(TallyMachine(), journal) == {KEY: Tally(got=NUMBERS, is_closed=True)}
    begun = begun_in(tmp_path)
    assert set(begun) == set(NUMBERS)
    assert len(begun) <= len(NUMBERS) + 1  # only the effect that the crash interrupted, again


@pytest.mark.parametrize("place", TOGETHER)
def test_killed_with_events_that_are_one_record__the_next_life_ends_alike(
    tmp_path: Path, place: str
) -> None:
    assert live(tmp_path, {CRASH_AFTER: place}, "--together") == -signal.SIGKILL
    _, asked = asked_in(tmp_path)
    assert asked == (set() if place in ("before:1", "before:Asked") else set(NUMBERS))
    assert set(begun_in(tmp_path)) <= asked
    if place in ("1", "Asked"):
        assert begun_in(tmp_path) == []  # the record is durable, and nothing followed yet
    assert live(tmp_path, {}, "--together") == 0
    with Journal.open(tmp_path / "journal") as journal:
        (tally,) = replay(TallyMachine(), journal).values()
        assert journal.count < RECORDS
    assert (set(tally.got), tally.wanted, tally.is_closed) == (set(NUMBERS), (), True)
    assert asked_in(tmp_path)[0] == RECORDS
