"""Sees that a chaincode can be run, before anything is done for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.ledger.launching.program import LAST_WORDS

HOST = "edgemark_chaincode.host"  # what `python -m` runs
START_S = 30.0  # until a silent one counts as failed; it imports and listens in about one


def check_code(code: str, cwd: Path) -> None:
    """See that a chaincode can be made, in a process of its own, before anything is done for it.

    Args:
        code: a name of ours, or `module:Class`.
        cwd: folder where it would run.

    Raises:
        RefusedInput: it cannot; with its own words.
    """
    command = [sys.executable, "-m", HOST, "--check", "--", code]
    nothing = subprocess.DEVNULL
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, cwd=cwd, stdin=nothing, capture_output=True, timeout=START_S, check=False
        )
    except subprocess.TimeoutExpired as fault:
        raise _cannot_run(code, cwd, f"no end of its import in {START_S:g} s") from fault
    except ValueError as fault:  # a zero byte is in no command line
        raise _cannot_run(code, cwd, str(fault)) from fault
    except OSError as fault:  # the folder is gone
        raise _cannot_run(code, cwd, f"{cwd}: {fault.strerror}") from fault
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise _cannot_run(code, cwd, said)


def _cannot_run(code: str, cwd: Path, said: str) -> RefusedInput:
    """With its own words, which have what it had and what it needed."""
    return RefusedInput(
        f"cannot be run; nothing was changed: {said[-LAST_WORDS:]}",
        who=f"chaincode {code[:128]!a}",
        remedy="Mend it, or name another (--run): a name of ours, or MODULE:CLASS, as shelf:Shelf "
        f"of shelf.py in {cwd}.",
    )
