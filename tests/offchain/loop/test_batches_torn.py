"""Of events that were written down together, a crash leaves all or none."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.loop.conftest import end
from tests.offchain.loop.killed_tidying import live, open_memory
from tests.offchain.loop.queued import Waiting, never
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
from edgemark.journal.framing import HEADER_BYTES
from edgemark.journal.journal import Journal
from edgemark.loop.replay import encode_record, key_of, of_key, replay, split

BURST = [(b"one", Asked(1)), (b"two", Asked(2)), (b"one", Fetched(1)), (b"two", Closed())]


def written(path: Path) -> tuple[int, bytes]:
    """A journal of one event, and of four that were written down together; where these begin."""
    machine = TallyMachine()
    with Journal.open(path) as journal:
        journal.append(encode_record(machine, b"one", Asked(0)))
        begin = journal.end
        journal.append(b"".join(encode_record(machine, *each) for each in BURST))
    return begin, path.read_bytes()


def test_a_torn_batch__cut_at_every_byte__is_replayed_whole_or_not_at_all(tmp_path: Path) -> None:
    begin, whole = written(tmp_path / "whole")
    before = {b"one": Tally(wanted=(0,))}
    after = {b"one": Tally(wanted=(0,), got=(1,)), b"two": Tally(wanted=(2,), is_closed=True)}
    path = tmp_path / "torn"
    for size in range(begin, len(whole) + 1):
        path.write_bytes(whole[:size])
        path.chmod(0o600)
        with Journal.open(path) as journal:
            assert replay(TallyMachine(), journal) == (after if size == len(whole) else before)


def test_a_torn_batch__with_a_sector_that_was_not_written__is_dropped(tmp_path: Path) -> None:
    path, machine = tmp_path / "j", TallyMachine()
    with Journal.open(path) as journal:
        journal.append(encode_record(machine, b"one", Asked(0)))
        journal.append(b"".join(encode_record(machine, b"two", Padded(90)) for _ in range(40)))
    raw = bytearray(path.read_bytes())
    for begin in range(1024, len(raw) - 512, 512):
        path.write_bytes(raw[:begin] + bytes(512) + raw[begin + 512 :])
        with Journal.open(path) as journal:
            assert replay(machine, journal) == {b"one": Tally(wanted=(0,))}


def test_a_damaged_batch__in_the_middle__is_reported(tmp_path: Path) -> None:
    path, machine = tmp_path / "j", TallyMachine()
    begin, _ = written(path)
    with Journal.open(path) as journal:
        journal.append(encode_record(machine, b"one", Asked(9)))
    raw = bytearray(path.read_bytes())
    raw[begin + HEADER_BYTES + 30] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Unrecoverable, match="journal is damaged"):
        Journal.open(path)


KEYS = st.sampled_from([b"one", b"two", b"three"])
EVENTS = st.one_of(
    st.builds(Asked, st.integers(-1, 4)),
    st.builds(Fetched, st.integers(0, 4)),
    st.builds(Padded, st.integers(0, 3)),
    st.sampled_from([Poked(), Closed(), Lied()]),
)


@settings(max_examples=25)
@given(bursts=st.lists(st.lists(st.tuples(KEYS, EVENTS), max_size=12), max_size=4))
def test_any_bursts_of_events__lead_to_the_states_of_the_pure_machine(
    tmp_path_factory: pytest.TempPathFactory, bursts: list[list[tuple[bytes, Event]]]
) -> None:
    path, machine, plain = tmp_path_factory.mktemp("bursts") / "journal", TallyMachine(), {}
    changes = 0
    for burst in bursts:
        with Journal.open(path) as journal:
            made = Waiting(journal, Fetcher(fail=never))
            for key, event in burst:
                made.loop.post(key, event)
                before = plain.get(key, machine.initial(key))
                try:
                    after, _ = machine.step(before, event)
                except EdgemarkError:
                    continue
                if after != before:
                    changes, plain[key] = changes + 1, after
            made.loop.start()
            made.loop.ask(b"the end", Poked())
            assert made.loop.states() == plain
            end(made.loop, journal)
        with Journal.open(path) as journal:
            assert replay(machine, journal) == plain
            assert sum(len(list(split(record))) for record in journal.records()) == changes
            assert journal.count <= len(bursts)


# --- records ---


def test_split__of_records_put_together__gives_each_of_them() -> None:
    machine = TallyMachine()
    records = [encode_record(machine, *each) for each in BURST]
    together = b"".join(records)
    assert list(split(together)) == records
    assert list(split(records[0])) == [records[0]]
    assert list(of_key(b"two", [together, records[1]])) == [records[1], records[3], records[1]]
    assert [key_of(each) for each in split(together)] == [key for key, _ in BURST]


@pytest.mark.parametrize("cut", [0, 1, -1])
def test_split__of_what_is_no_record__is_refused(cut: int) -> None:
    record = encode_record(TallyMachine(), *BURST[0])
    with pytest.raises(RefusedInput):
        list(split((record + record)[: cut or None] if cut else b""))


# --- kill -9 ---


def write_together(journal: Journal, folder: Path) -> None:
    """Let a burst happen, with something that follows from each event."""
    memory, machine = open_memory(journal, folder), TallyMachine()
    memory.load()
    with (folder / "followed").open("a") as lines:
        for key, event in BURST:
            after, _ = machine.step(memory.state_before(key), event)
            memory.change(key, type(event).__name__, memory.admit(key, event), after)
            memory.follow(lambda: (lines.write("x"), lines.flush()))
        memory.commit()


def test_killed_before_each_call_of_the_disk__all_of_a_batch_is_there_or_nothing(
    tmp_path: Path,
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    calls = live(whole, 0, write_together)
    assert calls == len(["pwrite", "fsync"])
    assert (whole / "followed").read_text() == "x" * len(BURST)
    after = {b"one": Tally(got=(1,)), b"two": Tally(wanted=(2,), is_closed=True)}
    there: list[bool] = []
    for place in range(1, calls + 1):
        folder = tmp_path / str(place)
        folder.mkdir()
        assert live(folder, place, write_together) == -signal.SIGKILL
        assert (folder / "followed").read_text() == ""  # between write and sync nothing follows
        with Journal.open(folder / "journal") as journal:
            states = replay(TallyMachine(), journal)
            assert states in ({}, after)
            there.append(states == after)
    assert there == [False, True]  # a killed process leaves what it wrote to the system
