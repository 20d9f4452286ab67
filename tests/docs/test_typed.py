"""What a page types as `edgemark` is what a reader's shell would start."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.setups import with_programs
from tests.docs.typed import Typed
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

# Instead of the reader's program: says that it was started, and how.
PROGRAM = '#!/bin/sh\necho "from the path: $*"\n'


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of a shell which first finds what is typed, then a program that says that it was found."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "edgemark").write_text(PROGRAM)
    (own / "edgemark").chmod(0o755)
    with Typed(tmp_path / "typed"):
        yield {"PATH": f"{tmp_path / 'typed'}:{own}:/usr/bin:/bin", "HOME": str(tmp_path)}


def type_all(environ: dict[str, str], script: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", script],
        env=environ,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def test_first_of_each_command__is_the_program_on_the_path(
    environ: dict[str, str], tmp_path: Path
) -> None:
    script = "for n in 1 2; do edgemark account address --help; edgemark chain up --help; done"
    lines = type_all(environ, script, tmp_path).splitlines()
    found = [line for line in lines if line.startswith(("from the path", "Usage: "))]
    assert found == [
        "from the path: account address --help",
        "from the path: chain up --help",
        "Usage: edgemark account address [OPTIONS]",
        "Usage: edgemark chain up [OPTIONS]",
    ]


def test_command_that_reads__is_the_program_on_the_path(
    environ: dict[str, str], tmp_path: Path
) -> None:
    script = "for n in 1 2; do echo words | edgemark account address --help; done"
    assert type_all(environ, script, tmp_path) == "from the path: account address --help\n" * 2


def test_without_a_program_on_the_path__nothing_is_found(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "own" / "edgemark").unlink()
    script = "edgemark account address || echo status $?"
    assert type_all(environ, script, tmp_path) == "edgemark: command not found\nstatus 127\n"


@pytest.mark.parametrize(
    "words",
    [
        "account show --chain-url http://127.0.0.1:9",
        "account address; ls -A $EDGEMARK_HOME; echo more",
        "no-such command",
        "config show --json | head -c 30",
        "chain verify --manifest none.json 2>&1 >/dev/null | cat -A",
    ],
)
def test_commands__have_the_output_order_and_status_of_the_program(
    environ: dict[str, str], tmp_path: Path, words: str
) -> None:
    shell = with_programs() | {"HOME": str(tmp_path), "EDGEMARK_HOME": str(tmp_path / "home")}
    script = f"echo before; edgemark {words}; echo $? $EDGEMARK_HOME"
    wanted = type_all(shell, script, tmp_path)
    both = environ | {"EDGEMARK_HOME": str(tmp_path / "home")}
    first = "edgemark " + " ".join(words.partition(";")[0].split()[:2]) + " > first; "
    assert type_all(both, first + script, tmp_path) == wanted
    assert (tmp_path / "first").read_text().startswith("from the path")


# Waits to be ended; SIGTERM lets it leave with a status of its own.
WAITING = """
import os, signal, sys, time
def leave(number, frame):
    sys.exit(7)
signal.signal(signal.SIGTERM, leave)
print(os.getpid(), flush=True)
while "stay" in sys.argv:
    time.sleep(0.05)
"""


@pytest.mark.parametrize(("sent", "status"), [("TERM", 7), ("KILL", 128 + signal.SIGKILL)])
def test_signals__reach_the_command_and_its_status_comes_back(
    tmp_path: Path, sent: str, status: int
) -> None:
    (tmp_path / "waiting.py").write_text(WAITING)
    script = f"""
edgemark go stay > said & started=$!
until [ -s said ]; do sleep 0.05; done
kill -{sent} $started; wait $started || echo $?
"""
    with Typed(tmp_path / "typed", "waiting"):
        environ = {"PATH": f"{tmp_path / 'typed'}:/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
        (tmp_path / "typed" / "begun go stay").touch()
        lines = type_all(environ, script, tmp_path).splitlines()
        assert str(status) in lines
        program = Path("/proc") / (tmp_path / "said").read_text().strip()
        wait_until("its end", lambda: not program.exists())


def test_a_command_that_a_signal_ended__says_so(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(WAITING)
    script = """
edgemark go stay > said & started=$!
until [ -s said ]; do sleep 0.05; done
kill -KILL $(cat said); wait $started || echo $?
"""
    with Typed(tmp_path / "typed", "waiting"):
        environ = {"PATH": f"{tmp_path / 'typed'}:/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
        (tmp_path / "typed" / "begun go stay").touch()
        lines = type_all(environ, script, tmp_path).splitlines()
        assert str(128 + signal.SIGKILL) in lines
