"""Run every test of the checkout, part by part, and end with one line of totals.

    python -m tools.run_tests [--system NAME] [PART ...]

Parts: `static` (sources read, not run), `pure` (no clock, thread, socket or chain), `unit` (the
rest that needs no set of processes; both in parallel), `processes` (whole jobs with real
processes), `contracts` (ape on Anvil, two groups at once), `invariants` (forge). Whole jobs begin
(`FIRST`): they wait for blocks two fifths of their time. What waits for nothing but a processor
(`BEHIND`) runs beside all others, takes what they leave, and shows its lines when it has ended.
Every part runs even when an earlier one failed. A skipped test counts as failed, and so does a
part without tests or without its tool.

With `--system` the tests of the other systems stay away (`tools/systems_of_tests.py` says which
they are); those of the ground run for every system, and alone with `--system none`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tools.pure_tests import find_pure
from tools.systems_of_tests import GROUND, belongs_to, list_systems, name_others

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".cache" / "reports"
TOOL_MISSING = 127  # what a shell answers for a command that is not there
# A test that hangs is ended after this time; soak runs try many more examples in one test.
TEST_LIMIT_S = 3600 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 300
PATIENCE = 6  # times as long for what gives way: it may have a tenth of a processor
# Jobs with real processes wait for blocks; with three at once on two cores, judges come too late.
PROCESS_WORKERS = 2
# These wait an eighth of their time, for a chain or a program that they have started.
UNIT_WORKERS = (os.cpu_count() or 1) + 1
PURE_WORKERS = os.cpu_count() or 1

CONTRACTS = "tests/contracts"
GROUPS_AT_ONCE = 2  # of the contracts' tests: ape and its Anvil keep one processor busy
# ape's pytest plugin would start a chain of its own in every worker; its tests are a part apart.
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:ape_test", "--ignore=tests/contracts")
# One file's tests may share what took long to make. The order is that of tests/conftest.py.
BY_FILE = ("--dist=loadfile", "--no-loadscope-reorder")
FIRST = "processes"
# These begin with the first and give way to all: blocks come in time (tests/stage/metronome.py).
BEHIND = ("static", "invariants", "pure")
LAST = 19  # niceness
_GIVING_WAY: list[subprocess.Popen[str]] = []
FORGE_TOTALS = re.compile(r"(\d+) tests? passed, (\d+) failed, (\d+) skipped \(\d+ total tests?\)")

# Nothing but `whole_stage` gives it to the tests of another file (tests/architecture).
MARKS_PROCESSES = re.compile(r"\bmark\.processes\b|\bwhole_stage\(")
STATIC_VERDICT = re.compile(r"^[\w -]{12} (passed|FAILED) +[\d.]+ s$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What one part came to; a skipped test is among the failed."""

    name: str
    passed: int
    failed: int
    seconds: float


def count_report(report: Path, status: int) -> tuple[int, int]:
    """Count (passed, failed) in a JUnit report, given the exit status of the run that wrote it.

    A run that wrote no report, ran no test, or failed without a failed test counts one failure.
    """
    if not report.is_file():
        return 0, 1
    ran = failed = 0
    # Our own test runner wrote this file a moment ago.
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 # nosec B314
        ran += int(suite.get("tests", 0))
        failed += sum(int(suite.get(key, 0)) for key in ("failures", "errors", "skipped"))
    if failed == 0 and (status != 0 or ran == 0):
        return ran, 1
    return max(ran - failed, 0), failed


def count_forge(output: str, status: int) -> tuple[int, int]:
    """Count (passed, failed) in what `forge test` printed; see `count_report` for the status."""
    totals = FORGE_TOTALS.search(output)
    if totals is None:
        return 0, 1
    passed, failed, skipped = (int(number) for number in totals.groups())
    failed += skipped
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
    return passed, failed


def count_static(output: str, status: int) -> tuple[int, int]:
    """Count (passed, failed) in what `static_checks.py` printed; see `count_report` too."""
    verdicts = STATIC_VERDICT.findall(output)
    passed, failed = verdicts.count("passed"), verdicts.count("FAILED")
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
    return passed, failed


