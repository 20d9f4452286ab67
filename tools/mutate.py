"""Change the code in small ways and see whether a test fails: mutants of contracts and of Python.

    python -m tools.mutate                       # all of them; goes on where it was stopped
    python -m tools.mutate --minutes 60          # as far as it comes
    python -m tools.mutate --sample 100 --seed 7 --files 'contracts/token/*'
    python -m tools.mutate --report              # write docs/mutants.md of what is known

`tools/mutants.toml` says which files, with which tests, and which survivors have a reason. What is
known is kept in `.cache/mutants`; contracts are tried in copies below `build/mutants`. Status 1
when fewer than 95 % of the mutants that were tried and make a difference die, or when a survivor
has no reason.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.mutation.python_stage import PythonStage
from tools.mutation.report import NEEDED_PERCENT, percent_killed, unexplained, write_report
from tools.mutation.running import Run, Stage, choose, gather
from tools.mutation.solidity_stage import SolidityStage
from tools.mutation.targets import read_targets

ROOT = Path(__file__).resolve().parent.parent
STAGES = Path("build/mutants")  # ape takes nothing below a .cache for its own
REPORT = Path("docs/mutants.md")


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", nargs="+", default=[], metavar="PATTERN", help="of these (all)")
    parser.add_argument("--sample", type=int, metavar="N", help="so many at random (all)")
    parser.add_argument("--seed", type=int, default=1, help="of the order and the sample (1)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after them (never)")
    parser.add_argument("--workers", type=int, default=1, help="at once (1)")
    parser.add_argument(
        "--quick", action="store_true", help="of contracts, only see whom forge's quick tests kill"
    )
    parser.add_argument("--report", action="store_true", help=f"write {REPORT}; try nothing")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants, or write the report."""
    asked = read_arguments(arguments)
    targets = read_targets(ROOT)
    suspects = gather(ROOT, targets, asked.files)
    if not suspects:
        sys.exit(f"no file of the list matches {' '.join(asked.files)}")

    def open_stage(number: int, ending: str) -> Stage:
        if ending == ".py":
            return PythonStage(ROOT)
        return SolidityStage(ROOT, ROOT / STAGES / f"stage-{number}", thrifty=asked.quick)

    if not asked.report:
        run = Run(
            open_stage,
            time.monotonic() + asked.minutes * 60,
            # Of those with a reason it is known that they survive all tests.
            lambda suspect, mutant: (
                not asked.quick or targets.reason_of(mutant, suspect.source) is not None
            ),
        )
        run.try_all(choose(suspects, asked.sample, asked.seed), asked.workers)
    tried = [one for suspect in suspects for one in suspect.tried(targets)]
    if asked.report:
        made = {suspect.path: len(suspect.mutants) for suspect in suspects}
        (ROOT / REPORT).write_text(write_report(made, tried))
    share, strange = percent_killed(tried), unexplained(tried)
    for one in strange:
        print(f"{one.mutant.path}:{one.line} {one.before}  =>  {one.after}")
    print(f"{len(tried)} tried, {share:.1f} % killed, {len(strange)} survivors without a reason")
    return 1 if share < NEEDED_PERCENT or strange else 0


if __name__ == "__main__":
    sys.exit(main())
