"""A program of a folder: its process, its log, and its end.

It ends with the process that started it, by `kill -9` too, unless it is asked to stay. A process is
known by its number and by when it started: the number alone may be another's by now.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

from edgemark.closing import Closing
from edgemark.errors import LedgerUnavailable, Unrecoverable
from edgemark.ledger.launching.logs import keep_last, log_of
from edgemark.ledger.launching.notes import number_in
from edgemark.process import (
    LOOK_S,
    end_process,
    end_processes,
    gate,
    is_running,
    start_ticks,
    tether,
)

LOG_LINES = 15  # that its last words may be
LAST_WORDS = 1000  # characters
TRACE_LINE = "at "  # of a stack trace of Node.js: says nothing to a user


class ToolMissing(Unrecoverable):
    """A program is not installed."""


class ProgramDied(Unrecoverable):
    """A program ended, or was never ready."""


@dataclass(frozen=True)
class KnownProcess(Closing):
    """A process that a note names.

    Attributes:
        pid: its number.
        started: its start in kernel ticks.
    """

    STOP_S: ClassVar[float] = 10.0  # seconds to save its state after SIGTERM

    pid: int
    started: int

    @property
    def is_running(self) -> bool:
        """Does this very process live?"""
        return is_running(self.pid, self.started)

    @property
    def facts(self) -> dict[str, int]:
        """What a note has to say of it."""
        return {"pid": self.pid, "started": self.started}

    def close(self) -> None:
        """End it, letting it save its state; does nothing when it has ended."""
        end_process(self.pid, lambda: self.is_running, self.STOP_S)


def close_all(processes: Sequence[KnownProcess]) -> None:
    """End several at once; each has its time to save its state, and all have it together."""
    limit_s = max((each.STOP_S for each in processes), default=0.0)
    end_processes([(each.pid, partial(_runs, each)) for each in processes], limit_s)


def _runs(process: KnownProcess) -> bool:
    return process.is_running


@dataclass(frozen=True)
class Program(KnownProcess):
    """A program that was started for a folder. Use as a context manager: leaving ends it.

    Attributes:
        name: of the program, for errors.
        log: what it printed.
        child: handle of the process when this process started it.
    """

    name: str
    log: Path
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def start(
        cls,
        name: str,
        folder: Path,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_folder: Path | None = None,
        stays: bool = False,
        death: signal.Signals = signal.SIGTERM,
        note: Callable[[Self], None] | None = None,
    ) -> Self:
        """Start a program; it may not be ready yet, see `wait_until_ready`.

        Args:
            name: its log is `NAME.log` of the folder, begun anew; that of the last one that
                printed anything stays beside it, as `NAME.log.1`.
            folder: its files; is there.
            command: the program, by absolute path, and its arguments.
            environment: all of its environment; None for this process's.
            working_folder: where it runs; None for here.
            stays: it outlives this process; else the kernel ends it when this process ends.
            death: how the kernel ends it then; SIGKILL where it may not heed anything else.
            note: writes down how to find it. One that stays begins only after that: who is killed
                before leaves no program that nobody finds.
        """
        log = log_of(name, folder)
        keep_last(log)
        waits = stays and note is not None
        with log.open("ab") as out:  # what is turned meanwhile goes on where it ends
            child = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                gate(command) if waits else list(command) if stays else tether(command, death),
                cwd=working_folder,
                env=environment,
                stdin=subprocess.PIPE if waits else subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        made = cls(child.pid, start_ticks(child.pid) or 0, name, log, child)
        try:
            if note is not None:
                note(made)
            _let_begin(child)
        except BaseException:
            made.close()
            raise
        finally:
            if child.stdin is not None:
                child.stdin.close()
        return made

    @classmethod
    def from_note(cls, name: str, folder: Path, facts: Mapping[str, Any], note: Path) -> Self:
        """The program that `facts` of a note name; whether it runs is another question.

        Raises:
            NoteDamaged: the note lacks a number.
        """
        pid, started = (number_in(facts, key, note) for key in ("pid", "started"))
        return cls(pid, started, name, log_of(name, folder))

    @property
    def is_running(self) -> bool:
        """Does the process live?"""
        if self.child is not None:
            return self.child.poll() is None
        return super().is_running

    def wait_until_ready(self, is_ready: Callable[[], bool], limit_s: float) -> None:
        """Wait until a program that was just started answers.

        Args:
            is_ready: asks it; `LedgerUnavailable` means no.
            limit_s: seconds until a silent one counts as failed.

        Raises:
            ProgramDied: it ended, or was not ready in time; with its last words.
        """
        deadline = time.monotonic() + limit_s
        while self.is_running:
            silence = None
            try:
                if is_ready():
                    return
            except LedgerUnavailable as error:
                silence = error
            if time.monotonic() > deadline:
                raise self.died(f"did not answer within {limit_s} s") from silence
            time.sleep(LOOK_S)
        raise self.died("ended at the start")

    def died(self, what: str) -> ProgramDied:
        """An error that has the last words of the program."""
        lines = map(str.strip, self.log.read_text(errors="replace").splitlines())
        told = [line for line in lines if line and not line.startswith(TRACE_LINE)]
        words = " | ".join(told[-LOG_LINES:])
        return ProgramDied(what, who=self.name, had=words[-LAST_WORDS:], remedy=f"See {self.log}.")


def _let_begin(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended: who waits for it is told
            os.write(child.stdin.fileno(), b"\n")
