"""An installation without what speaks MQTT: commands that need it say so, all others go on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT

from edgemark.cli.terminal.exits import Exit

WITHOUT = """
import sys
for name in ("amqtt", "aiomqtt", "paho"):
    sys.modules[name] = None
from edgemark.cli.main import main
main()
"""


def run(home: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *words, "--home", str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "offchain"), **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("group", ["controller", "seller"])
def test_a_command_that_needs_it__says_what_to_install(tmp_path: Path, group: str) -> None:
    done = run(tmp_path / "home", group, "run")
    assert done.returncode == Exit.REFUSED_INPUT, done.stderr
    assert "Run `pip install aiomqtt`." in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor__looks_at_all_else(tmp_path: Path) -> None:
    assert "broker" not in run(tmp_path / "home", "doctor", "--offline").stdout
    named = {"EDGEMARK_BROKER_KIND": "mosquitto"}
    told = run(tmp_path / "home", "doctor", "--offline", **named)
    assert told.returncode == Exit.CHECK_FAILED
    assert "NO  broker" in told.stdout
    assert "pip install" in told.stdout
