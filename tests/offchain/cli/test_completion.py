"""The completion script in a real bash: commands, options, and the jobs of the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgemark.cli.terminal.completion import SHELLS, list_jobs
from edgemark.encoding import Writer
from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.replay import TICK

ROOT = Path(__file__).resolve().parents[3]
OPEN, OVER, TASK = bytes([0xAB] * 32), bytes([0xAC] * 32), bytes([0xCD] * 32)
LIMIT_S = 120


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


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "EDGEMARK" not in name}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "offchain"),
        **more,
    }


def press_tab(line: str, home: Path) -> list[str]:
    """What bash offers for the last word of a line, by the very function that TAB calls."""
    script = (
        'eval "$(edgemark completion bash)"; '
        f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_edgemark_completion edgemark; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=environment(EDGEMARK_HOME=str(home)),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    return done.stdout.split()


def test_bash__completes_commands(home: Path) -> None:
    assert press_tab("edgemark outsourcing sta", home) == ["status"]


def test_bash__completes_the_jobs_of_the_home_folder(home: Path) -> None:
    assert press_tab("edgemark outsourcing result ab", home) == [OPEN.hex()]


def test_bash__takes_the_home_folder_of_the_line(home: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    line = f"edgemark outsourcing explain --home {home} a"
    assert press_tab(line, empty) == [OPEN.hex(), OVER.hex()]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell__gets_a_script(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgemark", "completion", shell],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert "_EDGEMARK_COMPLETE" in done.stdout
    assert done.stderr == ""


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
