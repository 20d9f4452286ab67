"""What is appended is there after every reopening, in order, and nothing else is."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.journal.journal import (
    Journal,
    JournalDamaged,
    JournalInUse,
    JournalWriteFailed,
    RecordTooLarge,
)

MOST = 200


def contents(path: Path) -> list[bytes]:
    with Journal.open(path) as journal:
        return list(journal.records())


def test_append__answers_the_number_and_keeps_the_record(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        assert [journal.append(p) for p in (b"one", b"", b"three")] == [1, 2, 3]
        assert journal.count == 3
        assert list(journal.records()) == [b"one", b"", b"three"]
    with Journal.open(tmp_path / "j") as again:
        assert again.count == 3
        assert list(again.records()) == [b"one", b"", b"three"]


def test_look_at__while_another_holds_the_lock__shows_the_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        journal.append(b"one")
        journal.append(b"two")
        whole = path.stat().st_size
        journal.append(b"three")
        os.truncate(path, whole + 20)  # as a reader may find it while the third is written
        with Journal.look_at(path) as seen:
            assert (seen.count, list(seen.records())) == (2, [b"one", b"two"])
        assert path.stat().st_size == whole + 20


def test_look_at__changes_nothing_and_takes_no_record(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        journal.append(b"one")
    before = path.read_bytes()
    with Journal.look_at(path) as seen, pytest.raises((RecordTooLarge, JournalWriteFailed)):
        seen.append(b"two")
    assert path.read_bytes() == before


def test_look_at__without_a_journal__makes_none(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput):
        Journal.look_at(tmp_path / "j")
    assert not (tmp_path / "j").exists()


def test_append__syncs_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    write, sync = os.pwrite, os.fsync

    def noted(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            order.append(name)
            return function(*args)

        return call

    with Journal.open(tmp_path / "j") as journal:
        monkeypatch.setattr(os, "pwrite", noted("written", write))
        monkeypatch.setattr(os, "fsync", noted("synced", sync))
        journal.append(b"x")
        order.append("answered")
    assert order == ["written", "synced", "answered"]


def test_open__new_file__syncs_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[int] = []
    sync = os.fsync

    def note(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            folders.append(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    Journal.open(tmp_path / "j").close()
    assert folders == [tmp_path.stat().st_ino]


def test_append__longer_than_the_limit__is_refused_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path, max_record_bytes=10) as journal:
        journal.append(bytes(10))
        before = path.read_bytes()
        with pytest.raises(RecordTooLarge) as refused:
            journal.append(bytes(11))
        assert (refused.value.had, refused.value.needed) == (11, "<= 10 bytes")
        assert path.read_bytes() == before
        assert journal.append(b"next") == 2


def test_append__after_close__is_refused(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j")
    journal.close()
    journal.close()
    with pytest.raises(JournalWriteFailed):
        journal.append(b"late")


def test_open__twice__is_refused_and_names_the_holder(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        journal.append(b"x")
        with pytest.raises(JournalInUse) as refused:
            Journal.open(tmp_path / "j")
        assert refused.value.who == tmp_path / "j"
        assert refused.value.had == f"process {os.getpid()}"
    assert contents(tmp_path / "j") == [b"x"]


def test_open__new_file__only_its_owner_can_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Journal.open(tmp_path / "j").close()
    finally:
        os.umask(before)
    for name in ("j", "j.lock"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_open__others_may_touch_it__is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "j"
    Journal.open(path).close()
    path.chmod(mode)
    with pytest.raises(Unrecoverable) as refused:
        Journal.open(path)
    assert (refused.value.had, refused.value.needed) == (oct(mode), oct(0o600))
    path.chmod(0o600)
    assert contents(path) == []  # the refused opening holds no lock


@pytest.mark.parametrize("name", ["j", "j.lock"])
def test_open__a_link__is_refused_and_followed_nowhere(tmp_path: Path, name: str) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"not yours")
    target.chmod(0o600)
    (tmp_path / name).symlink_to(target)
    with pytest.raises(Unrecoverable):
        Journal.open(tmp_path / "j")
    assert target.read_bytes() == b"not yours"


def test_open__no_folder__is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unrecoverable) as refused:
        Journal.open(tmp_path / "nowhere" / "j")
    assert refused.value.had == "No such file or directory"


def test_rewrite__takes_the_place_of_everything(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        for number in range(5):
            journal.append(bytes([number]))
        journal.rewrite([b"a", b"b"])
        assert journal.count == 2
        assert journal.append(b"c") == 3
        with pytest.raises(JournalInUse):
            Journal.open(path)
    assert contents(path) == [b"a", b"b", b"c"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_rewrite__a_record_too_large__changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path, max_record_bytes=4) as journal:
        journal.append(b"old")
        with pytest.raises(RecordTooLarge):
            journal.rewrite([b"new", b"too long"])
        journal.append(b"more")
    assert contents(path) == [b"old", b"more"]


class JournalLife(RuleBasedStateMachine):
    """Appends, crashes in the middle of an append, rewritings and reopenings in any order."""

    @initialize()
    def open_first(self) -> None:
        self.path = self.folder / f"journal-{len(list(self.folder.iterdir()))}"
        self.journal = Journal.open(self.path, max_record_bytes=MOST)
        self.kept: list[bytes] = []

    folder: Path

    @rule(payload=st.binary(max_size=MOST))
    def append(self, payload: bytes) -> None:
        self.kept.append(payload)
        assert self.journal.append(payload) == len(self.kept)

    @rule(payload=st.binary(min_size=MOST + 1, max_size=MOST + 9))
    def append_too_much(self, payload: bytes) -> None:
        with pytest.raises(RecordTooLarge):
            self.journal.append(payload)

    @rule()
    def reopen(self) -> None:
        self.journal.close()
        self.journal = Journal.open(self.path, max_record_bytes=MOST)
        assert self.journal.count == len(self.kept)

    @rule(payload=st.binary(max_size=MOST), share=st.floats(0, 1, exclude_max=True))
    def crash_while_appending(self, payload: bytes, share: float) -> None:
        whole = self.path.stat().st_size
        self.journal.append(payload)
        self.journal.close()
        os.truncate(self.path, whole + int(share * (self.path.stat().st_size - whole)))
        self.journal = Journal.open(self.path, max_record_bytes=MOST)

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def rewrite(self, data: st.DataObject) -> None:
        self.kept = data.draw(st.lists(st.sampled_from(self.kept), max_size=len(self.kept)))
        self.journal.rewrite(self.kept)

    @invariant()
    def everything_acknowledged_is_there(self) -> None:
        assert list(self.journal.records()) == self.kept
        assert self.journal.count == len(self.kept)

    def teardown(self) -> None:
        self.journal.close()


def test_any_life__keeps_what_was_acknowledged(tmp_path: Path) -> None:
    life = type("LifeHere", (JournalLife,), {"folder": tmp_path})
    run_state_machine_as_test(life, settings=settings(stateful_step_count=20))


def test_look_at__of_a_damaged_journal__says_so_as_opening_does(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.open(path) as journal:
        for number in range(20):
            journal.append(bytes([number]) * 100)
    whole = path.read_bytes()
    for place in (0, 3, len(whole) // 2, len(whole) - 200):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        words = []
        for read in (Journal.look_at, Journal.open):
            with pytest.raises(JournalDamaged) as refused:
                read(path)
            words.append(str(refused.value))
        assert words[0] == words[1]


@pytest.mark.parametrize("begun", [b"", b"EDGE", b"\0" * 8])
def test_look_at__of_one_that_is_just_being_begun__has_no_records(
    tmp_path: Path, begun: bytes
) -> None:
    path = tmp_path / "j"
    path.touch(mode=0o600)
    path.write_bytes(begun)
    with Journal.look_at(path) as seen:
        assert (seen.count, list(seen.records())) == (0, [])
    assert path.read_bytes() == begun


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_look_at__of_what_is_no_file__is_refused_by_name(
    tmp_path: Path, make: Callable[[Path, int], None]
) -> None:
    make(tmp_path / "j", 0o700)
    with pytest.raises(Unrecoverable, match="j: is no file"):
        Journal.look_at(tmp_path / "j")


def test_look_at__of_a_link_to_nothing__is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").symlink_to(tmp_path / "nothing")
    with pytest.raises(Unrecoverable, match="is not our own"):
        Journal.look_at(tmp_path / "j")
