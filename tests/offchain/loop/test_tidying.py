"""Tidying is put off without room, gives way to what happens, and is done a piece at a time."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from tests.offchain.loop.conftest import end
from tests.offchain.loop.killed_tidying import (
    CLOSED,
    OPEN,
    expected,
    fill,
    key_of,
    live,
    open_memory,
    step,
    tidy,
    tidy_and_go_on,
)
from tests.offchain.loop.nursery import MISHAP
from tests.offchain.loop.queued import QUICK
from tests.offchain.loop.tally import Asked, Closed, Padded, TallyMachine
from tests.waiting import wait_until

from edgemark.journal.journal import Journal, JournalWriteFailed
from edgemark.loop.archive import Archive, ArchiveWriteFailed, Room
from edgemark.loop.memory import AlreadyOver
from edgemark.loop.runtime import Runtime
from edgemark.loop.tidying import PUT_BYTES, move

ALL = range(CLOSED + OPEN)
KEYS = {key_of(number) for number in ALL}


class Disk:
    """Refuses to sync what it has no room for: files whose names say so."""

    def __init__(self, full_for: str) -> None:
        self.full_for = full_for
        self._sync = os.fsync

    def sync(self, handle: int) -> None:
        """As `os.fsync`."""
        name = os.readlink(f"/proc/self/fd/{handle}").rsplit("/", 1)[-1]
        if self.full_for and self.full_for in name:
            raise OSError(28, "No space left on device")
        self._sync(handle)


@pytest.fixture
def make_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Disk]:
    def make(full_for: str) -> Disk:
        disk = Disk(full_for)
        monkeypatch.setattr("os.fsync", disk.sync)
        monkeypatch.setattr("edgemark.loop.memory.AGAIN_S", 0.0)
        return disk

    return make


PIECE_BYTES = 300  # where a tidying is to have many pieces
STRIDE = 1 if settings().max_examples > 1000 else 3  # `make soak` dies at every place


def show_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))


def tidy_at_once(journal: Journal, folder: Path) -> None:
    """As it was done before: whoever fails is not asked again."""
    archive = Archive(folder / "archive")
    for number in range(CLOSED):
        archive.put(key_of(number), journal.records())
    journal.rewrite(list(journal.records())[:OPEN])


# --- without room ---


@pytest.mark.parametrize("full_for", [".new", ".records"])
def test_loop__without_room_to_tidy__starts_and_goes_on_until_there_is(
    tmp_path: Path,
    make_disk: Callable[[str], Disk],
    caplog: pytest.LogCaptureFixture,
    full_for: str,
) -> None:
    fill(tmp_path)
    disk = make_disk(full_for)
    with Journal.open(tmp_path / "journal") as journal:
        with pytest.raises((JournalWriteFailed, ArchiveWriteFailed)):  # that ended the process
            tidy_at_once(journal, tmp_path)
        archive, pace = Archive(tmp_path / "archive"), replace(QUICK, archive_after=CLOSED)
        loop: Runtime[Any, Any, Any] = Runtime(
            TallyMachine(), journal, lambda *_: [], pace=pace, archive=archive
        )
        loop.start()
        state = loop.ask(key_of(CLOSED), Asked(7))
        assert state.wanted == (2, 7)
        assert loop.failure is None
        assert set(loop.states()) == KEYS
        assert "no room to archive what is over" in caplog.text
        disk.full_for = ""
        loop.ask(key_of(CLOSED), Asked(8))
        wait_until("all left", lambda: set(loop.states()) == {key_of(n) for n in ALL[CLOSED:]})
        end(loop, journal)


def test_disk_that_is_nearly_full__is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.setattr("edgemark.loop.memory.AGAIN_S", 0.0)
    with Journal.open(tmp_path / "journal") as journal:
        show_free(monkeypatch, 16 * 2**20 + journal.end // 2)  # the records fit, the margin not
        memory = open_memory(journal, tmp_path)
        memory.load()
        assert set(memory.at_hand()) == KEYS
        assert memory._tidying is None
        show_free(monkeypatch, 17 * 2**20)
        memory.tidy()
        assert set(memory.at_hand()) == KEYS - set(map(key_of, range(CLOSED)))


def test_record__that_finds_no_room_beside_what_is_tidied__has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, journal = begin_in_pieces(tmp_path, monkeypatch)
    real = os.pwrite

    def full_beside_another(handle: int, part: bytes, place: int) -> int:
        if (tmp_path / "journal.new").exists():
            raise OSError(28, "No space left on device")
        return real(handle, part, place)

    assert memory._tidying is not None
    monkeypatch.setattr("os.pwrite", full_beside_another)
    step(TallyMachine(), memory, CLOSED, Asked(7))
    state = memory.find(key_of(CLOSED))
    assert state is not None
    assert state.wanted == (2, 7)
    assert memory._tidying is None
    assert set(memory.at_hand()) == KEYS
    monkeypatch.setattr("os.pwrite", real)
    journal.close()
    with Journal.open(tmp_path / "journal") as again:
        memory = open_memory(again, tmp_path)
        memory.load()
        assert memory.find(key_of(CLOSED)) == state
        assert len(memory.at_hand()) == OPEN


@pytest.mark.parametrize("is_tidying", [True, False])
def test_record__that_finds_no_room__has_that_of_the_oldest_in_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_tidying: bool
) -> None:
    memory, _ = begin_in_pieces(tmp_path, monkeypatch)
    while not is_tidying and memory._tidying is not None:
        memory.tidy()
    memory._archive = Archive(tmp_path / "bounded", Room(1000, 2**32))
    for number in range(3):
        memory._archive.put(b"old %d" % number, [bytes(1000)])
    real, full = os.pwrite, used(tmp_path / "bounded")

    def write(handle: int, part: bytes, place: int) -> int:
        if full - used(tmp_path / "bounded") < len(part):
            raise OSError(28, "No space left on device")
        return real(handle, part, place)

    def look(_: object) -> SimpleNamespace:
        return SimpleNamespace(free=full - used(tmp_path / "bounded"))

    monkeypatch.setattr("os.pwrite", write)
    monkeypatch.setattr("shutil.disk_usage", look)
    step(TallyMachine(), memory, CLOSED, Asked(7))
    assert memory.find(key_of(CLOSED)).wanted == (2, 7)
    assert len(memory._archive.keys()) == 2


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_a_killed_process_left_of_a_successor__is_gone_at_the_next_start(
    tmp_path: Path,
) -> None:
    fill(tmp_path)
    (tmp_path / "journal.new").write_bytes(bytes(1000))
    with Journal.open(tmp_path / "journal"):
        assert not (tmp_path / "journal.new").exists()


# --- a piece at a time ---


def begin_in_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Journal]:
    """A memory that has moved one record of the first finished jobs."""
    monkeypatch.setattr("edgemark.loop.tidying.PIECE_BYTES", 1)
    fill(folder)
    journal = Journal.open(folder / "journal")
    memory = open_memory(journal, folder)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "tidy", lambda: None)
        memory.load()
    memory.tidy()
    assert memory._tidying is not None
    return memory, journal


def test_many_small_matters__leave_in_pieces_as_large_ones_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is two syncs of the disk, whatever its length."""
    monkeypatch.setattr("edgemark.loop.tidying.PIECE_BYTES", 2 * PUT_BYTES)
    fill(tmp_path)
    leaving = [key_of(number) for number in range(CLOSED)]
    with Journal.open(tmp_path / "journal") as journal:
        archive = Archive(tmp_path / "other")
        assert len(list(move(journal, archive, leaving, {}))) == CLOSED // 2
    assert set(archive.keys()) == set(leaving)


