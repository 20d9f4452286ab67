"""Run pytest again and again without importing the large packages again: one child a request.

    python -m tools.mutation.forks MODULE...    # in the folder whose tests they are

The modules are imported first, for all children. A request is a line of JSON: `arguments` of
pytest, `limit_s`, and, for a mutant of Python, the `module` that is replaced and its `text`:
nothing is written to a file. The answer is a line of JSON: `status` (null: out of time), `output`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

LOOK_S = 0.02
MOST_OUTPUT = 20_000  # characters; the summary is at the end


class Replacement(importlib.abc.MetaPathFinder):
    """Finds one module with another text than its file has."""

    def __init__(self, module: str, text: str) -> None:
        self._module = module
        self._text = text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of the replaced module; None for all others."""
        if fullname != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _TextLoader(fullname, spec.origin, self._text)
        return spec


class _TextLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, text: str) -> None:
        super().__init__(fullname, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self._text, self.get_filename(fullname), "exec")
        return code


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, run the tests, wait for them and end all that they started."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.setsid()
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            if request.get("module"):
                sys.meta_path.insert(0, Replacement(request["module"], request["text"]))
            status = int(pytest.main(request["arguments"]))
            sys.stdout.flush()
            os._exit(status)
        status_of = _wait(child, request["limit_s"])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if status_of is None:
            os.waitpid(child, 0)
        output.seek(0)
        text = output.read().decode(errors="replace")[-MOST_OUTPUT:]
    return {"status": status_of, "output": text}


def _wait(child: int, limit_s: float) -> int | None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(LOOK_S)
    return None


def main() -> None:
    """Import what was named, then serve until the input ends."""
    sys.path.insert(0, str(Path.cwd()))
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
