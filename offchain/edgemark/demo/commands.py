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
MOST_LINES = 3  # of what a command that failed said
MOST_SAID = 1000  # characters


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
        who = " ".join(["edgemark", *words[:2]])
        home = words[words.index("--home") + 1] if "--home" in words[:-1] else ""
        who += f" of {Path(home).name}" if home else ""
        raise Unrecoverable("command failed", who=who, had=find_reason(done.stdout, done.stderr))
    return done.stdout


def find_reason(out: str, err: str) -> str:
    """What a command said at last for people: no line of its log, and no more than a few lines.

    Args:
        out: its standard output, which has the reason where something was begun.
        err: its standard error.
    """
    lines = [each.strip() for each in f"{err}\n{out}".splitlines()]
    said = [each for each in lines if each and not each.startswith("{")]
    return "; ".join(said[-MOST_LINES:])[-MOST_SAID:] or "nothing"


def show_command(words: Sequence[str]) -> str:
    """The line that a user types."""
    return " ".join(["edgemark", *words])
