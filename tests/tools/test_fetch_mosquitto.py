"""Where the tests' Mosquitto comes from, and what is said where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from benchmarks.mosquitto_process import VARIABLE, find_plug_in, find_root
from tests.architecture.checkout import ROOT

PROGRAM = ROOT / "tools/fetch_mosquitto.sh"
NEEDED = ("bash", "cat", "cut", "find", "head", "ln", "mkdir", "paste", "rm", "sed", "sort")


def fetch(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    words = [str(PROGRAM), str(folder)]
    known = {name: value for name, value in os.environ.items() if name != VARIABLE}
    return subprocess.run(
        words, env={**known, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def a_root(folder: Path, version: str) -> Path:
    """Files of a Mosquitto that says that it is of a version."""
    for name in ("usr/sbin/mosquitto", "usr/bin/mosquitto_ctrl"):
        file = folder / name
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\necho mosquitto version {version}\nexit 3\n")
        file.chmod(0o755)
    (folder / "usr/lib").mkdir()
    (folder / "usr/lib/mosquitto_dynamic_security.so").touch()
    return folder


def test_the_tests_of_this_checkout__have_one() -> None:
    assert find_plug_in(find_root()).is_file()


@pytest.mark.parametrize("version", ["2.0.11", "2.0.20", "2.10.0"])
def test_one_that_is_named__is_linked_to(tmp_path: Path, version: str) -> None:
    root = a_root(tmp_path / "named", version)
    done = fetch(tmp_path / "here", **{VARIABLE: str(root)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/root").resolve() == root


def test_one_that_is_too_old__is_refused_with_its_version(tmp_path: Path) -> None:
    root = a_root(tmp_path / "named", "2.0.9")
    done = fetch(tmp_path / "here", **{VARIABLE: str(root)})
    assert done.returncode == 1
    assert "is Mosquitto 2.0.9, needed is 2.0.11 or later" in done.stderr
    assert not (tmp_path / "here/root").exists()


@pytest.mark.parametrize("lacks", ["sbin/mosquitto", "bin/mosquitto_ctrl", "lib"])
def test_one_that_lacks_a_part__is_refused(tmp_path: Path, lacks: str) -> None:
    root = a_root(tmp_path / "named", "2.0.11")
    part = root / "usr" / lacks
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    done = fetch(tmp_path / "here", **{VARIABLE: str(root)})
    assert done.returncode == 1
    assert f"{VARIABLE}={root}" in done.stderr


def test_a_machine_without_any__is_told_what_to_install(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NEEDED:
        (programs / name).symlink_to(str(shutil.which(name)))
    if Path("/usr/sbin/mosquitto").exists():
        assert fetch(tmp_path / "here", PATH=str(programs)).returncode == 0
        return
    done = fetch(tmp_path / "here", PATH=str(programs))
    assert done.returncode == 1
    assert "apt-get install mosquitto" in done.stderr
    assert VARIABLE in done.stderr