def run_pytest_part(
    name: str,
    command: Sequence[str],
    echo: Callable[[str], None] | None = None,
    *,
    niceness: int = 0,
) -> tuple[int, int]:
    """Run a pytest (or ape) command that writes a JUnit report; answer (passed, failed)."""
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    limit_s = TEST_LIMIT_S * (PATIENCE if niceness else 1)
    words = [*command, f"--timeout={limit_s}", f"--junitxml={report}"]
    status = run(words, echo, niceness=niceness)
    return count_report(report, status)


def run(
    command: Sequence[str],
    echo: Callable[[str], None] | None = None,
    *,
    niceness: int = 0,
) -> int:
    """Run a command in the checkout; its output goes to the terminal, or line by line to `echo`.

    Returns its exit status, `TOOL_MISSING` when there is no such command.
    """
    tool = shutil.which(command[0])
    if tool is None:
        print(f"{command[0]} is missing: run `make setup`", flush=True)
        return TOOL_MISSING
    pipe = subprocess.PIPE if echo else None
    words = [*(("nice", "-n", str(niceness)) if niceness else ()), tool, *command[1:]]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=pipe, text=True, start_new_session=niceness > 0
    ) as process:
        if niceness:
            _GIVING_WAY.append(process)
            give_way(process.pid, niceness)
        if echo and process.stdout:
            for line in process.stdout:
                echo(line)
        return process.wait()


def give_way(pid: int, niceness: int) -> None:
    """Let the session of this process wait behind all others.

    Linux shares processors between sessions first, by a niceness that each session has of its own
    (sched(7), autogroup): in the tests' session a nice process gives way to them, and to no server
    that they start.
    """
    with suppress(OSError):  # a kernel without it
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def end_those_behind() -> None:
    """End what gives way; an interrupt of the terminal does not reach another session."""
    for process in _GIVING_WAY:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def run_static(system: str | None) -> tuple[int, int]:  # noqa: ARG001 - they read everything
    """Linters, type checkers and analysers; each counts as one test."""
    output, status = run_behind([sys.executable, "tools/static_checks.py"])
    return count_static(output, status)


def run_behind(command: Sequence[str]) -> tuple[str, int]:
    """Run a command that gives way to all others; what it printed, shown at its end, and status."""
    lines: list[str] = []
    status = run(command, lines.append, niceness=LAST)
    output = "".join(lines)
    print(f"-- {' '.join(command[-2:])} --\n{output}", end="", flush=True)
    return output, status


def run_pure(system: str | None) -> tuple[int, int]:
    """Everything that waits for nothing but a processor, in parallel."""
    how = ("-n", str(PURE_WORKERS), *BY_FILE, "-q")
    files = find_pure(name_others(system, list_systems()))
    return run_shown("pure", [*PYTEST, *how, *files], niceness=LAST)


def run_unit(system: str | None) -> tuple[int, int]:
    """Everything else that needs neither ape nor a set of processes, in parallel."""
    how = ("-n", str(UNIT_WORKERS), *BY_FILE, "-m", "not processes", "-q")
    pure = set(find_pure())
    files = [name for name in find_tests(system) if name not in pure]
    return run_pytest_part("unit", [*PYTEST, *how, *files])


def compile_tests() -> None:
    """Let pytest keep what it makes of the modules of tests, which each worker of `unit` would."""
    run([*PYTEST, "--collect-only", "-q", "tests"], lambda _: None, niceness=LAST)


def run_processes(system: str | None) -> tuple[int, int]:
    """Whole jobs: a real chain, real devices, nodes and judges."""
    how = ("-n", str(PROCESS_WORKERS), *BY_FILE, "-m", "processes")
    return run_pytest_part("processes", [*PYTEST, *how, *find_processes(system)])


def find_processes(system: str | None) -> list[str]:
    """Files in which a test may have the marker `processes`: the others need not be imported."""
    return [
        name for name in find_tests(system) if MARKS_PROCESSES.search((ROOT / name).read_text())
    ]


def find_tests(system: str | None) -> list[str]:
    """All files of tests but the contracts' and those of other systems."""
    others = name_others(system, list_systems())
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if not path.is_relative_to(ROOT / CONTRACTS) and not belongs_to(path, others)
    )


def of_system(system: str | None) -> tuple[str, ...]:
    """The option of tests/conftest.py that keeps the other systems' tests away."""
    return () if system is None else (f"--system={system}",)


