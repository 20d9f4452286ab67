"""The other side of `forks`: run tests until one fails, and say which it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.mutation.verdict import State, Verdict

QUIETLY = ("-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly")


class PytestRuns:
    """A process that forks for each run of the tests of one folder.

    Args:
        folder: where the tests are.
        modules: what is imported once for all runs.
        arguments: of pytest, for all runs.
        limit_s: seconds that one run may last.
    """

    def __init__(
        self, folder: Path, modules: Sequence[str], arguments: Sequence[str], limit_s: float
    ) -> None:
        self._arguments = [*QUIETLY, *arguments]
        self._limit_s = limit_s
        checkout = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.mutation.forks", *modules],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, tests: Sequence[str], module: str = "", text: str = "") -> Verdict:
        """Run the tests, with a module replaced when one is named.

        Raises:
            SystemExit: the tests failed without a failed test.
        """
        request = {
            "arguments": [*self._arguments, *tests],
            "module": module,
            "text": text,
            "limit_s": self._limit_s,
        }
        if self._process.stdin is None or self._process.stdout is None:
            raise SystemExit("pytest has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("pytest ended")
        answer = json.loads(line)
        return verdict_of(answer["status"], answer["output"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def verdict_of(status: int | None, output: str) -> Verdict:
    """What a run of pytest says of a mutant; see `PytestRuns.run`."""
    if status is None:
        return Verdict(State.KILLED, "out of time")
    if status == 0:
        return Verdict(State.SURVIVED)
    for line in output.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return Verdict(State.KILLED, line.split()[1])
    if status < 0:
        return Verdict(State.KILLED, f"signal {-status}")
    # A module that cannot be imported stops pytest before its first test.
    if "ImportError" in output or "Error while loading" in output or "Traceback" in output:
        return Verdict(State.KILLED, "import")
    raise SystemExit(f"the tests failed without a failed test:\n{output[-2000:]}")
