"""Ape's commands as processes that start from one which has imported ape and what the scripts use.

Ape takes seconds of processor time before a script begins. Here one program imports it once and
forks for each command: a process of its own, with its own words, environment, files and status.
That a shell starts the same is shown by the documents, and by the first test of each script.

The program, `python -m tests.scripts.ape_forks`, reads one JSON object a line (`words`, `environ`,
`read`, `out`, `error`) and answers each with the exit status of the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from edgemark.closing import Closing

IMPORTED = ("ape_test.provider", "ape_node.provider", "ape_foundry.provider")


class ApeForks(Closing):
    """The program that has imported ape; ended by `close`.

    Args:
        folder: for what the commands read and print.
        place: where they run.
        environ: of the program; what ape reads when it is imported has to stand in it.
    """

    def __init__(self, folder: Path, place: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.scripts.ape_forks"],
            cwd=place,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, words: tuple[str, ...], environ: Mapping[str, str], answers: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `ape` with these words to its end; `answers` are typed on standard input."""
        paths = {name: self._folder / name for name in ("read", "out", "error")}
        for path in paths.values():
            path.write_text("")
        paths["read"].write_text(answers)
        asked = {"words": words, "environ": dict(environ)}
        if self._program.stdin is None or self._program.stdout is None:
            raise LookupError("the program has no pipes")
        self._program.stdin.write(json.dumps(asked | {n: str(p) for n, p in paths.items()}) + "\n")
        self._program.stdin.flush()
        status = int(self._program.stdout.readline())
        out, error = paths["out"].read_text(), paths["error"].read_text()
        return subprocess.CompletedProcess(words, status, out, error)

    def close(self) -> None:
        """End the program."""
        with self._program:
            if self._program.stdin is not None:
                self._program.stdin.close()


def main() -> None:
    """Fork for each line, until there are no more."""
    cli = import_module("ape._cli").cli
    printed = os.dup(1)
    os.dup2(2, 1)  # the help that loads the scripts is of no interest
    with suppress(SystemExit):
        cli(["run", "deploy", "--help"])
    for module in IMPORTED:
        import_module(module)
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.close(printed)
            become(asked)
            sys.exit(cli())
        _, status = os.waitpid(child, 0)
        os.write(printed, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def become(asked: dict[str, object]) -> None:
    """Take the words, the environment and the files of a command; in the new process."""
    for number, (name, flags) in enumerate(
        (("read", os.O_RDONLY), ("out", os.O_WRONLY), ("error", os.O_WRONLY))
    ):
        opened = os.open(str(asked[name]), flags | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - ends with the process
    os.environ.clear()
    os.environ.update(asked["environ"])  # type: ignore[call-overload]
    sys.argv = ["ape", *asked["words"]]  # type: ignore[misc]


if __name__ == "__main__":
    main()
