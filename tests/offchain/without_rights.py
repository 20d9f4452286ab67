"""Runs a program that may do what the permissions of files say, also where root runs the tests."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
LIMIT_S = 120
_LIBC = ctypes.CDLL(None, use_errno=True)


def _give_up_rights() -> None:
    if os.geteuid() == 0:
        for right in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if _LIBC.prctl(PR_CAPBSET_DROP, right, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "root keeps its rights over files")


def run_without_rights(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run Python with these words, from the checkout."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'offchain'}{os.pathsep}{ROOT}"},
        preexec_fn=_give_up_rights,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
