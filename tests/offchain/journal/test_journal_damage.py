"""A record that a crash cut short is dropped; any other damage is reported, never repaired."""

from __future__ import annotations

import errno
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.journal.framing import HEADER_BYTES, SECTOR_BYTES
from edgemark.journal.journal import MAGIC, Journal, JournalDamaged, JournalWriteFailed

RECORDS = [b"first", b"", b"\x07" * 40, b"the last one"]


def write(path: Path, records: list[bytes]) -> list[int]:
    """Write a journal; the offsets at which its records end, beginning with that of none."""
    ends = [len(MAGIC)]
    with Journal.open(path) as journal:
        for record in records:
            journal.append(record)
            ends.append(ends[-1] + HEADER_BYTES + len(record))
    assert path.stat().st_size == ends[-1]
    return ends


def read(path: Path) -> list[bytes]:
    with Journal.open(path) as journal:
        return list(journal.records())


def test_open__cut_at_every_byte__keeps_every_whole_record(tmp_path: Path) -> None:
    ends = write(tmp_path / "whole", RECORDS)
    for size in range(ends[-1] + 1):
        path = tmp_path / f"cut-{size}"
        shutil.copy(tmp_path / "whole", path)
        os.truncate(path, size)
        kept = RECORDS[: sum(end <= size for end in ends[1:])]
        with Journal.open(path) as journal:
            assert list(journal.records()) == kept, size
            journal.append(b"afterwards")
        assert read(path) == [*kept, b"afterwards"], size


