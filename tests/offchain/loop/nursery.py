"""Lives that end early, each a fork of a process that does nothing else.

They are forks, not new programs: there are many lives to live. And not of the test's own process:
another test may have left threads there, as gRPC does for good, and a fork of a process with such
threads may die of them.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

MISHAP = 255  # status of a life that neither ended nor was killed

Life = Callable[..., int]
_FORKS = multiprocessing.get_context("forkserver")
_asked: Connection | None = None  # of the nursery, which ends with this process


def be_born(life: Life, *told: Any) -> int:
    """Live one life.

    Args:
        life: a function of a module; what it answers becomes the status, 0 .. 254.
        told: its arguments, which are pickled; functions among them are of a module too.

    Returns:
        The exit status, or minus the signal that ended it.
    """
    global _asked
    if _asked is None:
        _asked, answers = _FORKS.Pipe()
        _FORKS.Process(target=_serve, args=(answers,), daemon=True).start()
        answers.close()
    _asked.send((life, *told))
    status: int = _asked.recv()
    return status


def _serve(asked: Connection) -> None:
    while True:
        try:
            life, *told = asked.recv()
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            try:
                os._exit(life(*told))
            finally:
                os._exit(MISHAP)
        asked.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
