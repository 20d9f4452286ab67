from __future__ import annotations

import os
import stat
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import Unrecoverable
from edgemark.loop import archive as archive_module
from edgemark.loop.archive import Archive, ArchiveDamaged, Room

RECORDS = [b"first", b"", b"third" * 100]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def only_file(archive: Archive) -> Path:
    (path,) = archive._folder.iterdir()
    return path


def test_find__after_put__gives_the_records_in_order(archive: Archive) -> None:
    archive.put(b"job", RECORDS)
    assert archive.find(b"job") == RECORDS
    assert archive.keys() == [b"job"]
    assert len(archive) == 1


def test_find__of_an_unknown_job__is_none(archive: Archive) -> None:
    archive.put(b"job", RECORDS)
    assert archive.find(b"jo") is None


def test_put__again__takes_the_place_of_the_first(archive: Archive) -> None:
    archive.put(b"job", RECORDS[:1])
    archive.put(b"job", RECORDS)
    assert archive.find(b"job") == RECORDS
    assert len(archive) == 1


@given(
    records=st.lists(st.binary(max_size=200), max_size=6), key=st.binary(min_size=1, max_size=64)
)
def test_find__of_any_records_under_any_key__gives_them_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], key: bytes
) -> None:
    archive = Archive(tmp_path_factory.mktemp("any") / "archive")
    archive.put(key, records)
    assert archive.find(key) == records
    assert archive.keys() == [key]


def test_file__is_its_owners_only(archive: Archive) -> None:
    archive.put(b"job", RECORDS)
    assert stat.S_IMODE(only_file(archive).stat().st_mode) == 0o600


def test_find__of_a_file_with_one_other_bit__is_refused_wherever_it_is(archive: Archive) -> None:
    archive.put(b"job", [b"one", b"two"])
    path = only_file(archive)
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(ArchiveDamaged) as refused:
            archive.find(b"job")
        assert refused.value.who == path


def test_find__of_a_file_that_is_cut__is_refused(archive: Archive) -> None:
    archive.put(b"job", RECORDS)
    path = only_file(archive)
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(ArchiveDamaged):
            archive.find(b"job")


def test_find__of_a_file_of_another_version__is_refused_by_name(archive: Archive) -> None:
    archive.put(b"job", RECORDS)
    path = only_file(archive)
    path.write_bytes(b"EDGEARC1" + path.read_bytes()[8:])
    with pytest.raises(ArchiveDamaged, match="is no archive of this version") as refused:
        archive.find(b"job")
    assert (refused.value.had, refused.value.needed) == ("EDGEARC1", "EDGEARC2")


def test_put__of_records_that_come_one_by_one__holds_one_of_them_at_a_time(
    archive: Archive,
) -> None:
    held: list[int] = []

    def records() -> Iterator[bytes]:
        for number in range(9):
            tracemalloc.reset_peak()
            yield bytes(2**20) + bytes([number])
            held.append(tracemalloc.get_traced_memory()[1])

    tracemalloc.start()
    archive.put(b"job", records())
    tracemalloc.stop()
    assert max(held) < 4 * 2**20
    assert [record[-1] for record in archive.find(b"job") or []] == list(range(9))


def test_put__where_the_disk_refuses__says_so_and_keeps_the_old(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.put(b"job", RECORDS)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unrecoverable) as refused:
        archive.put(b"job", [b"other"])
    monkeypatch.undo()
    assert refused.value.had == "No space left on device"
    assert archive.find(b"job") == RECORDS


def test_folder__that_others_can_enter__is_refused(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir(mode=0o755)
    with pytest.raises(Unrecoverable, match="others can open it"):
        Archive(tmp_path / "archive")


@pytest.mark.parametrize("room", [Room(3, 10**9), Room(1000, 3 * 46)], ids=["files", "bytes"])
def test_f6_an_archive_with_bounded_room__lets_go_what_was_put_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: Room
) -> None:
    monkeypatch.setattr(archive_module, "LOOK_EVERY", 1)
    bounded = Archive(tmp_path / "archive", room)
    for number in range(10):
        bounded.put(b"%d" % number, [b"ab"])
        os.utime(bounded._path(b"%d" % number), (number, number))
    assert bounded.keys() == [b"7", b"8", b"9"]
    assert bounded.find(b"0") is None


def test_f6_an_archive_without_bound__keeps_every_job(archive: Archive) -> None:
    for number in range(100):
        archive.put(b"%d" % number, RECORDS)
    assert len(archive) == 100


def test_full_disk__makes_the_jobs_go_that_were_put_first_if_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, free = 1000, 500

    def usage(folder: Path) -> SimpleNamespace:
        there = len(list(folder.glob("*.records")))
        return SimpleNamespace(free=free + size * (5 - there))

    for room, gone in ((None, 0), (Room(files=100, total_bytes=10**6), 2)):
        folder = tmp_path / str(gone)
        archive = Archive(folder, room)
        for number in range(5):
            archive.put(bytes([number]), [bytes(size)])
            os.utime(folder / f"{number:02x}.records", (number, number))
        with monkeypatch.context() as patch:
            patch.setattr("shutil.disk_usage", usage)
            assert archive.make_free(free) == free
            assert archive.make_free(free + 6 * size) < free + 6 * size  # not even all of it
            assert len(archive) == 5
            archive.make_free(free + size + 1)
        assert archive.keys() == [bytes([number]) for number in range(gone, 5)]
