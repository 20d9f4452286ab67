"""Commands as a user types them, for a demonstration that goes by files and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgemark.demo.patience import NotInTime
from edgemark.demo.progress import awaiting
from edgemark.errors import Unrecoverable
from edgemark.process import tether
from edgemark.settings.loading import without_settings

COMMAND_LIMIT_S = 900.0  # on a machine that is busy with much else; an idle one takes seconds
MOST_LINES = 3  # of what a command that failed said
MOST_SAID = 1000  # characters


def run_command(folder: Path, words: Sequence[str], limit_s: float = COMMAND_LIMIT_S) -> str:
    """Run `edgemark` in a folder; what it printed.

    Args:
        folder: where.
        words: behind `edgemark`.
        limit_s: seconds after which it is ended.

    Raises:
        Unrecoverable: its exit status is not 0.
        NotInTime: it took longer.
    """
    who = _name(words)
    try:
        with awaiting(who):
            done = subprocess.run(  # noqa: S603 - our own program
                tether([sys.executable, "-m", "edgemark", *words]),
                cwd=folder,
                env=without_settings(os.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=limit_s,
                check=False,
            )
    except subprocess.TimeoutExpired as late:
        said = find_reason(_text(late.stdout), _text(late.stderr))
        raise NotInTime.after(limit_s, who, f"its last words: {said}") from late
    if done.returncode:
        raise Unrecoverable("command failed", who=who, had=find_reason(done.stdout, done.stderr))
    return done.stdout


def _name(words: Sequence[str]) -> str:
    """A command as it is told of: its first words, and whose home it is typed in."""
    home = words[words.index("--home") + 1] if "--home" in words[:-1] else ""
    who = " ".join(["edgemark", *words[:2]])
    return f"{who} of {Path(home).name}" if home else who


def _text(said: str | bytes | None) -> str:
    """What a command that was ended had printed: bytes, whatever was asked for."""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said or ""


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
