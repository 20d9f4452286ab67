"""Whatever happens to a process, the journal replayed gives the states it had."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.loop.tally import (
    Asked,
    Closed,
    Event,
    Fetched,
    Fetcher,
    Lied,
    Padded,
    Poked,
    Tally,
    TallyMachine,
)

from edgemark.errors import EdgemarkError, RefusedInput, Unrecoverable
from edgemark.journal.journal import Journal
from edgemark.loop.machine import Tick
from edgemark.loop.replay import decode_record, encode_record, replay
from edgemark.loop.runtime import Pace, Runtime, TryAgain
from edgemark.seam import CRASH_AFTER, CrashSeam, seam_from

QUICK = Pace(poll_s=0.01, workers=2, backoff_s=0.01, most_backoff_s=0.02)
LIMIT_S = 20.0
KEYS = st.sampled_from([b"one", b"two", b"three"])
EVENTS = st.one_of(
    st.builds(Asked, st.integers(-1, 4)),
    st.builds(Fetched, st.integers(0, 4)),
    st.builds(Padded, st.integers(0, 3)),
    st.just(Poked()),
    st.just(Closed()),
    st.just(Lied()),
)


def never(*_: object) -> None:
    """An effect that finds nothing out."""
    raise TryAgain("never")


def states_in(path: Path) -> dict[bytes, Tally]:
    with Journal.open(path) as journal:
        return replay(TallyMachine(), journal)


@settings(max_examples=25)
@given(lives=st.lists(st.lists(st.tuples(KEYS, EVENTS), max_size=8), min_size=1, max_size=3))
def test_any_events_in_any_lives__the_loop_and_the_journal_agree_with_the_pure_machine(
    tmp_path_factory: pytest.TempPathFactory, lives: list[list[tuple[bytes, Event]]]
) -> None:
    path = tmp_path_factory.mktemp("lives") / "journal"
    plain: dict[bytes, Tally] = {}
    machine = TallyMachine()
    for life in lives:
        with Journal.open(path) as journal:
            loop = Runtime(machine, journal, Fetcher(fail=never), pace=QUICK)
            loop.start()
            for key, event in life:
                before = plain.get(key, machine.initial(key))
                try:
                    after, _ = machine.step(before, event)
                except EdgemarkError as refused:
                    with pytest.raises(type(refused)):
                        loop.ask(key, event)
                    continue
                assert loop.ask(key, event) == after
                if after != before:
                    plain[key] = after
            assert loop.states() == plain
            loop.stop()
            loop.join(LIMIT_S)
        assert states_in(path) == plain


@given(key=st.binary(max_size=64), event=EVENTS | st.builds(Tick, st.integers(0, 2**64 - 1)))
def test_a_record__gives_back_the_event(key: bytes, event: Event | Tick) -> None:
    machine = TallyMachine()
    if event == Poked() or event == Lied():
        return  # they change nothing, so they are never written
    record = encode_record(machine, key, event)
    assert decode_record(machine.decode_event, record) == (key, event)


@given(noise=st.binary(max_size=60))
def test_bytes_that_are_no_record__are_refused_or_have_one_encoding(noise: bytes) -> None:
    machine = TallyMachine()
    try:
        key, event = decode_record(machine.decode_event, noise)
    except (RefusedInput, ValueError):
        return
    assert isinstance(event, Tick) or encode_record(machine, key, event) == noise


def test_replay__an_event_the_machine_refuses__is_unrecoverable(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        journal.append(encode_record(TallyMachine(), b"job", Asked(1)))
        journal.append(encode_record(TallyMachine(), b"job", Asked(-7)))
        with pytest.raises(Unrecoverable, match="record 2: RefusedInput"):
            replay(TallyMachine(), journal)


@pytest.mark.parametrize(
    ("text", "place", "is_before"),
    [("7", "7", False), ("before:7", "7", True), ("Asked", "Asked", False)],
)
def test_seam_from__a_place__is_parsed(text: str, place: str, is_before: bool) -> None:
    assert seam_from({CRASH_AFTER: text}) == CrashSeam(place, is_before)


@pytest.mark.parametrize("text", ["", "0", "-1", "before:", "7 8", "after:3", "1.5"])
def test_seam_from__no_place__is_refused(text: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        seam_from({CRASH_AFTER: text})
    assert refused.value.who == CRASH_AFTER


def test_seam_from__nothing_asked_for__is_no_seam() -> None:
    assert seam_from({}) is None


@pytest.mark.parametrize(
    ("seam_place", "is_before", "crashes"),
    [
        ("2", False, ["after 2 Told"]),
        ("2", True, ["before 2 Told"]),
        ("Told", False, ["after 2 Told", "after 3 Told"]),
        ("Told", True, ["before 2 Told", "before 3 Told"]),
        ("4", False, []),
        ("Tol", True, []),
    ],
)
def test_a_crash_seam__crashes_at_its_place_only(
    seam_place: str, is_before: bool, crashes: list[str]
) -> None:
    at: list[str] = []
    where = [""]
    seam = CrashSeam(seam_place, is_before, crash=lambda: at.append(where[0]))
    for number, label in ((1, "Asked"), (2, "Told"), (3, "Told")):
        where[0] = f"before {number} {label}"
        seam.before(number, label)
        where[0] = f"after {number} {label}"
        seam.after(number, label)
    assert at == crashes
