"""A forked program is what `python -m` starts: what it prints, how it ends, how it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stage.command_line import edgemark
from tests.stage.forks import ENVIRONMENT, Forked
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

# Says who it is, then waits to be ended; SIGTERM lets it leave with a status of its own.
PROGRAM = """
import os, signal, sys, time
def leave(number, frame):
    sys.exit(7)
signal.signal(signal.SIGTERM, leave)
print(os.getpid(), os.environ["WORD"], "HOME" in os.environ, sys.argv[1:], __name__, flush=True)
print("wrong", file=sys.stderr)
while "stay" in sys.argv:
    time.sleep(0.05)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "told.py").write_text(PROGRAM)
    return tmp_path


def start(folder: Path, *words: str) -> Forked:
    return Forked(
        "told",
        words,
        environ={"WORD": "tree", "PYTHONPATH": str(folder)},
        out=folder / "out",
        error=folder / "error",
    )


def lines_of(folder: Path, count: int) -> list[str]:
    def lines() -> list[str]:
        path = folder / "out"
        return path.read_text().splitlines() if path.exists() else []

    wait_until("its words", lambda: len(lines()) >= count)
    return lines()


def test_program__has_a_process_words_and_an_environment_of_its_own(program: Path) -> None:
    forked = start(program, "some", "words")
    assert forked.wait(60) == 0
    assert lines_of(program, 1) == [f"{forked.pid} tree False ['some', 'words'] __main__"]
    assert (program / "error").read_text() == "wrong\n"
    assert forked.pid != os.getpid()


def test_program__that_was_imported_before__begins_anew_and_warns_of_nothing(
    tmp_path: Path,
) -> None:
    out, error = tmp_path / "out", tmp_path / "error"
    forked = Forked("edgemark.cli.main", ["--help"], environ={}, out=out, error=error)
    assert forked.wait(60) == 0
    assert out.read_text().startswith("Usage: edgemark")
    assert error.read_text() == ""


def test_program__asked_to_leave__ends_with_its_own_status(program: Path) -> None:
    forked = start(program, "stay")
    lines_of(program, 1)
    assert forked.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0.05)
    forked.terminate()
    assert forked.wait(60) == forked.poll() == 7


@pytest.mark.parametrize("by_number", [True, False])
def test_program__killed__ends_at_once_as_by_kill_9(program: Path, by_number: bool) -> None:
    forked = start(program, "stay")
    lines_of(program, 1)
    if by_number:
        os.kill(forked.pid, signal.SIGKILL)
    else:
        forked.kill()
    assert forked.wait(60) == -signal.SIGKILL
    assert not Path(f"/proc/{forked.pid}/cmdline").exists()


def test_program__started_twice__shares_nothing(program: Path) -> None:
    first, second = start(program, "stay"), start(program, "stay")
    lines_of(program, 2)
    first.kill()
    assert first.wait(60) == -signal.SIGKILL
    assert second.poll() is None
    second.terminate()
    assert second.wait(60) == 7


def test_program__ends_when_the_test_that_started_it_is_killed(program: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from tests.stage.test_forks import lines_of, start
if __name__ == "__main__":
    start(Path({str(program)!r}), "stay")
    lines_of(Path({str(program)!r}), 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    (program / "killed.py").write_text(code)
    environ = {**os.environ, **ENVIRONMENT}
    done = subprocess.run([sys.executable, program / "killed.py"], env=environ, check=False)
    assert done.returncode == -signal.SIGKILL
    forked = Path(f"/proc/{lines_of(program, 1)[0].split()[0]}")
    wait_until("its end", lambda: not forked.exists())


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("account", "deposit", "--help"),
        ("account", "show", "--chain-url", "http://127.0.0.1:9"),
        ("no-such-command",),
    ],
)
def test_command__forked__is_the_one_that_a_shell_starts(tmp_path: Path, words: list[str]) -> None:
    usual = {k: v for k, v in os.environ.items() if not k.startswith("EDGEMARK_")}
    home = {} if "--help" in words else {"EDGEMARK_HOME": str(tmp_path / "home")}
    started = subprocess.run(
        [sys.executable, "-m", "edgemark", *words],
        env={**usual, **ENVIRONMENT, **home},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    forked = edgemark(*words, environ=home)
    assert (forked.status, forked.out) == (started.returncode, started.stdout)
    assert forked.error == started.stderr
