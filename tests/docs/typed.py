"""What a page's shell finds as `edgemark`: the reader's program once for each command, then forks.

To import what a command needs takes most of a second of processor time, and a page types `account
address` for twenty parties. The first of each command is the program that a reader has on the path,
and shows that it is there and starts; the others are forked from a process that has imported
everything (`tests/stage/forks.py`).
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
import threading
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path

from tests.docs import typed_command
from tests.stage.forks import Forked

from edgemark.closing import Closing

MOST_BYTES = 2**17  # of a command with its environment


class Typed(Closing):
    """Answers what is typed; ended by `close`.

    Args:
        folder: to be made; first on the path of the shell, it has the program.
        module: what `python -m` would run.
    """

    def __init__(self, folder: Path, module: str = "edgemark") -> None:
        self._module = module
        folder.mkdir()
        client = [sys.executable, "-IS", typed_command.__file__, str(folder)]
        program = folder / "edgemark"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(client)} "$@"\n')
        program.chmod(0o700)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        place = os.open(folder, os.O_RDONLY)
        self._listening.bind(f"/proc/self/fd/{place}/line")  # a path of its own may be too long
        os.close(place)
        self._listening.listen(64)
        threading.Thread(target=self._take, name="typed", daemon=True).start()

    def close(self) -> None:
        """Take no more; what runs ends with who typed it."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _take(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=run, args=(self._module, line), daemon=True).start()


def run(module: str, line: socket.socket) -> None:
    """Run one command to its end; kill it when who typed it is gone."""
    with line:
        asked, (out, error), _, _ = socket.recv_fds(line, MOST_BYTES, 2)
        try:
            command = json.loads(asked)
            forked = Forked(
                module,
                command["words"],
                environ=command["environ"],
                folder=Path(command["folder"]),
                out=out,
                error=error,
            )
        finally:
            os.close(out)
            os.close(error)
        while line in connection.wait([forked.sentinel, line]):
            number = line.recv(1)
            if not number:  # who typed it is gone
                forked.kill()
                break
            with suppress(ProcessLookupError):
                os.kill(forked.pid, number[0])
        with suppress(OSError):
            line.send(str(forked.wait()).encode())
