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


WITHOUT_LEDGER = WITHOUT.replace('("amqtt", "aiomqtt", "paho")', '("grpc", "fabric_protos")')


def run(
    home: Path, *words: str, script: str = WITHOUT, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *words, "--home", str(home)],
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


@pytest.mark.parametrize(
    "words", [("up",), ("status",), ("query", "a", "b"), ("chaincode", "deploy", "a")]
)
def test_a_command_of_the_ledger__names_the_extra_that_brings_what_it_lacks(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = run(tmp_path / "home", "ledger", *words, script=WITHOUT_LEDGER)
    assert done.returncode == Exit.REFUSED_INPUT, done.stderr
    assert "Run `pip install 'edgemark[fabric]'`." in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor__without_the_packages_of_the_ledger__says_so_where_a_home_uses_it(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    told = run(home, "doctor", "--offline", script=WITHOUT_LEDGER)
    assert '"edgemark[fabric]"' in told.stdout
    assert "NO  ledger" not in told.stdout
    (home / "ledger").mkdir(parents=True)
    told = run(home, "doctor", "--offline", script=WITHOUT_LEDGER)
    assert told.returncode == Exit.CHECK_FAILED
    assert "NO  ledger" in told.stdout
    assert "edgemark[fabric]" in told.stdout
