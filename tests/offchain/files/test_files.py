"""Files are whole or not there, and what is private is nobody else's."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemark.errors import Unrecoverable
from edgemark.files import (
    check_private,
    make_private_folder,
    make_secret_folder,
    remove_unfinished,
    write_parts,
    write_whole,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_write_whole__over_an_old_file__replaces_content_and_permissions(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_whole(path, b"new", mode=0o600)
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o600)


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_write_whole__interrupted__leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="disk"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_write_whole__before_it_has_its_name__is_durable_and_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    replace, sync = os.replace, os.fsync

    def note_replace(source: str, target: Path) -> None:
        assert mode_of(Path(source)) == 0o600
        seen.append("named")
        replace(source, target)

    def note_sync(handle: int) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        sync(handle)

    monkeypatch.setattr(os, "replace", note_replace)
    monkeypatch.setattr(os, "fsync", note_sync)
    write_whole(tmp_path / "key", b"new", mode=0o600)
    assert seen == ["content", "named", "folder"]


def test_make_private_folder__a_writer_was_killed__removes_what_it_left(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    make_private_folder(folder)
    script = f"""
import os, signal
from pathlib import Path
from edgemark.files import write_parts
def parts():
    yield b"half"
    os.kill(os.getpid(), signal.SIGKILL)
write_parts(Path({str(folder / "key")!r}), parts())
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    (folder / ".keep").touch()
    assert len(list(folder.iterdir())) == 2
    make_private_folder(folder)
    assert [each.name for each in folder.iterdir()] == [".keep"]


def test_make_private_folder__while_somebody_writes_into_it__leaves_that_alone(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "home"
    make_private_folder(folder)

    def parts() -> Iterator[bytes]:
        yield b"half "
        make_private_folder(folder)
        yield b"and half"

    write_parts(folder / "key", parts())
    assert (folder / "key").read_bytes() == b"half and half"


def test_write_whole__taken_for_stale_before_it_is_held__begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = fcntl.flock, list[Path]()

    def tidy_first(handle: int, flags: int) -> None:
        if not taken:
            taken.extend(tmp_path.glob(".key.*"))
            remove_unfinished(tmp_path)
        lock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", tidy_first)
    write_whole(tmp_path / "key", b"new")
    assert len(taken) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").read_bytes() == b"new"


def test_make_private_folder__new_or_again__only_its_owner_enters(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "home"
    make_private_folder(folder)
    make_private_folder(folder)
    assert mode_of(folder) == 0o700


def test_make_secret_folder__below_a_checkout__stays_out_of_commits(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", tmp_path, *words], check=True, capture_output=True, text=True
        )
        return done.stdout

    git("init", "--quiet")
    make_secret_folder(tmp_path / "parties" / "device" / "keys")  # a home, and one level more
    make_secret_folder(tmp_path / "sharing")
    for place in ("parties/device/keys/key", "parties/device/lane.journal", "sharing/share.json"):
        (tmp_path / place).write_text("secret")
    (tmp_path / "parties" / "notes").write_text("nothing of ours")
    git("add", "--all")
    assert git("diff", "--cached", "--name-only").split() == ["parties/notes"]


def test_make_secret_folder__by_a_way_that_is_not_there_yet__writes_into_what_it_makes(
    tmp_path: Path,
) -> None:
    make_secret_folder(tmp_path / "new" / ".." / "sharing")
    assert (tmp_path / "sharing" / ".gitignore").exists()
    assert not (tmp_path / ".gitignore").exists()


def test_make_secret_folder__that_was_there__is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    make_secret_folder(tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_make_private_folder__others_may_enter__is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(Unrecoverable) as refused:
        make_private_folder(folder)
    assert (refused.value.had, refused.value.needed) == (oct(mode), oct(0o700))
    assert mode_of(folder) == mode  # who has read it by now is for the owner to judge


def test_check_private__a_link__is_refused(tmp_path: Path) -> None:
    target = tmp_path / "key"
    write_whole(target, b"", mode=0o600)
    check_private(target)
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(Unrecoverable, match="a link"):
        check_private(link)


def test_check_private__somebody_elses__is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    write_whole(path, b"", mode=0o600)
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(Unrecoverable, match=f"owner {owner}"):
        check_private(path)
