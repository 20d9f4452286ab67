"""What every benchmark's command line does: options, machine, files, one row of the result.

    python -m benchmarks.p01_dense_quadratic [--quick] [--out FOLDER]

`--quick` takes the smallest sizes and two rounds: it shows that the benchmark works and says
nothing about speed, so it writes below `.cache`.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.drawing import draw
from benchmarks.findings import Findings, show_ratio
from edgemark.crypto.field import kernel

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
QUICK_RESULTS = ROOT / ".cache" / "benchmarks"
LIMIT_S = 600  # of one benchmark; all together take less than 20 minutes


@dataclass(frozen=True)
class Scale:
    """How much to measure.

    Attributes:
        quick: smallest sizes only.
        rounds: samples of each subject.
    """

    quick: bool
    rounds: int

    def tell(self, line: str) -> None:
        """A sign of life on standard error."""
        sys.stderr.write(f"  {line}\n")


class TookTooLong(Exception):
    """The benchmark did not end within its limit."""


def describe_machine() -> dict[str, str]:
    """What figures depend on: processor, cores, versions, kernel path, load, day."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "system": platform.system(),
        "python": platform.python_version(),
        "kernel path": kernel.path(),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "day": datetime.now(UTC).date().isoformat(),
    }


def main(
    name: str,
    title: str,
    axis: str,
    measure: Callable[[Findings, Scale], None],
    *,
    logarithmic: bool = True,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run one benchmark: measure, print its ratios, write its files and its plot.

    Args:
        name: file name without suffix.
        title: one line for people.
        axis: name of the horizontal axis, with its unit.
        measure: fills the findings; takes what it needs from the scale.
        logarithmic: vertical axis of the plot.
        arguments: command line without the program.

    Returns:
        Exit status: 0, or 1 when it took too long.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=title)
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    parser.add_argument("--out", type=Path, help="folder of the results")
    options = parser.parse_args(arguments)
    scale = Scale(options.quick, 2 if options.quick else 7)
    folder = options.out or (QUICK_RESULTS if options.quick else RESULTS)
    findings = Findings(name, title, axis, describe_machine())
    sys.stdout.write(f"{name}: {title}\n")
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(LIMIT_S)
    try:
        measure(findings, scale)
    except TookTooLong:
        sys.stdout.write(f"  took longer than {LIMIT_S} s: nothing is kept\n")
        return 1
    finally:
        signal.alarm(0)
    print_ratios(findings)
    findings.write(folder)
    draw(findings, folder, logarithmic=logarithmic)
    return 0


def print_ratios(findings: Findings) -> None:
    """One line a ratio: value, noise, target."""
    for ratio in findings.ratios:
        verdict = {True: "met", False: "NOT met", None: ""}[ratio.is_met]
        sys.stdout.write(
            f"  {ratio.what}: {ratio.ours} against {ratio.peer}: {show_ratio(ratio.value)}x"
            f" ({show_ratio(ratio.low)} to {show_ratio(ratio.high)})"
            + (f", target {ratio.target}: {verdict}" if ratio.target else "")
            + "\n"
        )
    for note in findings.notes:
        sys.stdout.write(f"  {note}\n")


def _give_up(number: int, frame: types.FrameType | None) -> None:  # noqa: ARG001
    raise TookTooLong
