"""P19: what it costs to have events on the disk, by how many are synced together.

Events of 200 bytes, n = 1, 8, 64 of them written as one record of the journal and synced once, as
a loop does with what waits for it. The peer is SQLite in WAL mode with synchronous = FULL, which
syncs once a transaction too: n rows are one. Beside both stands the whole loop: n events are handed
to it one after the other, and the last is waited for; it decides each of them and writes together
what it finds. Everything is on the disk of this checkout.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.command import QUICK_RESULTS, Scale, main
from benchmarks.findings import Findings
from benchmarks.measuring import Timing, measure_in_turn
from edgemark.journal.journal import Journal
from edgemark.loop.machine import Facts, Tick
from edgemark.loop.moves import name_key
from edgemark.loop.replay import encode_record
from edgemark.loop.runtime import Runtime

TOGETHER = (1, 8, 64)
EVENT_BYTES = 200
LEAST_SAMPLE_S = 0.25  # a disk is less even than a processor
JOURNAL, LOOP, PEER = "journal", "whole loop", "SQLite, WAL, synchronous = FULL"
KEY = bytes(32)


@dataclass(frozen=True)
class Noted:
    """Something of 200 bytes happened."""

    what: bytes


@dataclass(frozen=True)
class Notes:
    """How often it happened."""

    count: int = 0


class Counting:
    """The least that a machine can do: every event counts."""

    def facts(self, key: bytes) -> Facts:
        """The key."""
        return name_key(key)

    def initial(self, key: bytes) -> Notes:  # noqa: ARG002 - all begin alike
        """Nothing was noted."""
        return Notes()

    def step(self, state: Notes, event: Noted | Tick) -> tuple[Notes, Sequence[None]]:  # noqa: ARG002
        """One more."""
        return replace(state, count=state.count + 1), ()

    def resume(self, state: Notes) -> Sequence[None]:  # noqa: ARG002
        """Nothing is owed."""
        return ()

    def encode_event(self, event: Noted) -> bytes:
        """As it is."""
        return event.what

    def decode_event(self, raw: bytes) -> Noted:
        """As it was."""
        return Noted(raw)

    def is_finished(self, state: Notes) -> bool:  # noqa: ARG002
        """It goes on."""
        return False


def measure(findings: Findings, scale: Scale) -> None:
    """Take turns on the same disk."""
    QUICK_RESULTS.mkdir(parents=True, exist_ok=True)
    for count in TOGETHER[:2] if scale.quick else TOGETHER:
        scale.tell(f"{count} together")
        with (
            tempfile.TemporaryDirectory(dir=QUICK_RESULTS, prefix="journal-") as folder,
            ExitStack() as stack,
        ):
            subjects = {
                name: stack.enter_context(prepare(Path(folder), count))
                for name, prepare in ((JOURNAL, a_journal), (LOOP, a_loop), (PEER, a_database))
            }
            least_s = 0.02 if scale.quick else LEAST_SAMPLE_S
            timings = measure_in_turn(subjects, rounds=scale.rounds, least_sample_s=least_s)
        findings.add(count, {name: _of_one(taken, count) for name, taken in timings.items()})
        for name in (JOURNAL, LOOP):
            findings.compare(f"an event, {count} together", count, name, PEER)
        findings.notes.append(f"events a second, {count} together: {_tell(timings, count)}")


def _of_one(taken: Timing, count: int) -> Timing:
    """Seconds of each of so many events."""
    return Timing(taken.median_s / count, taken.low_s / count, taken.high_s / count, taken.samples)


def _tell(timings: dict[str, Timing], count: int) -> str:
    return "; ".join(f"{name}: {count / each.median_s:,.0f}" for name, each in timings.items())


@contextmanager
def a_journal(folder: Path, count: int) -> Iterator[Callable[[], object]]:
    """Appends a record of so many events."""
    machine = Counting()
    with Journal.open(folder / "plain.journal") as journal:

        def write() -> int:
            events = (Noted(bytes(EVENT_BYTES)) for _ in range(count))
            return journal.append(b"".join(encode_record(machine, KEY, each) for each in events))

        yield write


@contextmanager
def a_loop(folder: Path, count: int) -> Iterator[Callable[[], object]]:
    """Hands in so many events, and waits until the last is on the disk, as then all are."""

    def nothing(key: bytes, effect: None) -> Iterable[Noted]:  # noqa: ARG001
        return ()

    with Journal.open(folder / "loop.journal") as journal:
        loop: Runtime[Notes, Noted, None] = Runtime(Counting(), journal, nothing)
        loop.start()

        def hand_in() -> Notes:
            for _ in range(count - 1):
                loop.post(KEY, Noted(bytes(EVENT_BYTES)))
            return loop.ask(KEY, Noted(bytes(EVENT_BYTES)))

        yield hand_in
        loop.stop()
        loop.join()


@contextmanager
def a_database(folder: Path, count: int) -> Iterator[Callable[[], object]]:
    """Inserts so many rows in one transaction."""
    with closing(sqlite3.connect(folder / "peer.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, key BLOB, what BLOB)")

        def insert() -> None:
            rows = [(KEY, bytes(EVENT_BYTES))] * count
            database.execute("BEGIN")
            database.executemany("INSERT INTO events (key, what) VALUES (?, ?)", rows)
            database.execute("COMMIT")

        yield insert


if __name__ == "__main__":
    sys.exit(
        main(
            "p19_journal",
            "events on the disk, by how many are synced together",
            "events synced together",
            measure,
        )
    )
