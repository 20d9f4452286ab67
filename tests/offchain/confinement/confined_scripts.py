"""Runs scripts of shell and Python as confined programs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from edgemark.confinement.limits import Limits, Outcome
from edgemark.confinement.running import Program, run_confined
from edgemark.confinement.watching import Taken

SHELL, PYTHON = "/bin/sh", "/usr/bin/python3"  # what every user of the machine may read
LIMITS = Limits(
    cpu_s=5,
    wall_s=8,
    memory_bytes=2**27,
    output_bytes=2**16,
    files_bytes=2**20,
    processes=8,
    open_files=32,
)


def nobody_looks(_taken: Taken) -> None:
    """Nothing is told while it runs."""


def run_script(
    script: str,
    way: str,
    data: bytes = b"",
    *,
    limits: Limits = LIMITS,
    interpreter: str = SHELL,
    shown: tuple[str, ...] = (),
    stop: threading.Event | None = None,
    told: Callable[[Taken], None] = nobody_looks,
) -> Outcome:
    """Run `script` to its end."""
    handle = os.open(interpreter, os.O_RDONLY | os.O_CLOEXEC)
    options = ("-I", "-S") if interpreter == PYTHON else ()
    program = Program(handle, (interpreter, *options, "-c", script), limits, shown)
    try:
        return run_confined(program, data, way, stop=stop, told=told)
    finally:
        os.close(handle)
