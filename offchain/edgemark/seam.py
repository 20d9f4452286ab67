"""Places where a test stops a process: between a journal record and what follows from it.

`EDGEMARK_CRASH_AFTER` names one place; without it there is no seam and nothing to pay for.

    7                  right after record 7 is durable, before its effects
    before:7           right before record 7 is written
    SawStarted         right after the first event of that class is durable
    before:SawStarted  right before it is written, with all that is written together with it

The process ends by SIGKILL, as it would under `kill -9`: no handler, no flush, no lock returned.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from edgemark.errors import RefusedInput

CRASH_AFTER = "EDGEMARK_CRASH_AFTER"


class Seam(Protocol):
    """Called around each journal record, with its number (from 1), for each of its events.

    The label is the event's class name.
    """

    def before(self, number: int, label: str) -> None:
        """The record is about to be written."""

    def after(self, number: int, label: str) -> None:
        """The record is durable; none of its effects began."""


def kill_self() -> None:
    """End this process at once, as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class CrashSeam:
    """Ends the process at one place.

    Args:
        place: number of a record, or class name of an event.
        is_before: stop before it is written instead of after.
        crash: what to do there.
    """

    place: str
    is_before: bool
    crash: Callable[[], None] = field(default=kill_self, repr=False)

    def before(self, number: int, label: str) -> None:
        """See `Seam`."""
        if self.is_before and self.place in (str(number), label):
            self.crash()

    def after(self, number: int, label: str) -> None:
        """See `Seam`."""
        if not self.is_before and self.place in (str(number), label):
            self.crash()


def seam_from(environ: Mapping[str, str]) -> Seam | None:
    """The seam that the environment asks for, or None.

    Raises:
        RefusedInput: `EDGEMARK_CRASH_AFTER` names no place.
    """
    text = environ.get(CRASH_AFTER)
    if text is None:
        return None
    place = text.removeprefix("before:")
    if not place.isidentifier() and not (place.isdecimal() and int(place) > 0):
        raise RefusedInput(
            "names no place",
            who=CRASH_AFTER,
            had=text[:80],
            needed="a record number or an event's name, perhaps after 'before:'",
        )
    return CrashSeam(place, text.startswith("before:"))


def place_of(error: BaseException) -> str:
    """Where an exception was raised, without its message or any value."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{os.path.basename(last.filename)}:{last.lineno} in {last.name}"
