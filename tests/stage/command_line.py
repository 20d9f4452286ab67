"""`edgemark` as a user runs it: a process, its exit status, and what it printed."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.stage.forks import ENVIRONMENT, Forked
from tests.stage.idling import report_to

from edgemark.cli.main import main
from edgemark.settings.settings import Settings
from edgemark.settings.toml_file import FILE_NAME
from edgemark.settings.writing import write_toml

LIMIT_S = 700.0
KILLED = -9


@dataclass(frozen=True)
class Finished:
    """A program that ended.

    Attributes:
        status: exit status; negative when a signal ended it.
    """

    words: tuple[str, ...]
    status: int
    out: str
    error: str

    @property
    def value(self) -> Any:
        """The JSON value that it printed."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one readable line on standard error of a program that refused.

        Log lines apart, what it warned of before, and its price. A server whose log is for programs
        tells its end there, and nowhere else.
        """
        assert "Traceback" not in self.error, self.error
        said = self.error.splitlines()
        ends = [line for line in said if line.startswith("{") and '"event": "ended"' in line]
        lines = [line for line in said if not line.startswith(("{", "Beware: ", "Price: "))] + ends
        assert len(lines) == 1, self.error
        return lines[0]


def do_nothing() -> None:
    """Before a command begins."""


def edgemark(
    *words: str | Path,
    environ: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
    tell: Callable[[Forked], None] = lambda _: None,
    idling: Path | None = None,
    before: Callable[[], None] = do_nothing,
) -> Finished:
    """Run a command to its end, with none of this shell's settings.

    Args:
        words: after `edgemark`.
        environ: settings of this project.
        limit_s: seconds after which it is killed.
        tell: told of it when it has started.
        idling: where its loop reports how it is, when it has one.
        before: done in its process before it begins.
    """
    usual = {name: value for name, value in os.environ.items() if not name.startswith("EDGEMARK_")}
    command = tuple(str(word) for word in words)
    with tempfile.TemporaryDirectory() as folder:
        out, error = Path(folder) / "out", Path(folder) / "error"
        started = Forked(
            "edgemark",
            command,
            environ={**usual, **ENVIRONMENT, **(environ or {})},
            out=out,
            error=error,
            before=partial(_prepare, idling, before),
        )
        tell(started)
        try:
            status = started.wait(limit_s)
        finally:
            started.kill()
        return Finished(command, status, out.read_text(), error.read_text())


def _prepare(idling: Path | None, before: Callable[[], None]) -> None:
    if idling is not None:
        report_to(idling)
    before()


def edgemark_here(*words: str | Path, environ: Mapping[str, str] | None = None) -> Finished:
    """The same command within this process: as thorough but for what a process has of its own."""
    command = tuple(str(word) for word in words)
    before = {name: value for name, value in os.environ.items() if name.startswith("EDGEMARK_")}
    out, error = io.StringIO(), io.StringIO()
    try:
        replace_settings(environ or {})
        with redirect_stdout(out), redirect_stderr(error):
            main(command)
    except SystemExit as left:
        return Finished(command, int(left.code or 0), out.getvalue(), error.getvalue())
    finally:
        replace_settings(before)
    raise AssertionError("the command line always leaves with a status")


def replace_settings(environ: Mapping[str, str]) -> None:
    """Let these be all the settings of this project in the environment."""
    for name in [name for name in os.environ if name.startswith("EDGEMARK_")]:
        del os.environ[name]
    os.environ.update(environ)


def write_settings(settings: Settings, changes: Mapping[str, object] | None = None) -> Path:
    """Write the settings of a home, but for some by name, as its `edgemark.toml`; the home."""
    values = {each.name: each.written for each in settings.show() if each.name != "home"}
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / FILE_NAME).write_text(write_toml({**values, **(changes or {})}))
    return settings.home