def test_open__any_bit_flipped__is_reported_with_the_place(tmp_path: Path) -> None:
    ends = write(tmp_path / "whole", RECORDS)
    whole = (tmp_path / "whole").read_bytes()
    path = tmp_path / "flipped"
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        path.chmod(0o600)
        with pytest.raises(JournalDamaged) as found:
            Journal.open(path)
        assert found.value.who == path
        if bit // 8 >= len(MAGIC):
            begin = max(end for end in ends if end <= bit // 8)
            assert f"at byte {begin} " in str(found.value.had)
        assert path.read_bytes() == bytes(damaged)  # nothing was repaired by guessing


@given(place=st.integers(0, 10**6), noise=st.binary(min_size=1, max_size=30))
def test_open__bytes_overwritten_in_the_middle__is_reported(
    tmp_path_factory: pytest.TempPathFactory, place: int, noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("overwritten") / "j"
    ends = write(path, [*RECORDS, b"\x01" * 60])
    whole = path.read_bytes()
    at = len(MAGIC) + place % (ends[4] - len(MAGIC))
    damaged = (whole[:at] + noise + whole[at + len(noise) :])[: len(whole)]
    if damaged == whole:
        return
    path.write_bytes(damaged)
    with pytest.raises(JournalDamaged):
        Journal.open(path)


def test_open__a_record_moved_to_another_place__is_reported(tmp_path: Path) -> None:
    path = tmp_path / "j"
    ends = write(path, [b"pay", b"fly"])
    raw = path.read_bytes()
    path.write_bytes(raw[: ends[0]] + raw[ends[1] : ends[2]] + raw[ends[0] : ends[1]])
    with pytest.raises(JournalDamaged):
        Journal.open(path)


def test_open__payloads_exchanged_under_their_headers__is_reported(tmp_path: Path) -> None:
    path = tmp_path / "j"
    first, second, end = write(path, [b"pay", b"fly"])
    raw = path.read_bytes()
    at = 12  # lengths and their check stay where they are; digest and payload move
    path.write_bytes(
        raw[: first + at]
        + raw[second + at : end]
        + raw[second : second + at]
        + raw[first + at : second]
    )
    with pytest.raises(JournalDamaged):
        Journal.open(path)


def test_open__a_foreign_file__is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"a letter to somebody")
    path.chmod(0o600)
    with pytest.raises(JournalDamaged):
        Journal.open(path)
    assert path.read_bytes() == b"a letter to somebody"


def test_open__sectors_of_the_last_record_never_written__drops_it(tmp_path: Path) -> None:
    """A disk writes whole sectors in any order: a power cut may leave any of them as zeros."""
    first, last = b"\x05" * 700, b"\x06" * 1700
    ends = write(tmp_path / "whole", [first, last])
    whole = (tmp_path / "whole").read_bytes()
    edges = [ends[1], *range(-(-ends[1] // SECTOR_BYTES) * SECTOR_BYTES, ends[2], SECTOR_BYTES)]
    parts = list(zip(edges, [*edges[1:], ends[2]], strict=True))
    path = tmp_path / "torn"
    subsets = chain.from_iterable(combinations(parts, n) for n in range(1, len(parts) + 1))
    for missing in subsets:
        torn = bytearray(whole)
        for begin, end in missing:
            torn[begin:end] = bytes(end - begin)
        path.write_bytes(torn)
        path.chmod(0o600)
        assert read(path) == [first], missing


def test_open__the_last_record_holds_zeros__tells_damage_from_sectors_never_written(
    tmp_path: Path,
) -> None:
    """A record is bytes of any kind: zeros of its own are no sign that it was cut short."""
    last = b"\x06" * 700 + bytes(2000) + b"\x07" * 700
    ends = write(tmp_path / "whole", [b"first", last])
    whole = (tmp_path / "whole").read_bytes()
    path = tmp_path / "j"
    flipped = bytearray(whole)
    flipped[ends[1] + HEADER_BYTES + 3] ^= 1
    torn = bytearray(whole)
    torn[SECTOR_BYTES : 2 * SECTOR_BYTES] = bytes(SECTOR_BYTES)
    assert any(whole[SECTOR_BYTES : 2 * SECTOR_BYTES])
    for content in (flipped, torn):
        path.write_bytes(content)
        path.chmod(0o600)
        if content is torn:
            assert read(path) == [b"first"]
        else:
            with pytest.raises(JournalDamaged):
                Journal.open(path)


def test_open__a_gap_before_bytes_that_look_like_nothing__is_dropped_as_never_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j"
    end = write(path, [b"\x05" * 1000])[-1]
    behind = -(-end // SECTOR_BYTES) * SECTOR_BYTES
    noise = bytes(range(256)) * 5000  # more than is looked at in one piece
    path.write_bytes(path.read_bytes() + bytes(behind - end) + noise)
    assert read(path) == [b"\x05" * 1000]


@pytest.mark.parametrize("magic", [b"EDGEJRN1", b"EDGEJRN3"])
def test_open__of_another_version__is_refused_by_name(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "j"
    write(path, RECORDS)
    other = magic + path.read_bytes()[len(magic) :]
    path.write_bytes(other)
    with pytest.raises(JournalDamaged, match="not a journal of this version") as refused:
        Journal.open(path)
    assert (refused.value.had, refused.value.needed) == (magic.decode(), MAGIC.decode())
    assert path.read_bytes() == other


def test_open__a_sector_lost_before_the_last_record__is_reported(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path, [b"\x05" * 700, b"\x06" * 1700, b"\x07" * 20])
    raw = bytearray(path.read_bytes())
    for begin in range(SECTOR_BYTES, len(raw) - SECTOR_BYTES, SECTOR_BYTES):
        damaged = bytearray(raw)
        damaged[begin : begin + SECTOR_BYTES] = bytes(SECTOR_BYTES)
        path.write_bytes(damaged)
        with pytest.raises(JournalDamaged):
            Journal.open(path)


def test_records__changed_while_open__is_reported(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        journal.append(b"as it was")
        raw = bytearray(path.read_bytes())
        raw[-1] ^= 1
        with path.open("r+b") as file:
            file.write(raw)
        with pytest.raises(JournalDamaged):
            list(journal.records())


@contextmanager
def disk_full_at(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond `size`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, HEADER_BYTES, HEADER_BYTES + 3])
def test_append__no_space__stays_as_it_was_and_goes_on_later(tmp_path: Path, room: int) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        journal.append(b"before")
        before = path.read_bytes()
        with disk_full_at(len(before) + room), pytest.raises(JournalWriteFailed) as failed:
            journal.append(b"no room for this")
        assert failed.value.had == os.strerror(errno.EFBIG)
        assert path.read_bytes() == before
        assert journal.append(b"after") == 2
    assert read(path) == [b"before", b"after"]


def test_open__no_space_for_a_new_journal__is_typed(tmp_path: Path) -> None:
    with disk_full_at(0), pytest.raises(JournalWriteFailed):
        Journal.open(tmp_path / "j")
    assert read(tmp_path / "j") == []


def test_rewrite__no_space__changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        journal.append(b"old")
        with disk_full_at(20), pytest.raises(JournalWriteFailed):
            journal.rewrite([b"new, and much longer than before"])
        assert list(journal.records()) == [b"old"]
        journal.append(b"more")
    assert read(path) == [b"old", b"more"]


def test_append__sync_fails__takes_nothing_more_until_reopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    sync = os.fsync
    with Journal.open(path) as journal:
        journal.append(b"before")

        def fail(_: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(JournalWriteFailed):
            journal.append(b"unsure")
        monkeypatch.setattr(os, "fsync", sync)
        with pytest.raises(JournalWriteFailed):
            journal.append(b"afterwards")
        assert journal.count == 1
    assert read(path) == [b"before"]
