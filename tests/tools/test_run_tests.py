"""The test runner counts right, and a failure anywhere reaches the exit status."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tools.run_tests import Outcome, count_forge, count_report, count_static, summarise
from tools.systems_of_tests import list_systems

from tools import run_tests

FORGE_LINE = "Ran 2 test suites in 1.20s (1.9s CPU time): {} tests passed, {} failed, {} skipped"


def report(folder: Path, **counts: int) -> Path:
    attributes = " ".join(f'{name}="{count}"' for name, count in counts.items())
    path = folder / "report.xml"
    path.write_text(f"<testsuites><testsuite {attributes}/></testsuites>")
    return path


@pytest.mark.parametrize(
    ("counts", "status", "expected"),
    [
        ({"tests": 7, "failures": 0, "errors": 0, "skipped": 0}, 0, (7, 0)),
        ({"tests": 7, "failures": 2, "errors": 1, "skipped": 0}, 1, (4, 3)),
        ({"tests": 7, "failures": 0, "errors": 0, "skipped": 2}, 0, (5, 2)),
        ({"tests": 7, "failures": 0, "errors": 0, "skipped": 0}, 3, (7, 1)),
        ({"tests": 0, "failures": 0, "errors": 0, "skipped": 0}, 5, (0, 1)),
        ({"tests": 1, "failures": 1, "errors": 1, "skipped": 0}, 1, (0, 2)),
    ],
)
def test_count_report__counts_all_that_did_not_pass_as_failed(
    tmp_path: Path, counts: dict[str, int], status: int, expected: tuple[int, int]
) -> None:
    assert count_report(report(tmp_path, **counts), status) == expected


def test_count_report__of_a_run_that_died__is_one_failure(tmp_path: Path) -> None:
    assert count_report(tmp_path / "never written", 139) == (0, 1)


@pytest.mark.parametrize(
    ("line", "status", "expected"),
    [
        (FORGE_LINE.format(5, 0, 0) + " (5 total tests)", 0, (5, 0)),
        (FORGE_LINE.format(3, 2, 0) + " (5 total tests)", 1, (3, 2)),
        (FORGE_LINE.format(3, 0, 2) + " (5 total tests)", 0, (3, 2)),
        (FORGE_LINE.format(5, 0, 0) + " (5 total tests)", 1, (5, 1)),
        ("Error: Compiler run failed", 1, (0, 1)),
        ("No tests to run", 0, (0, 1)),
    ],
)
def test_count_forge__counts_all_that_did_not_pass_as_failed(
    line: str, status: int, expected: tuple[int, int]
) -> None:
    assert count_forge(f"Compiling 3 files\n{line}\n", status) == expected


@pytest.mark.parametrize(
    ("output", "status", "expected"),
    [
        ("ruff         passed     0.1 s\nC compiler   passed    10.6 s\n", 0, (2, 0)),
        ("ruff         passed     0.1 s\nslither      FAILED     9.0 s\n", 1, (1, 1)),
        ("ruff         passed     0.1 s\n", 1, (1, 1)),
        ("", 0, (0, 1)),
        ("nothing passed\n", 0, (0, 1)),
    ],
)
def test_count_static__counts_verdicts_and_believes_the_status(
    output: str, status: int, expected: tuple[int, int]
) -> None:
    assert count_static(output, status) == expected


def test_summarise__ends_with_the_plain_totals() -> None:
    text = summarise([Outcome("unit", 12, 1, 3.25), Outcome("contracts", 30, 0, 1.0)])
    assert text.splitlines()[-1] == "42 passed, 1 failed"


def test_main__runs_every_part_though_one_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_tests, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(run_tests, "keep_compiled", lambda: None)
    monkeypatch.setattr(run_tests, "PARTS", {"first": lambda _: (1, 2), "second": lambda _: (3, 0)})
    assert run_tests.main([]) == 1
    assert capsys.readouterr().out.endswith("\n4 passed, 2 failed\n")
    assert run_tests.main(["second"]) == 0


def test_parts__that_wait_for_a_processor_only__run_beside_the_others_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, behind_ended = threading.Event(), threading.Event()

    def ahead(_: str | None) -> tuple[int, int]:
        begun.set()
        assert behind_ended.wait(60)
        return 1, 0

    def behind(_: str | None) -> tuple[int, int]:
        assert begun.wait(60)
        behind_ended.set()
        return 2, 1

    monkeypatch.setattr(run_tests, "PARTS", {"static": behind, "unit": ahead})
    outcomes = run_tests.run_parts(["static", "unit"], None)
    assert [(each.name, each.passed, each.failed) for each in outcomes] == [
        ("static", 2, 1),
        ("unit", 1, 0),
    ]


def test_parts__begin_with_whole_jobs_and_what_gives_way_to_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    parts = {name: lambda _, name=name: (order.append(name), (1, 0))[1] for name in run_tests.PARTS}
    monkeypatch.setattr(run_tests, "PARTS", parts)
    monkeypatch.setattr(run_tests, "compile_tests", lambda: order.append("compiled"))
    outcomes = run_tests.run_parts(list(parts), None)
    assert [each.name for each in outcomes] == list(parts)
    behind = [name for name in order if name in ("compiled", *run_tests.BEHIND)]
    assert behind == ["compiled", "static", "invariants", "pure"]
    ahead = [name for name in order if name not in behind]
    assert ahead == ["processes", "unit", "contracts"]


def test_tests__are_compiled_before_many_workers_would_each_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[bool] = []
    monkeypatch.setattr(run_tests, "PARTS", dict.fromkeys(run_tests.PARTS, lambda _: (1, 0)))
    monkeypatch.setattr(run_tests, "compile_tests", lambda: compiled.append(True))
    for names in (["static"], ["unit"], ["static", "unit"], ["processes", "static"]):
        run_tests.run_parts(names, None)
    assert not compiled
    run_tests.run_parts(["unit", "processes", "static"], None)
    assert compiled == [True]


def test_main__lets_python_find_and_keep_what_is_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Hundreds of programs would compile all that they import, each for itself."""
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        monkeypatch.setenv(name, str(tmp_path))
    script = "import sys; print(sys.pycache_prefix, sys.dont_write_bytecode)"
    lines: list[str] = []

    def part(_: str | None) -> tuple[int, int]:
        return int(run_tests.run([sys.executable, "-c", script], lines.append) == 0), 0

    monkeypatch.setattr(run_tests, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(run_tests, "PARTS", {"unit": part})
    assert run_tests.main([]) == 0
    assert lines == ["None False\n"]


def test_run__of_what_gives_way__is_nice_and_hands_on_status_and_lines() -> None:
    words = [sys.executable, "-c", "import os; print(os.nice(0)); raise SystemExit(3)"]
    lines: list[str] = []
    assert run_tests.run(words, lines.append, niceness=run_tests.LAST) == 3
    assert lines == ["19\n"]
    assert run_tests.run(["no-such-tool-anywhere"], niceness=1) == run_tests.TOOL_MISSING


def test_what_gives_way__is_a_session_that_waits_behind_all_and_ends_with_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[int, str]] = []
    behind = "import os, time; print(os.getsid(0), flush=True); time.sleep(60)"

    def run_part(name: str, system: str | None) -> run_tests.Outcome:
        if name in run_tests.BEHIND:
            run_tests.run([sys.executable, "-c", behind], read, niceness=run_tests.LAST)
            return run_tests.Outcome(name, 1, 0, 0.0)
        while not told:
            time.sleep(0.01)
        raise KeyboardInterrupt

    def read(line: str) -> None:
        session = int(line)
        group = Path(f"/proc/{session}/autogroup")
        told.append((session, group.read_text() if group.exists() else "nice 19"))

    monkeypatch.setattr(run_tests, "run_part", run_part)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_tests.run_parts(["processes", "static"], None)
    assert time.monotonic() - started < 30
    ((session, priority),) = told
    assert session != os.getsid(0)
    assert priority.split("nice")[1].strip() == "19"


