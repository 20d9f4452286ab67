"""Every check that reads the sources without running them, one line a check.

    python tools/static_checks.py [CHECK ...]

The output of a check is shown when it fails. `make lint` runs all of them, `make test` too.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = Path("offchain/edgemark/crypto/_native")
PYTHON_TREES = ("offchain", "chaincode", "tests", "tools", "scripts", "benchmarks", "setup.py")
SHIPPED_TREES = tuple(tree for tree in PYTHON_TREES if tree != "tests")  # which plant flaws
# Medium and worse; ruff's S rules have the rest, each exception with its reason.
BANDIT = ("--quiet", "-ll", "--configfile", "pyproject.toml", "--recursive")
LIMIT_S = 1800  # a cold type check takes a minute alone, and ten behind whole jobs and other checks
AT_ONCE = 2  # checks; each keeps one processor busy
TOOL_MISSING = 127  # what a shell answers for a command that is not there


@dataclass(frozen=True)
class Outcome:
    """What a check came to; `output` is all that it printed."""

    name: str
    passed: bool
    seconds: float
    output: str


def present(trees: Sequence[str]) -> list[str]:
    """Those of the trees that this checkout has."""
    return [tree for tree in trees if (ROOT / tree).exists()]


def list_commands() -> dict[str, list[list[str]]]:
    """The commands of each check; a check passes when all of its commands do."""
    python = sys.executable
    include = sysconfig.get_path("include")
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / NATIVE).glob("*.c"))
    tools = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tools").rglob("*.py"))
    benchmarks = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("benchmarks/*.py"))
    # Compiled, not only parsed: some warnings come from the optimiser.
    strict = ["cc", "-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", f"-I{include}", "-c"]
    return {
        "ruff": [[python, "-m", "ruff", "check", *present(PYTHON_TREES)]],
        "ruff format": [[python, "-m", "ruff", "format", "--check", *present(PYTHON_TREES)]],
        "mypy": [
            [python, "-m", "mypy"],
            [python, "-m", "mypy", "--explicit-package-bases", *tools],
            [python, "-m", "mypy", "--explicit-package-bases", *benchmarks],
        ],
        "bandit": [
            [python, "-m", "bandit", *BANDIT, *present(SHIPPED_TREES)],
        ],
        "solhint": [
            ["node_modules/.bin/solhint", "--max-warnings", "0", "contracts/**/*.sol"],
        ],
        "slither": [[python, "tools/check_slither.py"]],
        "C compiler": [[*strict, source, "-o", "/dev/null"] for source in sources],
        "clang-tidy": [
            ["clang-tidy", "--quiet", *sources, "--", "-std=c11", "-O2", "-isystem", include]
        ],
    }


def run_check(name: str, commands: Sequence[Sequence[str]]) -> Outcome:
    """Run the commands of one check, the first that fails being the last."""
    started = time.monotonic()
    output = ""
    status = 0 if commands else TOOL_MISSING
    for command in commands:
        status, printed = run(command)
        output += printed
        if status:
            break
    return Outcome(name, status == 0, time.monotonic() - started, output)


def run(command: Sequence[str]) -> tuple[int, str]:
    """Run one command in the checkout; its exit status and what it printed."""
    tool = shutil.which(str(ROOT / command[0])) or shutil.which(command[0])
    if tool is None:
        return TOOL_MISSING, f"{command[0]} is missing: run `make setup`\n"
    try:
        ran = subprocess.run(
            [tool, *command[1:]],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"{command[0]} took longer than {LIMIT_S} s\n"
    return ran.returncode, ran.stdout


def run_checks(names: Sequence[str] = ()) -> list[Outcome]:
    """Run the named checks (all when none is named), two at once, telling of each as it ends."""
    commands = list_commands()
    outcomes = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(run_check, name, commands[name]) for name in names or commands]
        for future in as_completed(running):
            outcome = future.result()
            outcomes.append(outcome)
            verdict = "passed" if outcome.passed else "FAILED"
            print(f"{outcome.name:<12} {verdict} {outcome.seconds:7.1f} s", flush=True)
            if not outcome.passed:
                print(outcome.output, flush=True)
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that were asked for; the exit status is 0 only when every one passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = list_commands()
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"of: {', '.join(known)} (all)")
    chosen = parser.parse_args(arguments).checks
    if unknown := [name for name in chosen if name not in known]:
        parser.error(f"no check {', '.join(unknown)}; there are {', '.join(known)}")
    return 0 if all(outcome.passed for outcome in run_checks(chosen)) else 1


if __name__ == "__main__":
    sys.exit(main())
