"""A folder that goes with the process that made it, whatever ends that: there are keys in it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Waits for the end of its input, which comes with the end of who started it, also by kill -9. Then
# it removes the folder, until nobody who is still leaving makes any of it anew.
SWEEPER = """\
import os, shutil, sys, time
sys.stdin.buffer.read()
gone = 0
for _ in range(300):
    gone = 0 if os.path.exists(sys.argv[1]) else gone + 1
    if gone > 20:
        break
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    time.sleep(0.1)
"""


@contextlib.contextmanager
def passing_folder(prefix: str) -> Iterator[Path]:
    """A new temporary folder; it is removed at the end, or when this process ends.

    Args:
        prefix: begins its name.
    """
    folder = tempfile.TemporaryDirectory(prefix=prefix)
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", SWEEPER, folder.name],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C at the terminal is for the others
    ) as sweeper:
        try:
            with folder:
                yield Path(folder.name)
        finally:
            sweeper.kill()
