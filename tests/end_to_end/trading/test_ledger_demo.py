"""`edgemark demo ledger --json`, as a user runs it: every act, and the receipt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stage.forks import ENVIRONMENT

pytestmark = [pytest.mark.processes, pytest.mark.lasts(30)]

LIMIT_S = 540  # on a busy machine
ACTS = {  # what each of them has to have shown, by the beginning of its checks
    "commands",
    "at once",
    "again",
    "of two at once",
    "endorsed by one alone",
    "organisations disagree",
    "root",
    "held back",
    "killed client",
    "killed ledger",
    "events",
    "verify",
}


def play(folder: Path, kind: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EDGEMARK_")}
    words = ["demo", "ledger", "--ledger", kind, "--json", "--keep", str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "edgemark", *words],
        env={**ENVIRONMENT, **clean},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.fixture(
    scope="module", params=["development", pytest.param("fabric", marks=pytest.mark.fabric)]
)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, subprocess.CompletedProcess[str]]]:
    folder = tmp_path_factory.mktemp("demo-ledger")
    yield request.param, folder, play(folder, request.param)


def test_ledger_demo__every_act_was_played_and_every_check_passed(
    run: tuple[str, Path, subprocess.CompletedProcess[str]],
) -> None:
    kind, _, done = run
    assert done.stdout, done.stderr[-2000:]
    receipt: dict[str, Any] = json.loads(done.stdout)
    assert [each for each in receipt["checks"] if each["passed"] is not True] == []
    assert done.returncode == 0 and "Traceback" not in done.stderr
    shown = {each["name"].split(":")[0].split(",")[0] for each in receipt["checks"]}
    of_development = {"killed ledger", "verify"}
    assert shown == ACTS - (set() if kind == "development" else of_development)


def test_ledger_demo__leaves_no_process(
    run: tuple[str, Path, subprocess.CompletedProcess[str]],
) -> None:
    _, folder, _ = run
    left = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = place.read_bytes()
        except OSError:
            continue  # it has ended
        if str(folder).encode() in command:
            left.append(command)
    assert left == []