def test_tidying__lets_events_happen_between_two_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, journal = begin_in_pieces(tmp_path, monkeypatch)
    with pytest.raises(AlreadyOver):
        step(TallyMachine(), memory, 0, Asked(9))  # it leaves: nothing of it changes any more
    asked = []
    while memory._tidying is not None:
        asked.append(100 + len(asked))
        step(TallyMachine(), memory, CLOSED, Asked(asked[-1]))
        memory.tidy()
    assert len(asked) > 3 * len(ALL)  # each record was a piece
    assert set(memory.at_hand()) == {key_of(number) for number in ALL[CLOSED:]}
    assert memory._length == sum(map(len, journal.records()))
    journal.close()
    with Journal.open(tmp_path / "journal") as again:
        memory = open_memory(again, tmp_path)
        memory.load()
        state = memory.find(key_of(CLOSED))
        assert state is not None
        assert state.wanted == (2, *asked)
        others = [number for number in ALL if number != CLOSED]
        assert [memory.find(key_of(n)) for n in others] == [expected(n) for n in others]


def test_piece__is_bounded_by_bytes_however_much_is_to_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemark.loop.tidying.PIECE_BYTES", 40_000)
    most, moved = 40_000 + 3 * 10_000, [0]  # a record, and a job of two, may be what is too much
    real = os.pwrite

    def count(handle: int, part: bytes, place: int) -> int:
        moved[0] += len(part)
        return real(handle, part, place)

    with Journal.open(tmp_path / "journal") as journal:
        memory = open_memory(journal, tmp_path)
        memory.load()
        for number in range(40):
            step(TallyMachine(), memory, number, Padded(10_000))
        for number in range(20):
            step(TallyMachine(), memory, number, Closed())
        monkeypatch.setattr("os.pwrite", count)
        pieces = 0
        while memory._tidying is not None or not pieces:
            moved[0] = 0
            memory.tidy()
            pieces += 1
            assert moved[0] <= most
        assert pieces > 10  # 600 kB move
        assert len(memory.at_hand()) == 20


