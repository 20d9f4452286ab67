"""A folder of blocks: durable before it is acknowledged, checked when read, bounded, by itself."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from edgemark.errors import Unrecoverable
from edgemark.storage.cid import MAX_BLOCK_BYTES, Cid, ContentTooLarge, cid_of
from edgemark.storage.content import ContentDamaged, ContentMissing, ContentStore, StoreFull
from edgemark.storage.local import LocalStore

BLOCK = b'{"a template": 1}'
CID = cid_of(BLOCK)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def store(folder: Path) -> LocalStore:
    return LocalStore(folder)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_put__then_get__answers_the_same_bytes(store: LocalStore, folder: Path) -> None:
    behind: ContentStore = store  # the face that is promised
    assert behind.put(BLOCK) == CID
    assert behind.get(CID) == BLOCK
    assert names_in(folder) == [str(CID)]


def test_files__are_for_their_owner_only(store: LocalStore, folder: Path) -> None:
    store.put(BLOCK)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / str(CID)).stat().st_mode) == 0o600


@pytest.mark.parametrize("size", [0, 1, MAX_BLOCK_BYTES])
def test_blocks_of_every_size__are_kept(store: LocalStore, size: int) -> None:
    content = os.urandom(size)
    assert store.get(store.put(content)) == content


def test_more_than_a_block__is_refused_and_leaves_nothing(store: LocalStore, folder: Path) -> None:
    with pytest.raises(ContentTooLarge):
        store.put(bytes(MAX_BLOCK_BYTES + 1))
    assert not folder.exists()


def test_content_that_is_not_there__is_told_by_type(store: LocalStore) -> None:
    with pytest.raises(ContentMissing) as refused:
        store.get(CID)
    assert str(CID) in str(refused.value)


def test_put__acknowledges_what_is_on_the_disk_with_its_name(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    sync, link = os.fsync, os.link

    def watch_sync(handle: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        seen.append("folder" if is_folder else "content")
        sync(handle)

    def watch_link(source: Any, target: Any, **kwargs: Any) -> None:
        seen.append("name")
        link(source, target, **kwargs)

    monkeypatch.setattr(os, "fsync", watch_sync)
    monkeypatch.setattr(os, "link", watch_link)
    store.put(BLOCK)
    assert seen == ["content", "name", "folder"]
    seen.clear()
    store.put(BLOCK)  # it may be of a process that died between name and folder
    assert seen == ["folder"]


@pytest.mark.parametrize("call", ["fsync", "link", "fchmod"])
def test_put__that_fails__leaves_nothing_and_may_be_repeated(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space"):
            store.put(BLOCK)
    assert names_in(folder) == []
    assert store.get(store.put(BLOCK)) == BLOCK


def test_what_a_killed_process_left__counts_for_nothing_and_goes(folder: Path) -> None:
    store = LocalStore(folder, most_files=1)
    folder.mkdir(mode=0o700)
    (folder / f".{CID}.abc.part").write_bytes(b"half of it")
    store.put(BLOCK)
    assert names_in(folder) == [str(CID)]


def test_looking__makes_no_folder(store: LocalStore, folder: Path) -> None:
    with pytest.raises(ContentMissing):
        store.get(CID)
    assert not folder.exists()


def turn_a_bit(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[3] ^= 1
    path.write_bytes(bytes(raw))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(bytes(MAX_BLOCK_BYTES + 7))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def exchange(path: Path) -> None:
    path.write_bytes(b'{"a template": 2}')


def link_away(path: Path) -> None:
    """To the very same bytes, outside the folder."""
    outside = path.parent.parent / "outside"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = [turn_a_bit, cut, lengthen, empty, exchange, link_away, make_pipe]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_damage__is_told_and_put_again_mends_it(
    store: LocalStore, folder: Path, damage: Any
) -> None:
    store.put(BLOCK)
    damage(folder / str(CID))
    with pytest.raises(ContentDamaged) as told:
        store.get(CID)
    assert str(CID) in str(told.value.who)
    assert isinstance(told.value, Unrecoverable)
    assert store.put(BLOCK) == CID
    assert store.get(CID) == BLOCK
    assert stat.S_ISREG((folder / str(CID)).lstat().st_mode)
    assert names_in(folder) == [str(CID)]


def test_a_folder_in_place_of_a_block__is_told(store: LocalStore, folder: Path) -> None:
    (folder / str(CID)).mkdir(parents=True)
    folder.chmod(0o700)
    with pytest.raises(ContentDamaged):
        store.get(CID)
    with pytest.raises(ContentDamaged):
        store.put(BLOCK)


def test_nothing_outside_the_folder__is_written(store: LocalStore, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.write_bytes(b"somebody's")
    folder.mkdir(mode=0o700)
    (folder / str(CID)).symlink_to(outside)
    store.put(BLOCK)
    assert outside.read_bytes() == b"somebody's"
    assert not (folder / str(CID)).is_symlink()


def test_a_folder_that_is_a_link_or_open_to_others__is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    for name in ("link", "open"):
        with pytest.raises(Unrecoverable):
            LocalStore(tmp_path / name)


def test_bounds__hold_in_files_and_bytes(folder: Path) -> None:
    store = LocalStore(folder, most_files=3, most_bytes=10)
    kept = [store.put(b"a" * 4), store.put(b"b" * 4)]
    with pytest.raises(StoreFull) as refused:
        store.put(b"c" * 3)
    assert (refused.value.had, refused.value.needed) == ("8 bytes and 3 more", "<= 10")
    kept.append(store.put(b"d" * 2))
    with pytest.raises(StoreFull, match="holds as much"):
        store.put(b"")
    assert [len(store.get(cid)) for cid in kept] == [4, 4, 2]
    assert store.put(b"a" * 4) == kept[0]  # what is there needs no room
    assert len(names_in(folder)) == 3


def test_what_somebody_else_put_into_the_folder__counts(folder: Path) -> None:
    store = LocalStore(folder, most_bytes=10)
    folder.mkdir(mode=0o700)
    (folder / "notes").write_bytes(bytes(8))
    with pytest.raises(StoreFull):
        store.put(b"abc")


def test_stores_of_one_folder__stay_within_its_bounds_together(folder: Path) -> None:
    most = 20
    stores = [LocalStore(folder, most_files=most) for _ in range(4)]
    put: list[Cid] = []

    def fill(number: int) -> None:
        for each in range(10):
            try:
                put.append(stores[number].put(f"{number} {each}".encode()))
            except StoreFull:
                return

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(put) == most
    assert names_in(folder) == sorted(map(str, put))
    assert all(cid_of(stores[0].get(cid)) == cid for cid in put)
