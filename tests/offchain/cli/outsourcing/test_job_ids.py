"""The jobs of the home folder on the TAB key, in a real bash."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.offchain.cli.shells import press_tab

from edgemark.cli.outsourcing.job_ids import list_jobs
from edgemark.encoding import Writer
from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.replay import TICK

OPEN, OVER, TASK = bytes([0xAB] * 32), bytes([0xAC] * 32), bytes([0xCD] * 32)


def tick_of(key: bytes) -> bytes:
    return Writer().integer(TICK, 1).variable(key).variable(bytes(8)).finish()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an open and a finished job of a device, and a task of a node."""
    with Journal.open(tmp_path / "device.journal") as journal:
        journal.append(tick_of(OPEN))
        journal.append(tick_of(b""))
    Archive(tmp_path / "device.archive").put(OVER, [tick_of(OVER)])
    with Journal.open(tmp_path / "node.journal") as journal:
        journal.append(tick_of(TASK + b"\x03"))
    return tmp_path


def test_bash__completes_the_jobs_of_the_home_folder(home: Path) -> None:
    assert press_tab("edgemark outsourcing result ab", home) == [OPEN.hex()]


def test_bash__takes_the_home_folder_of_the_line(home: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    line = f"edgemark outsourcing explain --home {home} a"
    assert press_tab(line, empty) == [OPEN.hex(), OVER.hex()]


def test_list_jobs__open_archived_and_tasks_each_once(home: Path) -> None:
    assert list_jobs(home) == [OPEN.hex(), OVER.hex(), TASK.hex()]


def test_list_jobs__does_not_need_the_lock_of_a_running_process(home: Path) -> None:
    with Journal.open(home / "device.journal"):
        assert OPEN.hex() in list_jobs(home)


def test_list_jobs__makes_nothing_in_an_empty_home(tmp_path: Path) -> None:
    assert list_jobs(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_home__offers_nothing_and_says_nothing(home: Path) -> None:
    (home / "device.journal").chmod(0o644)
    assert press_tab("edgemark outsourcing result ab", home) == []
