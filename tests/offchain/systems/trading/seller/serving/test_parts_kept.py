"""Parts of orders wait on the disk, each channel's within its room."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.offchain.systems.trading.work.work_cast import CHANNELS

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Hash32
from edgemark.systems.trading.seller.serving.parts import PartStore

ONE, OTHER = CHANNELS[:2]


def part_of(number: int, length: int = 10) -> bytes:
    return bytes([number]) * length


def bring(store: PartStore, number: int, *, channel: bytes = ONE, length: int = 10) -> Hash32:
    part = part_of(number, length)
    digest = hash_long(part)
    store.put(channel, digest, part)  # type: ignore[arg-type]
    return digest


def test_part__that_was_brought__is_there_also_for_the_next_process(tmp_path: Path) -> None:
    digest = bring(PartStore(tmp_path / "parts"), 1)
    again = PartStore(tmp_path / "parts")
    assert again.find(ONE, digest) == part_of(1)
    assert again.holds(ONE, digest) and not again.holds(OTHER, digest)
    assert again.total == 10
    assert again.find(OTHER, digest) is None


def test_part__brought_twice__is_kept_once(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts")
    assert bring(store, 1) == bring(store, 1)
    assert store.total == 10


def test_oldest_part_of_a_channel__gives_way_for_its_next_one(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts", most_of_channel=30)
    theirs = bring(store, 9, channel=OTHER)
    first, second, third = (bring(store, number) for number in (1, 2, 3))
    assert store.find(ONE, first) is not None  # used: it is the newest now
    fourth = bring(store, 4)
    assert [store.holds(ONE, each) for each in (first, second, third, fourth)] == [
        True,
        False,
        True,
        True,
    ]
    assert store.find(OTHER, theirs) == part_of(9)


def test_heaviest_channel__gives_way_where_all_are_too_many(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts", most=50)
    mine = [bring(store, number) for number in range(4)]
    theirs = bring(store, 9, channel=OTHER)
    bring(store, 8, channel=OTHER)
    assert not store.holds(ONE, mine[0])
    assert store.holds(OTHER, theirs)
    assert store.total == 50


def test_part_that_is_larger_than_all__leaves_nothing_else(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts", most=50, most_of_channel=50)
    bring(store, 1)
    large = bring(store, 2, length=50)
    assert store.find(ONE, large) == part_of(2, 50)
    assert store.total == 50


def test_damaged_part__is_none(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts")
    digest = bring(store, 1)
    (tmp_path / "parts" / ONE.hex() / digest.hex()).write_bytes(b"other")
    assert store.find(ONE, digest) is None
    assert not store.holds(ONE, digest)
    assert bring(store, 1) == digest
    assert store.find(ONE, digest) == part_of(1)


def test_channel_that_ended__leaves_nothing(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts")
    bring(store, 1)
    bring(store, 2, channel=OTHER)
    store.forget(ONE)
    assert store.channels() == [OTHER]
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [OTHER.hex()]
    assert PartStore(tmp_path / "parts").total == 10


def test_what_is_no_part__hinders_no_start(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "parts")
    digest = bring(store, 1)
    (tmp_path / "parts" / "notes").mkdir()
    (tmp_path / "parts" / "file").write_bytes(b"")
    assert PartStore(tmp_path / "parts").holds(ONE, digest)


def test_folder_of_others__is_refused(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir(mode=0o777)
    (tmp_path / "parts").chmod(0o777)
    with pytest.raises(Unrecoverable):
        PartStore(tmp_path / "parts")
