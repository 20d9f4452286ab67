"""A test whose tool is missing fails, it does not skip: the rule of tests/conftest.py, at work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT


def run_planted(folder: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one planted test file under our conftest, in a process of its own."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "test_planted.py").write_text(source)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:ape_test", "-p", "no:cacheprovider", "-q", "."],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "source",
    [
        "import pytest\n\ndef test_a(): pytest.s" + "kip('no anvil')",
        "import pytest\n\n@pytest.mark.s" + "kip(reason='no anvil')\ndef test_a(): pass",
        "import pytest\n\n@pytest.mark.x" + "fail(reason='no anvil')\ndef test_a(): assert False",
        "import pytest\npytest.import" + "orskip('no_such_module', reason='no anvil')",
    ],
)
def test_a_skipped_test__fails_the_run(tmp_path: Path, source: str) -> None:
    ran = run_planted(tmp_path, source + "\n")
    assert ran.returncode != 0
    assert "no anvil" in ran.stdout
    assert "skipped" not in ran.stdout.splitlines()[-1]


def test_a_run_without_skips__passes(tmp_path: Path) -> None:
    ran = run_planted(tmp_path, "def test_a(): pass\n")
    assert ran.returncode == 0, ran.stdout


def test_an_unknown_profile__is_refused(tmp_path: Path) -> None:
    ran = run_planted(tmp_path, "def test_a(): pass\n", HYPOTHESIS_PROFILE="hurry")
    assert ran.returncode != 0
    assert "hurry" in ran.stdout + ran.stderr
