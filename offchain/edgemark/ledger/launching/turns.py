"""One command at a time starts or ends the programs of a folder; the others wait for it.

Two at once would start them twice, write one another's files, and leave programs that nobody notes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgemark.files import FileInUse, hold_lock
from edgemark.process import LOOK_S


@contextmanager
def in_turn(path: Path, limit_s: float) -> Iterator[None]:
    """Hold `<path>.lock` within; whoever holds it is waited for. Not twice in one call.

    Args:
        path: what is started or ended; its folder is there.
        limit_s: seconds to wait.

    Raises:
        FileInUse: somebody else took longer.
        Unrecoverable: the folder or the file does not allow it.
    """
    until = time.monotonic() + limit_s
    while True:
        try:
            lock = hold_lock(path)
        except FileInUse:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_S)
        else:
            break
    try:
        yield
    finally:
        os.close(lock)