def test_files_of_the_part_processes__have_all_tests_with_its_marker(
    request: pytest.FixtureRequest,
) -> None:
    files = set(run_tests.find_processes(None))
    marked = {
        str(item.path.relative_to(run_tests.ROOT))
        for item in request.session.items
        if item.get_closest_marker("processes")
    }
    assert marked <= files
    assert "tests/end_to_end/outsourcing/night/test_kill_nine.py" in files
    assert "tests/tools/test_systems_of_tests.py" not in files


def test_main__a_part_that_does_not_exist__is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_tests.main(["nothing"])
    assert "no part nothing" in capsys.readouterr().err


def test_main__a_system_that_does_not_exist__is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_tests.main(["--system", "nothing"])
    there = ", ".join([*list_systems(), "none"])
    assert f"no system nothing; there are {there}" in capsys.readouterr().err


def commands_of(monkeypatch: pytest.MonkeyPatch, system: str | None) -> dict[str, str]:
    """What each part would run, with two systems in the checkout."""
    systems, asked = ["outsourcing", "trading"], {}

    def note(
        name: str, command: Sequence[str], echo: object = None, *, niceness: int = 0
    ) -> tuple[int, int]:
        assert (niceness > 0) is (name == "pure")
        asked[name] = " ".join(command)
        return 1, 0

    monkeypatch.setattr(run_tests, "list_systems", lambda: systems)
    monkeypatch.setattr(run_tests, "run_pytest_part", note)
    monkeypatch.setattr(run_tests, "run_behind", lambda words: ("", note("forge", words)[1]))
    for part in ("pure", "unit", "processes", "contracts", "invariants"):
        run_tests.PARTS[part](system)
    return asked


