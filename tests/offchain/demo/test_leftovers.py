"""Whatever ends a demonstration, its processes and its folder end with it.

Real processes, since the kernel is asked to end them; what they do is nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import wait_until

from edgemark.process import is_running, start_ticks

# Starts an actor in a passing folder, tells the process and the folder, and waits to be ended.
PLAY = """\
import signal, sys, time
from pathlib import Path
from edgemark.cli import main
from edgemark.demo.actor import Actor
from edgemark.demo.folder import passing_folder

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
main.end_as_when_interrupted()
with passing_folder("edgemark-test-") as folder:
    (folder / "keys").mkdir()
    (folder / "keys" / "account.key").write_text("secret")
    actor = Actor("node 1", folder, None, "timeit", ["-n", "1", "import time; time.sleep(600)"])
    try:
        actor.start()
        print(actor.process.pid, folder, flush=True)
        time.sleep(600 if sys.argv[1] == "waits" else 0)
    finally:
        actor.ask_to_leave()
        actor.end()
"""

pytestmark = [pytest.mark.processes, pytest.mark.lasts(4)]


def play(tmp_path: Path, word: str) -> tuple[subprocess.Popen[str], int, Path]:
    """The process, the process that it started, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", PLAY, word],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    pid, folder = process.stdout.readline().split()
    assert Path(folder).is_relative_to(tmp_path)
    return process, int(pid), Path(folder)


def end(process: subprocess.Popen[str]) -> int:
    """Wait for its end; its status."""
    with process:
        try:
            return process.wait(30)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_demonstration__ended_by_a_signal__leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    process, actor, folder = play(tmp_path, "waits")
    started = start_ticks(actor)
    assert started is not None
    assert (folder / "keys" / "account.key").exists()
    process.send_signal(number)
    end(process)
    wait_until("the actor has ended", lambda: not is_running(actor, started), 30)
    wait_until("the folder is gone", lambda: not any(tmp_path.iterdir()), 30)


def test_demonstration__that_comes_to_its_end__leaves_nothing(tmp_path: Path) -> None:
    process, actor, _ = play(tmp_path, "goes on")
    started = start_ticks(actor)
    assert end(process) == 0
    assert list(tmp_path.iterdir()) == []
    assert started is None or not is_running(actor, started)