def tidy_by_pieces(journal: Journal, folder: Path) -> None:
    """`tidy` in a process of its own, in small pieces."""
    with patch("edgemark.loop.tidying.PIECE_BYTES", PIECE_BYTES):
        tidy(journal, folder)


def tidy_by_pieces_and_go_on(journal: Journal, folder: Path) -> None:
    """`tidy_and_go_on`, likewise."""
    with patch("edgemark.loop.tidying.PIECE_BYTES", PIECE_BYTES):
        tidy_and_go_on(journal, folder)


def test_killed_before_each_call_of_the_disk__while_jobs_go_on__no_event_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemark.loop.tidying.PIECE_BYTES", PIECE_BYTES)
    begun, last = tmp_path / "begun", CLOSED + OPEN + 2
    begun.mkdir()
    fill(begun)
    shutil.copytree(begun, tmp_path / "loaded")
    first = (
        live(tmp_path / "loaded", 0, tidy_by_pieces) + 1
    )  # what is before is the same as without them
    shutil.copytree(begun, tmp_path / "whole")
    calls = live(tmp_path / "whole", 0, tidy_by_pieces_and_go_on)
    assert first + 20 < calls < MISHAP
    heard = 0
    for place in range(first, calls + 1, STRIDE):
        folder = tmp_path / str(place)
        shutil.copytree(begun, folder)
        assert live(folder, place, tidy_by_pieces_and_go_on) == -signal.SIGKILL
        with Journal.open(folder / "journal") as journal:
            memory = open_memory(journal, folder)
            memory.load()
            assert [memory.find(key_of(n)) for n in range(CLOSED)] == [
                expected(n) for n in range(CLOSED)
            ], place
            state = memory.find(key_of(last))
            asked = () if state is None else state.wanted[1:] if state.got else ()
            assert asked == tuple(range(100, 100 + len(asked))), place
            assert len(asked) >= heard  # what was on the disk once stays there
            heard = len(asked)
        shutil.rmtree(folder)
    assert heard >= 2
