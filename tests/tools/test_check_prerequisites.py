"""A machine that lacks something is told what, and how to get it, before anything is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT

SCRIPT = ROOT / "tools" / "check_prerequisites.sh"


def check(python: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), python],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def stand_in(folder: Path, name: str, answer: str) -> None:
    """A command that answers whatever it is asked with one line."""
    (folder / name).write_text(f"#!/bin/sh\necho {answer}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of commands like that of a machine with all that is needed."""
    for tool in ("bash", "uname", "printf"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}" if tool != "printf" else "/usr/bin/printf")
    stand_in(tmp_path, "node", "22")
    stand_in(tmp_path, "npm", "11")
    stand_in(tmp_path, "cc", "compiled")
    return tmp_path


def test_a_machine_with_everything__passes(machine: Path) -> None:
    checked = check(sys.executable, str(machine))
    assert (checked.returncode, checked.stderr) == (0, "")


def test_without_a_compiler__the_check_passes_and_says_so(machine: Path) -> None:
    (machine / "cc").unlink()
    checked = check(sys.executable, str(machine))
    assert checked.returncode == 0
    assert "no C compiler" in checked.stderr


def test_without_python__it_is_named(machine: Path) -> None:
    checked = check("python3.11-that-is-not-there", str(machine))
    assert checked.returncode == 1
    assert "is not there, needed is Python 3.11" in checked.stderr


def test_with_another_python__both_versions_are_named(machine: Path) -> None:
    stand_in(machine, "python-new", "3.14")
    checked = check("python-new", str(machine))
    assert checked.returncode == 1
    assert "python-new is 3.14, needed is Python 3.11" in checked.stderr


def test_with_an_old_node__it_is_named(machine: Path) -> None:
    stand_in(machine, "node", "18")
    checked = check(sys.executable, str(machine))
    assert checked.returncode == 1
    assert "needed is v20" in checked.stderr


def test_all_that_is_missing_is_named_at_once(machine: Path) -> None:
    (machine / "npm").unlink()
    checked = check("python3.11-that-is-not-there", str(machine))
    assert checked.returncode == 1
    assert "Python 3.11" in checked.stderr
    assert "no node and npm" in checked.stderr
