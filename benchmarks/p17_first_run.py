"""P17: what a newcomer waits for: `make demo` from a clean clone, and `make demo` once more.

The first run installs everything and depends on the registries, so it is run once and compared with
nothing. The peer of the second is the least that a demonstration on a chain can be: ape, which
starts a chain and deploys the same contracts, with no party and no job. `--quick` leaves the first
run out and takes only what make does before the second demonstration starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.command import QUICK_RESULTS, ROOT, Scale, main
from benchmarks.findings import Findings
from benchmarks.measuring import Timing

FIRST, SECOND, BEFORE = "make demo, first", "make demo, second", "make, before the second demo"
PEER = "ape: a chain and the contracts"
FIRST_TARGET_S = 360  # six minutes
SECOND_TARGET_S = 60
ROUNDS = 3  # of what takes most of a minute
PROGRAMS = (".venv/bin", "node_modules/@foundry-rs/anvil-linux-amd64/bin")


def measure(findings: Findings, scale: Scale) -> None:
    """Run the first time in a clone of its own, then take turns in this checkout."""
    if not scale.quick:
        scale.tell("make demo in a clean clone")
        findings.add(1, {FIRST: _once([_run_first()])})
        _judge(findings, 1, FIRST, FIRST_TARGET_S)
    ours = BEFORE if scale.quick else SECOND
    commands = {
        ours: ["make", "contracts" if scale.quick else "demo"],
        PEER: ["ape", "run", "deploy", "--network", "ethereum:local:foundry"],
    }
    samples: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(1 if scale.quick else ROUNDS):
        scale.tell(f"second run, round {number + 1}")
        for name, command in commands.items():
            samples[name].append(_seconds(command, ROOT))
    taken = _once if scale.quick else Timing.from_samples
    findings.add(2, {name: taken(seconds) for name, seconds in samples.items()})
    findings.compare("second run", 2, ours, PEER)
    if not scale.quick:
        _judge(findings, 2, SECOND, SECOND_TARGET_S)


def _run_first() -> float:
    QUICK_RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=QUICK_RESULTS, prefix="clone-") as folder:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        return _seconds(["make", "demo"], Path(folder))


def _seconds(command: list[str], folder: Path) -> float:
    """How long a command of a checkout takes, which must succeed."""
    paths = [str(folder / program) for program in PROGRAMS]
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([*paths, os.environ["PATH"]]),
        "APE_DATA_FOLDER": str(folder / ".ape"),
        "SOLCX_BINARY_PATH": str(folder / ".solcx"),
        "TMPDIR": str(folder / ".cache" / "tmp"),
    }
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _once(samples: list[float]) -> Timing:
    (seconds,) = samples
    return Timing(seconds, seconds, seconds, 1)


def _judge(findings: Findings, at: float, series: str, target_s: float) -> None:
    seconds = findings.point(series, at).value
    verdict = "met" if seconds < target_s else "NOT met"
    findings.notes.append(f"{series}: {seconds:.0f} s, target below {target_s:.0f} s: {verdict}")


if __name__ == "__main__":
    sys.exit(main("p17_first_run", "make demo", "run", measure))
