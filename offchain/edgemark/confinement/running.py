"""Runs one confined program to its end, whatever the program does.

Laws: nothing of a run is left when `run_confined` returns or its process is killed; what it may
take is bounded; what it is said to have taken is no more than the kernel counted.

The kernel holds the limits of each process (`inside`); those of all processes together are looked
at every `LOOK_S`, so a run may be over its processor time or memory for that long.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemark.confinement.limits import End, Limits, Outcome
from edgemark.confinement.users import hold_user
from edgemark.confinement.watching import Taken, look

INSIDE = Path(__file__).with_name("inside.py")
LOOK_S = 0.05
LEAVE_S = 5.0  # for killing, reaping and telling; then it is killed with all below it
MAX_REPORT_BYTES = 4096
MAX_ARGUMENTS_BYTES = 32_768
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL

OWN_RIGHTS, USER_NAMESPACE = "own rights", "user namespace"
WAYS = (OWN_RIGHTS, USER_NAMESPACE)
"""How a machine lets a program be shut off: with root's rights, or in a namespace of users."""


@dataclass(frozen=True)
class Program:
    """What is run.

    Args:
        executable: descriptor of the file that is started: what was checked is what runs.
        argv: its arguments, its own name first.
        shown: files and folders of the machine that it may read, beside the system's.
        limits: of this run.
    """

    executable: int
    argv: tuple[str, ...]
    limits: Limits
    shown: tuple[str, ...] = ()


@dataclass
class _Watch:
    """What is known of a run while it goes on."""

    limits: Limits
    output: int
    began: float
    told: Callable[[Taken], None]
    taken: Taken = field(default=Taken(0, 0, 0))

    def look(self, supervisor: int) -> End | None:
        """Why the run has to end now."""
        seen = look(supervisor)
        cpu_us = max(self.taken.cpu_us, seen.cpu_us)
        self.taken = Taken(cpu_us, max(self.taken.memory_bytes, seen.memory_bytes), seen.processes)
        self.told(self.taken)
        if time.monotonic() - self.began > self.limits.wall_s:
            return End.OVER_TIME
        if cpu_us > self.limits.cpu_s * 1_000_000:
            return End.OVER_CPU
        if seen.memory_bytes > self.limits.memory_bytes:
            return End.OVER_MEMORY
        if os.fstat(self.output).st_size > self.limits.output_bytes:
            return End.OVER_OUTPUT
        return None


def _nobody_asks(_taken: Taken) -> None:
    """Nothing is told while it runs."""


def run_confined(
    program: Program,
    data: bytes,
    way: str,
    *,
    stop: threading.Event | None = None,
    told: Callable[[Taken], None] = _nobody_asks,
) -> Outcome:
    """Run a program to its end.

    To the kernel, the parent is the thread that calls: it has to live as long as the run.

    Args:
        program: what is run.
        data: its standard input.
        way: see `WAYS`; `means.find_way` says which there is.
        stop: ends it from another thread.
        told: called every `LOOK_S` with what it took so far, which never falls.

    Raises:
        CannotConfine: all users that programs run as are taken.
        OSError: this process may open no more files, or start no more processes.
    """
    with ExitStack() as stack:
        user = stack.enter_context(hold_user())
        opened = _open(stack, data)
        began = time.monotonic()
        process = _start(stack, program, way, user, opened)
        watch = _Watch(program.limits, opened["output"], began, told)
        end, report = _follow(process, opened, watch, stop)
        wall_us = int((time.monotonic() - began) * 1_000_000)
        return _conclude(end, report, watch, wall_us)