def run_contracts(system: str | None) -> tuple[int, int]:
    """The contracts through ape, two groups at once, each on an Anvil that its ape starts."""
    ape = str(Path(sys.executable).with_name("ape"))
    on_anvil = ("--network", "ethereum:local:foundry")
    groups = {
        name: [ape, "test", f"{CONTRACTS}/{name}", *on_anvil]
        for name in list_systems()
        if system in (None, name) and (ROOT / CONTRACTS / name).is_dir()
    }
    ground = [ape, "test", CONTRACTS, *of_system(GROUND), *on_anvil]
    return run_together({**groups, "ground": ground})


def run_together(groups: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """Run pytest (or ape) commands beside one another; answer (passed, failed) of all of them.

    What each printed follows when it has ended, so that the lines of two are never mixed.
    """
    with ThreadPoolExecutor(GROUPS_AT_ONCE) as pool:
        counted = list(pool.map(run_shown, groups, groups.values()))
    passed, failed = zip(*counted, strict=True)
    return sum(passed), sum(failed)


def run_shown(name: str, command: Sequence[str], *, niceness: int = 0) -> tuple[int, int]:
    """As `run_pytest_part`, with all that it printed shown at its end."""
    lines: list[str] = []
    try:
        return run_pytest_part(name, command, lines.append, niceness=niceness)
    finally:
        print("".join([f"-- {name} --\n", *lines]), end="", flush=True)


def run_invariants(system: str | None) -> tuple[int, int]:
    """Fuzzed amounts and invariants of the contracts, by forge."""
    others = name_others(system, list_systems())
    without = ["--no-match-path", f"{CONTRACTS}/*/{{{','.join(others)}}}/*"] if others else []
    output, status = run_behind(["forge", "test", *without])
    return count_forge(output, status)


PARTS: dict[str, Callable[[str | None], tuple[int, int]]] = {
    "static": run_static,
    "pure": run_pure,
    "unit": run_unit,
    "processes": run_processes,
    "contracts": run_contracts,
    "invariants": run_invariants,
}


def keep_compiled() -> None:
    """Let Python keep what it compiles, and find what `make setup` compiled.

    The tests start hundreds of programs: where a shell forbids it, each compiles all it imports.
    """
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        os.environ.pop(name, None)


def summarise(outcomes: Sequence[Outcome]) -> str:
    """The closing table; its last line is `N passed, N failed`."""
    lines = [f"{'part':<12}{'passed':>8}{'failed':>8}{'seconds':>10}"]
    lines += [f"{o.name:<12}{o.passed:>8}{o.failed:>8}{o.seconds:>10.1f}" for o in outcomes]
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    return "\n".join([*lines, f"{passed} passed, {failed} failed"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were asked for; the exit status is 0 only when nothing failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)} (all)")
    systems = [*list_systems(), GROUND]
    parser.add_argument("--system", metavar="NAME", help=f"one of: {', '.join(systems)} (all)")
    asked = parser.parse_args(arguments)
    chosen = asked.parts or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if asked.system not in (None, *systems):
        parser.error(f"no system {asked.system}; there are {', '.join(systems)}")
    REPORTS.mkdir(parents=True, exist_ok=True)
    keep_compiled()
    outcomes = run_parts(chosen, asked.system)
    print(f"\n{summarise(outcomes)}", flush=True)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def run_parts(names: Sequence[str], system: str | None) -> list[Outcome]:
    """Run parts one after the other, those of `BEHIND` beside the rest; in the order of `names`.

    `FIRST` leaves most to what runs beside it, so it begins.
    """

    def run_row(row: Sequence[str]) -> list[Outcome]:
        if row == behind and {FIRST, "unit"} <= set(names):
            compile_tests()
        return [run_part(name, system) for name in row]

    behind = [name for name in BEHIND if name in names]
    ahead = sorted((each for each in names if each not in BEHIND), key=lambda each: each != FIRST)
    with ThreadPoolExecutor(2) as pool:
        try:
            outcomes = [each for row in pool.map(run_row, (ahead, behind)) for each in row]
        except BaseException:
            end_those_behind()
            raise
    return sorted(outcomes, key=lambda outcome: names.index(outcome.name))


def run_part(name: str, system: str | None) -> Outcome:
    """Run one part and time it."""
    print(f"\n== {name} ==", flush=True)
    started = time.monotonic()
    passed, failed = PARTS[name](system)
    return Outcome(name, passed, failed, time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
