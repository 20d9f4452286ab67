"""The completion script: commands and options, in a real bash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.offchain.cli.shells import LIMIT_S, environment, press_tab

from edgemark.cli.terminal.completion import SHELLS


def test_bash__completes_commands(tmp_path: Path) -> None:
    assert press_tab("edgemark acc", tmp_path) == ["account"]
    assert press_tab("edgemark account sho", tmp_path) == ["show"]


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