def _open(stack: ExitStack, data: bytes) -> dict[str, int]:
    """Descriptors of a run, both ends of pipes, by name."""
    opened: dict[str, int] = {}

    def keep(name: str, number: int) -> None:
        opened[name] = number
        stack.callback(_close, opened, name)

    keep("data", os.memfd_create("data", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    with os.fdopen(os.dup(opened["data"]), "wb") as file:
        file.write(data)
    fcntl.fcntl(opened["data"], fcntl.F_ADD_SEALS, SEALS)
    os.lseek(opened["data"], 0, os.SEEK_SET)
    keep("output", os.memfd_create("output", os.MFD_CLOEXEC))
    keep("errors", os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
    for inner, outer, is_read in (
        ("plan", "plan here", True),
        ("control", "control here", True),
        ("report", "report here", False),
    ):
        reading, writing = os.pipe()
        keep(inner, reading if is_read else writing)
        keep(outer, writing if is_read else reading)
    return opened


def _close(opened: dict[str, int], name: str) -> None:
    number = opened.pop(name, None)
    if number is not None:
        os.close(number)


def _start(
    stack: ExitStack, program: Program, way: str, user: int, opened: dict[str, int]
) -> subprocess.Popen[bytes]:
    inner = ("data", "output", "errors", "plan", "control", "report")
    given = {name: opened[name] for name in inner} | {"executable": program.executable}
    limits = program.limits
    plan: dict[str, Any] = {
        **given,
        "argv": program.argv,
        "shown": program.shown,
        "way": way,
        "user": user,
        "parent": os.getpid(),
        "parent_thread": threading.get_native_id(),
        "cpu_s": limits.cpu_s,
        "memory_bytes": limits.memory_bytes,
        "output_bytes": limits.output_bytes,
        "files_bytes": limits.files_bytes,
        "open_files": limits.open_files,
        "processes": limits.processes,
        "cores": limits.cores,
        "beside": 2 if way == USER_NAMESPACE else 0,  # the supervisors count there as well
    }
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own file
        [sys.executable, "-I", "-S", str(INSIDE), str(opened["plan"])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(given.values()),
        env={},
        cwd="/",
        start_new_session=True,
    )
    stack.callback(_end, process)
    os.write(opened["plan here"], json.dumps(plan).encode())
    for name in ("plan", "plan here", "control", "report"):
        _close(opened, name)
    return process


def _follow(
    process: subprocess.Popen[bytes],
    opened: dict[str, int],
    watch: _Watch,
    stop: threading.Event | None,
) -> tuple[End | None, dict[str, Any]]:
    """Wait for the report; why it was ended, where it did not end itself."""
    end: End | None = None
    report = opened["report here"]
    while end is None:
        if select.select([report], [], [], LOOK_S)[0]:
            return None, _read_report(report)
        end = watch.look(process.pid)
        if stop is not None and stop.is_set():
            end = End.STOPPED
    _close(opened, "control here")
    if select.select([report], [], [], LEAVE_S)[0]:
        return end, _read_report(report)
    return end, {}


def _read_report(handle: int) -> dict[str, Any]:
    """What the supervisor says; nothing when it was killed before it could."""
    raw = os.read(handle, MAX_REPORT_BYTES)
    report: dict[str, Any] = json.loads(raw) if raw else {}
    return report


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its whole namespace ends with it."""
    try:
        process.wait(LEAVE_S / 10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _conclude(end: End | None, report: dict[str, Any], watch: _Watch, wall_us: int) -> Outcome:
    limits = watch.limits
    failed = str(report.get("failed", ""))
    if failed:
        return Outcome(End.UNSTARTED, 0, 0, wall_us, b"", failed)
    cpu_us = max(watch.taken.cpu_us, int(report.get("cpu_us", 0)))
    raw = report.get("status")
    status = None if raw is None else os.waitstatus_to_exitcode(int(raw))
    size = os.fstat(watch.output).st_size
    peak = max(watch.taken.memory_bytes, int(report.get("peak_bytes", 0)))
    if end is None:
        end = _end_of(status, size, peak, cpu_us, limits)
    told = abs(status) if status is not None and end in (End.EXITED, End.KILLED) else 0
    output = os.pread(watch.output, min(size, limits.output_bytes), 0)
    return Outcome(end, told, cpu_us, wall_us, output)


def _end_of(status: int | None, size: int, peak: int, cpu_us: int, limits: Limits) -> End:
    """How a program ended that nobody ended."""
    if size > limits.output_bytes or status == -signal.SIGXFSZ:
        return End.OVER_OUTPUT
    if status == 0:
        return End.FINISHED
    if status is None:
        return End.KILLED  # with its supervisor, as when memory was short for all
    if status == -signal.SIGXCPU or (status < 0 and cpu_us >= limits.cpu_s * 1_000_000):
        return End.OVER_CPU
    if peak > limits.memory_bytes:
        return End.OVER_MEMORY
    return End.KILLED if status < 0 else End.EXITED
