"""Disks that refuse what they were given and also that it is taken back: nothing is promised.

The disk is a fake, call by call: no real one fails when it is told to.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edgemark.errors import Unrecoverable
from edgemark.journal.journal import Journal, JournalDoubtful, JournalWriteFailed


def refuse(*_: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def read(path: Path) -> list[bytes]:
    with Journal.open(path) as journal:
        return list(journal.records())


def test_record_that_cannot_be_taken_back__is_told_as_open__and_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        journal.append(b"before")
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", refuse)
            broken.setattr(os, "ftruncate", refuse)
            with pytest.raises(JournalDoubtful, match="may be in it") as told:
                journal.append(b"unsure")
        assert "nothing was lost" not in str(told.value)
        with pytest.raises(JournalWriteFailed) as closed:
            journal.append(b"afterwards")
        assert not isinstance(closed.value, JournalDoubtful)
    assert read(tmp_path / "j") == [b"before", b"unsure"]


def test_record_whose_removal_may_not_last__is_told_as_open__and_is_gone_once_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fsync, list[int]()

    def sync(handle: int) -> None:
        synced.append(handle)
        real(handle)

    with Journal.open(tmp_path / "j") as journal:
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", refuse)
            with pytest.raises(JournalDoubtful):
                journal.append(b"unsure")
        assert journal.is_broken
    monkeypatch.setattr(os, "fsync", sync)
    assert read(tmp_path / "j") == []
    assert len(synced) == 2, "file and folder: no power cut brings it back"


def test_failed_sync_that_is_taken_back__is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, list[int]()

    def sync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 1:
            refuse()
        real(handle)

    with Journal.open(tmp_path / "j") as journal:
        monkeypatch.setattr(os, "fsync", sync)
        with pytest.raises(JournalWriteFailed, match="nothing was lost") as told:
            journal.append(b"unsure")
        assert not isinstance(told.value, JournalDoubtful)
    assert read(tmp_path / "j") == []


def test_half_a_record_that_cannot_be_taken_back__is_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def write(handle: int, part: bytes, place: int) -> int:
        if place > 60:
            refuse()
        return real(handle, part[:30], place)

    with Journal.open(tmp_path / "j") as journal:
        with monkeypatch.context() as broken:
            broken.setattr(os, "pwrite", write)
            broken.setattr(os, "ftruncate", refuse)
            with pytest.raises(JournalWriteFailed) as told:
                journal.append(b"x" * 200)
        assert not isinstance(told.value, JournalDoubtful)
        assert journal.is_broken
    assert (tmp_path / "j").stat().st_size > 60
    assert read(tmp_path / "j") == []


@pytest.mark.parametrize("step", ["pwrite", "fsync"])
def test_who_is_interrupted_while_it_writes__leaves_nothing_behind_the_next_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(os, step)
    interrupted = iter([True])

    def act(*told: object) -> object:
        done = real(*told)
        if next(interrupted, False):
            raise KeyboardInterrupt
        return done

    with Journal.open(tmp_path / "j") as journal:
        with monkeypatch.context() as stopped:
            stopped.setattr(os, step, act)
            with pytest.raises(KeyboardInterrupt):
                journal.append(b"x" * 500)
        assert journal.append(b"shorter") == 1
    assert read(tmp_path / "j") == [b"shorter"]


def test_journal_of_a_process_that_was_killed__is_on_the_disk_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last record may be in memory alone: what follows from it would outlive it."""
    with Journal.open(tmp_path / "j") as journal:
        journal.append(b"a")
    monkeypatch.setattr(os, "fsync", refuse)
    assert read(tmp_path / "j") == [b"a"], "one that was closed has nothing to wait for"
    (tmp_path / "j.lock").write_text("4711")
    with pytest.raises(Unrecoverable, match="Read-only file system"):
        Journal.open(tmp_path / "j")


@pytest.mark.parametrize("step", ["pread", "ftruncate"])
def test_journal_that_cannot_be_read_or_mended__is_told_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        journal.append(b"a")
    with (tmp_path / "j").open("ab") as file:
        file.write(b"\0\0\0")
    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(Unrecoverable, match="Read-only file system"):
        Journal.open(tmp_path / "j")
    if step == "pread":
        with pytest.raises(Unrecoverable, match="Read-only file system"):
            Journal.look_at(tmp_path / "j")
