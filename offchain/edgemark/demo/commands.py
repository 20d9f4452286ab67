"""Commands as a user types them, for a demonstration that goes by files and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgemark.errors import Unrecoverable
from edgemark.process import tether
from edgemark.settings.loading import without_settings

COMMAND_LIMIT_S = 240.0


def run_command(folder: Path, words: Sequence[str]) -> str:
    """Run `edgemark` in a folder; what it printed.

    Raises:
        Unrecoverable: its exit status is not 0.
    """
    done = subprocess.run(  # noqa: S603 - our own program
        tether([sys.executable, "-m", "edgemark", *words]),
        cwd=folder,
        env=without_settings(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )
    if done.returncode:
        said = f"{done.stderr}{done.stdout}"  # of what was begun, standard output has the reason
        raise Unrecoverable(
            "command failed", who=" ".join(["edgemark", *words[:2]]), had=said[-1000:]
        )
    return done.stdout


def show_command(words: Sequence[str]) -> str:
    """The line that a user types."""
    return " ".join(["edgemark", *words])
