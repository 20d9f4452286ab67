"""Three MPyC parties on this machine, started once and asked often."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTIES = 3
STOP_S = 10


class Parties:
    """Three running processes."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def compute(self, kind: str, size: int) -> None:
        """Evaluate a random function of a kind at a fresh input of party 0; see `mpyc_party`."""
        for process in self._processes:
            if process.stdin is None:
                raise ChildProcessError("a party has no input")
            process.stdin.write(f"{kind} {size}\n")
            process.stdin.flush()
        output = self._processes[0].stdout
        if output is None or output.readline() != "done\n":
            raise ChildProcessError("a party ended")


@contextlib.contextmanager
def start_parties() -> Iterator[Parties]:
    """Three parties until the end of the block."""
    ports = [str(port) for port in _free_ports()]
    with contextlib.ExitStack() as stack:
        processes = []
        for index in range(PARTIES):
            command = [sys.executable, "-m", "benchmarks.mpyc_party", str(index), *ports]
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(_wait_for, process)
            processes.append(process)
        stack.callback(_dismiss, processes)
        yield Parties(processes)


def _dismiss(processes: list[subprocess.Popen[str]]) -> None:
    """No more lines: they part by themselves, all at once."""
    for process in processes:
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def _wait_for(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports() -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(PARTIES)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
