"""Runs the scripts of the checkout the way a user does: `ape run SCRIPT --network ...`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.scripts.ape_forks import ApeForks

from edgemark.ledger.evm.development.anvil import find_anvil

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / ".cache" / "own"
SCRATCH = ROOT / ".cache" / "tmp"
LIMIT_S = 280
WIDTH = "80"  # columns: no address may be cut or folded there


def ape_data_folder() -> Path:
    """Where ape keeps accounts."""
    return Path(os.environ.get("APE_DATA_FOLDER", ROOT / ".ape"))


def ape_run(
    home: Path, *words: str, answers: str = "", forks: ApeForks | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `ape run` with these words, with `home` as the home folder of Edgemark.

    Args:
        home: the folder.
        words: after `ape run`.
        answers: typed on standard input.
        forks: forks the process; as a shell starts it when None.
    """
    environ = environment_of_ape(home)
    if forks is not None:
        return forks.run(("run", *words), environ, answers)
    return subprocess.run(
        ["ape", "run", *words],
        cwd=ROOT,
        env=environ,
        input=answers,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def environment_of_ape(home: Path) -> dict[str, str]:
    """All of it, with the tools on the path."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    programs = (Path(sys.executable).parent, find_anvil(ROOT).parent)
    return {
        "APE_DATA_FOLDER": str(ROOT / ".ape"),
        "SOLCX_BINARY_PATH": str(ROOT / ".solcx"),
        **os.environ,
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "offchain"),
        "EDGEMARK_HOME": str(home),
        "TMPDIR": str(SCRATCH),  # see the Makefile
        "COLUMNS": WIDTH,
        # Hardhat keeps files of its own; not in the home folder of whoever runs the tests.
        **{f"XDG_{kind}_HOME": str(OWN) for kind in ("CONFIG", "DATA", "CACHE")},
    }
