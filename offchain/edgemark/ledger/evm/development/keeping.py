"""Who keeps the chain of a folder company: a process that everything else on it ends with.

`keeper.json` beside the note of the chain tells it from every other process, and holds whatever
else is worth telling. It is written by the keeper itself, from its beginning; what it leaves when
it is killed names nobody who runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from edgemark.errors import RefusedInput
from edgemark.ledger.launching.notes import number_in, read_note, write_note
from edgemark.ledger.launching.program import KnownProcess
from edgemark.process import start_ticks

NOTE_OF_KEEPER = "keeper.json"


@dataclass(frozen=True)
class Keeper(KnownProcess):
    """The process that keeps a chain company, or kept; whatever it started ends with it.

    Attributes:
        noted: all that it wrote down.
    """

    # All servers at once have 10 s to leave, and the chain behind them as long.
    STOP_S: ClassVar[float] = 40.0

    noted: Mapping[str, Any]

    def done(self) -> Mapping[str, Any]:
        """What it told when everybody was there.

        Raises:
            RefusedInput: it is still at it.
        """
        told = self.noted.get("told")
        if not isinstance(told, dict):
            raise RefusedInput(
                "chain and servers are being brought up",
                who="home folder",
                had=f"process {self.pid}",
                needed="one at a time",
                remedy="Ask again when that is done, or end it: `edgemark chain down`.",
            )
        return told


def note_keeper(folder: Path, facts: Mapping[str, object]) -> None:
    """Write down that this process keeps the chain of a folder company."""
    own = {"pid": os.getpid(), "started": start_ticks(os.getpid())}
    write_note(folder / NOTE_OF_KEEPER, {**facts, **own})


def find_keeper(folder: Path) -> Keeper | None:
    """Who kept the chain of a folder company last, running or not; None: nobody ever did.

    Raises:
        NoteDamaged: the note is not as it was written.
    """
    path = folder / NOTE_OF_KEEPER
    facts = read_note(path)
    if facts is None:
        return None
    return Keeper(number_in(facts, "pid", path), number_in(facts, "started", path), facts)
