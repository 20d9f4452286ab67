from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.loop.killed_tidying import (
    CLOSED,
    OPEN,
    expected,
    fill,
    key_of,
    live,
    open_memory,
    step,
)
from tests.offchain.loop.nursery import MISHAP
from tests.offchain.loop.tally import Asked, Closed, Padded, TallyMachine

from edgemark.errors import Unrecoverable
from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.memory import AlreadyOver, MatterMemory, TooManyOpen

Memory = MatterMemory[Any, Any, Any]
ALL = range(CLOSED + OPEN)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    fill(tmp_path)
    with Journal.open(tmp_path / "journal") as opened:
        yield opened


@pytest.fixture
def memory(journal: Journal, tmp_path: Path) -> Memory:
    loaded = open_memory(journal, tmp_path)
    loaded.load()
    return loaded


def test_finished_jobs__leave_memory_and_journal_and_are_still_known(
    memory: Memory, journal: Journal
) -> None:
    assert set(memory.at_hand()) == {key_of(number) for number in range(CLOSED, CLOSED + OPEN)}
    assert journal.count == 3 * OPEN
    assert [memory.find(key_of(number)) for number in ALL] == [expected(n) for n in ALL]


def test_next_life__knows_the_same_jobs(memory: Memory, journal: Journal, tmp_path: Path) -> None:
    again = open_memory(journal, tmp_path)
    again.load()
    assert [again.find(key_of(number)) for number in ALL] == [expected(n) for n in ALL]


def test_open_job__goes_on_after_the_others_left(memory: Memory) -> None:
    last = CLOSED + OPEN - 1
    step(TallyMachine(), memory, last, Asked(7))
    state = memory.find(key_of(last))
    assert state is not None
    assert state.wanted == (2, 7)


def test_archived_job__changes_no_more(memory: Memory, journal: Journal) -> None:
    before = journal.count
    with pytest.raises(AlreadyOver) as refused:
        step(TallyMachine(), memory, 0, Asked(7))
    assert refused.value.who == f"test, matter {key_of(0).hex()}"
    assert journal.count == before
    assert memory.find(key_of(0)) == expected(0)


def test_few_finished_jobs__stay_where_they_are(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        memory = open_memory(journal, tmp_path)
        memory.load()
        for number in range(CLOSED - 1):
            step(TallyMachine(), memory, number, Closed())
            memory.tidy()
        assert len(memory.at_hand()) == journal.count == CLOSED - 1
        assert len(Archive(tmp_path / "archive")) == 0


def test_many_jobs_one_after_the_other__fill_neither_memory_nor_journal(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        memory = open_memory(journal, tmp_path)
        memory.load()
        for number in range(100):
            step(TallyMachine(), memory, number, Asked(1))
            step(TallyMachine(), memory, number, Closed())
            memory.tidy()
            assert len(memory.at_hand()) <= CLOSED
            assert journal.count <= 2 * CLOSED
        assert len(Archive(tmp_path / "archive")) == 100


def test_few_finished_jobs_with_long_records__leave_for_their_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemark.loop.memory.ARCHIVE_BYTES", 10_000)
    with Journal.open(tmp_path / "journal") as journal:
        memory = open_memory(journal, tmp_path)
        memory.load()
        step(TallyMachine(), memory, 9, Padded(30_000))
        for number in range(3):
            step(TallyMachine(), memory, number, Padded(12_000))
            step(TallyMachine(), memory, number, Closed())
            step(TallyMachine(), memory, number, Padded(1))  # late, and still counted
            assert memory._length == sum(memory._lengths.values())
            assert memory._ended_length == sum(memory._lengths[key] for key in memory._ended)
            memory.tidy()
            assert list(memory.at_hand()) == [key_of(9)]  # however long the open job is
        again = open_memory(journal, tmp_path)
        again.load()
        assert again.find(key_of(2)) == memory.find(key_of(2))


def test_finished_jobs_that_are_read_again__are_remembered_up_to_a_length(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = open_memory(journal, tmp_path)
    memory.load()
    for number in range(CLOSED):
        assert memory.find(key_of(number)) == expected(number)
    assert len(list(memory._recalled)) == CLOSED
    monkeypatch.setattr("edgemark.loop.replay.RECALLED_BYTES", 1)
    again = open_memory(journal, tmp_path)
    again.load()
    for number in range(CLOSED):
        assert again.find(key_of(number)) == expected(number)
        assert list(again._recalled) == [key_of(number)]


def test_open_jobs__are_counted_without_those_that_are_over(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        memory: Memory = MatterMemory(
            TallyMachine(), journal, None, seam=None, max_open=2, archive_after=1, name="test"
        )
        memory.load()
        for number in range(10):
            step(TallyMachine(), memory, number, Closed())
        for number in (10, 11):
            step(TallyMachine(), memory, number, Asked(1))
        with pytest.raises(TooManyOpen) as refused:
            step(TallyMachine(), memory, 12, Asked(1))
    assert (refused.value.had, refused.value.needed) == (2, "< 2")


def test_full_disk_while_archiving__loses_nothing(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.fsync, [3]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr("os.fsync", full)
    before = open_memory(journal, tmp_path)
    before.load()  # it is put off
    assert set(before.at_hand()) == set(map(key_of, ALL))
    assert not (tmp_path / "journal.new").exists()
    monkeypatch.undo()
    again = open_memory(journal, tmp_path)
    again.load()
    assert [again.find(key_of(number)) for number in ALL] == [expected(n) for n in ALL]


def test_rewrite__that_cannot_make_its_name_durable__takes_no_more_records(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("edgemark.journal.journal.sync_folder", refuse)
    with pytest.raises(Unrecoverable):
        journal.rewrite([b"kept"])
    assert list(journal.records()) == [b"kept"]
    with pytest.raises(Unrecoverable, match="closed after a failed write"):
        journal.append(b"lost with the name, perhaps")


# --- kill -9 ---


def test_killed_before_each_call_of_the_disk__the_next_life_knows_every_job(
    tmp_path: Path,
) -> None:
    (tmp_path / "begun").mkdir()
    fill(tmp_path / "begun")
    shutil.copytree(tmp_path / "begun", tmp_path / "whole")
    calls = live(tmp_path / "whole", 0)
    assert (
        5 * CLOSED < calls < MISHAP
    )  # each file: open, write, fsync, name, folder; then the journal
    for place in range(1, calls + 1):
        folder = tmp_path / str(place)
        shutil.copytree(tmp_path / "begun", folder)
        assert live(folder, place) == -signal.SIGKILL
        with Journal.open(folder / "journal") as journal:
            memory = open_memory(journal, folder)
            memory.load()
            assert [memory.find(key_of(n)) for n in ALL] == [expected(n) for n in ALL], place
            assert journal.count == 3 * OPEN
            step(TallyMachine(), memory, CLOSED, Padded(1))