def test_parts__without_a_system__leave_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = commands_of(monkeypatch, None)
    assert "--system" not in asked["outsourcing"]
    for name in run_tests.find_tests(None):
        assert (name in asked["pure"].split()) is not (name in asked["unit"].split()), name
    assert "tests/end_to_end/outsourcing/night/test_kill_nine.py" in asked["processes"]
    assert "--system=none" in asked["ground"]  # what a system has runs in its own group
    assert asked["forge"] == "forge test"


def test_parts__of_one_system__leave_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = commands_of(monkeypatch, "outsourcing")
    assert "tests/offchain/systems/outsourcing/" in asked["unit"]
    assert "tests/offchain/systems/outsourcing/" in asked["pure"]
    assert "/trading/" not in asked["unit"] + asked["pure"]
    assert "tests/end_to_end/outsourcing/night/test_kill_nine.py" in asked["processes"]
    assert "tests/contracts/outsourcing" in asked["outsourcing"]
    assert asked["forge"] == "forge test --no-match-path tests/contracts/*/{trading}/*"


def test_parts__of_the_ground__leave_all_systems_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = commands_of(monkeypatch, "none")
    assert set(asked) == {"pure", "unit", "processes", "ground", "forge"}
    assert "outsourcing" not in asked["processes"]
    assert "tests/docs/test_every_command.py" in asked["processes"]
    assert asked["forge"].endswith("/{outsourcing,trading}/*")


def test_run__a_missing_tool__is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tests.run(["no-such-tool-anywhere"]) == run_tests.TOOL_MISSING
    assert "make setup" in capsys.readouterr().out


def test_run__hands_on_every_line_and_the_status() -> None:
    lines: list[str] = []
    assert run_tests.run(["sh", "-c", "echo one; echo two; exit 3"], lines.append) == 3
    assert lines == ["one\n", "two\n"]


def test_run_together__a_failure_of_any_group__is_counted_and_shown_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_tests, "REPORTS", tmp_path)

    def writing(name: str, **counts: int) -> list[str]:
        """A command that prints two lines, with the other group's between them, and reports."""
        text = report(tmp_path, **counts).read_text()
        turn = f"echo one of {name}; touch {tmp_path}/{name}; echo two of {name}"
        other = f"until [ -e {tmp_path}/first ] && [ -e {tmp_path}/second ]; do sleep 0.01; done"
        return ["sh", "-c", f"{turn}; {other}; echo '{text}' > {tmp_path}/{name}.xml"]

    first = writing("first", tests=5, failures=1)
    second = writing("second", tests=3, failures=0)
    assert run_tests.run_together({"first": first, "second": second}) == (7, 1)
    shown = capsys.readouterr().out
    assert "-- first --\none of first\ntwo of first\n" in shown
    assert "-- second --\none of second\ntwo of second\n" in shown
    assert run_tests.run_together({"first": first, "third": ["false"]}) == (4, 2)
