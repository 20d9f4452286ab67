"""Operating-system processes (Linux): told from each other, tied to their parents, ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOK_S = 0.02
PR_SET_PDEATHSIG = 1
STATE_FIELD, START_FIELD = 0, 19  # after the command's name, which ends with the last bracket
# Asks the kernel for a signal when the parent ends (prctl 1, PR_SET_PDEATHSIG), then becomes the
# program. A parent that ended before the request was made is seen by the changed parent's number.
TETHER = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, int(sys.argv[2]))
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[3], sys.argv[3:])
"""

# Waits for a byte on its input, then becomes the program; without one, for who was to send it has
# ended, it becomes none.
GATE = """\
import os, sys
if os.read(0, 1):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.execv(sys.argv[1], sys.argv[1:])
"""


def _fields_of(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def start_ticks(pid: int) -> int | None:
    """When the process started, in kernel ticks since boot; None when there is none."""
    found = _fields_of(pid)
    return None if found is None else int(found[START_FIELD])


def is_running(pid: int, started: int) -> bool:
    """Does the process `pid` that started at `started` ticks still run, or a thread of it?

    What it holds, as locks of files, it holds until its last thread has ended.
    """
    found = _fields_of(pid)
    if found is None or int(found[START_FIELD]) != started:
        return False
    return found[STATE_FIELD] not in "ZX" or _has_threads(pid)


def _has_threads(pid: int) -> bool:
    """Whether a process whose first thread has ended has others that have not."""
    try:
        return any(each.name != str(pid) for each in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False


def tether(command: Sequence[str], death: signal.Signals = signal.SIGTERM) -> list[str]:
    """The same command, to be started by this process, and to be ended by the kernel with it.

    It holds for `kill -9` of this process too. To the kernel, the parent is the thread that starts
    the command: start it from one that lives as long as the command should.

    Args:
        command: absolute path of a program, and its arguments.
        death: how the kernel ends it; SIGKILL for one that may not heed anything else.
    """
    return [sys.executable, "-I", "-S", "-c", TETHER, str(os.getpid()), str(int(death)), *command]


def gate(command: Sequence[str]) -> list[str]:
    """The same command, which begins when a byte comes on its input, and not when that ends first.

    Args:
        command: absolute path of a program, and its arguments.
    """
    return [sys.executable, "-I", "-S", "-c", GATE, *command]


def untether() -> None:
    """Let this process, which was started by way of `tether`, live on without its parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 0)


def end_process(pid: int, is_running: Callable[[], bool], limit_s: float) -> None:
    """Ask a process to leave, and kill it when it does not; does nothing when it has ended.

    Args:
        pid: its number.
        is_running: whether this very process lives; the number alone may be another's by now.
        limit_s: seconds that it has, each time.
    """
    end_processes([(pid, is_running)], limit_s)


def end_processes(processes: Sequence[tuple[int, Callable[[], bool]]], limit_s: float) -> None:
    """As `end_process`, of many at once: those that do not leave are waited for together.

    Args:
        processes: number, and whether this very process lives, of each.
        limit_s: seconds that all of them have, each time.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        living = [(pid, is_running) for pid, is_running in processes if is_running()]
        for pid, _ in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + limit_s
        while any(is_running() for _, is_running in living) and time.monotonic() < deadline:
            time.sleep(LOOK_S)
