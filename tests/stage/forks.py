"""Programs of this checkout as processes that start from one which has imported everything.

To import what a server needs takes a second of processor time, and whole plays start hundreds of
servers and commands. Here one process imports it once and forks for each: a process of its own
like any other, with its own memory, files, exit status and `kill -9`. That `python -m` starts the
same is shown by `test_forks.py`, the demo, the scripts, and the first of each command that the
documents type.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection, parent_process, reduction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PYTHONPATH": f"{ROOT / 'offchain'}:{ROOT}"}  # crooked parties live in tests/
_COMMANDS = (ROOT / "offchain" / "edgemark" / "cli").rglob("*.py")
_IMPORTED = [  # all commands of all systems, and with them all servers
    ".".join(path.relative_to(ROOT / "offchain").with_suffix("").parts)
    for path in sorted(_COMMANDS)
    if path.stem != "__init__"
] + ["edgemark.party.running"]
# Each fork imports again what its test was started by: nothing in a worker, else pytest itself.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _IMPORTED.append("pytest")
_FORKS = multiprocessing.get_context("forkserver")
_LOCK = threading.Lock()  # multiprocessing looks after its processes in the thread that starts one


class Forked:
    """A program that runs; what is used of `subprocess.Popen`, under the same names.

    Args:
        module: what `python -m` would run.
        words: its arguments.
        environ: all of its environment.
        out, error: files to append to, or open ones by number.
        before: called in the new process before the program; picklable.
        folder: where it runs; here when None.
    """

    def __init__(
        self,
        module: str,
        words: Sequence[str],
        *,
        environ: Mapping[str, str],
        out: Path | int,
        error: Path | int,
        before: Callable[[], None] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.args = [sys.executable, "-m", module, *words]
        _FORKS.set_forkserver_preload(_IMPORTED)
        streams = [_Open(each) if isinstance(each, int) else str(each) for each in (out, error)]
        self._process = _FORKS.Process(
            target=_become,
            args=(module, list(words), dict(environ), str(folder or Path.cwd()), streams, before),
            daemon=True,
        )
        with _LOCK:
            self._process.start()
        self.pid: int = self._process.pid or 0

    @property
    def sentinel(self) -> int:
        """What `multiprocessing.connection.wait` waits for: it is ready when the program ended."""
        return self._process.sentinel

    @property
    def returncode(self) -> int | None:
        """Exit status, negative when a signal ended it; None while it runs."""
        with _LOCK:
            return self._process.exitcode

    def poll(self) -> int | None:
        """As `returncode`."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit status.

        Raises:
            subprocess.TimeoutExpired: it runs still.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.returncode) is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            connection.wait([self._process.sentinel], left)
        return status

    def terminate(self) -> None:
        """Send SIGTERM."""
        with _LOCK:
            self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        with _LOCK:
            self._process.kill()


class _Open:
    """An open file on its way to another process, where it is a number again."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _detach, (reduction.DupFd(self._number),)


def _detach(handed: Any) -> int:
    number: int = handed.detach()
    return number


def _become(
    module: str,
    words: list[str],
    environ: dict[str, str],
    folder: str,
    streams: list[str | int],
    before: Callable[[], None] | None,
) -> None:
    """Be the program; in the new process."""
    for number, given in enumerate(streams, start=1):
        target = given
        if isinstance(target, str):
            target = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(target, number)
        os.close(target)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.path[:0] = filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))
    if before is not None:
        before()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = [module, *words]
    sys.modules.pop(module, None)  # it may be among what was imported; runpy would warn
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    """Nothing is left of a stage whose test was killed."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
