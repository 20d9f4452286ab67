"""Restarts a chaincode's process when its sources change; the package id stays, the peer redials.

Sources are looked at, not listened to: a folder that is mounted from elsewhere tells nobody. A
process that ends by itself, as one whose source has a mistake, stays down until the next change.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

LOG = logging.getLogger("edgemark.chaincode")
LOOK_S = 0.3
# That a process has to answer its calls and leave: longer than `LEAVE_S` of the shim, after which
# it leaves by itself, and shorter than the 10 s after which this process is killed by who ends it.
END_S = 8.0
MAX_FILES = 5_000
PR_SET_PDEATHSIG = 1


def tether_to(parent: int) -> None:
    """Let the kernel kill this process when its parent ends, also when that is killed.

    SIGKILL, for a chaincode that is in a call which blocks heeds nothing else.

    Args:
        parent: number of the process that started this one.

    Raises:
        SystemExit: it has ended already.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


def watched_folders(chaincode: str) -> list[Path]:
    """Where the sources of a chaincode stand: ours, and of `module:Class` the module's folder.

    Args:
        chaincode: its name, or `module:Class`.
    """
    own = Path(__file__).parent
    folders = [own]
    edgemark = importlib.util.find_spec("edgemark")
    if edgemark is not None and edgemark.origin is not None:
        folders.append(Path(edgemark.origin).parent / "systems" / chaincode / "contract")
    module, _, class_name = chaincode.partition(":")
    if class_name:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            spec = None
        if spec is not None and spec.origin is not None:
            folders.append(Path(spec.origin).parent)
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def run_reloading(command: Callable[[int], Sequence[str]], folders: Sequence[Path]) -> int:
    """Run a command, again after each change, until SIGTERM or SIGINT; the exit code is 0.

    Args:
        command: for the number of this process, which its end is tied to.
        folders: whose Python files are looked at, with all below.
    """
    ending: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        ending.append(number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    child: subprocess.Popen[bytes] | None = None
    try:
        while not ending:
            seen = look(folders)
            child = subprocess.Popen(list(command(os.getpid())))  # noqa: S603 - our own program
            told = False
            while not ending and look(folders) == seen:
                if child.poll() is not None and not told:
                    told = True
                    LOG.warning("it ended with %d: waiting for a change", child.returncode)
                time.sleep(LOOK_S)
            _end(child)
    finally:
        if child is not None:
            _end(child)
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def look(folders: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Time and size of each source file; what vanishes meanwhile is not in it."""
    seen: dict[Path, tuple[int, int]] = {}
    for folder in folders:
        for path in folder.rglob("*.py"):
            try:
                found = path.stat()
            except OSError:
                continue
            seen[path] = (found.st_mtime_ns, found.st_size)
            if len(seen) == MAX_FILES:
                return seen
    return seen


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
