"""A process that runs a small loop to its end, unless `EDGEMARK_CRASH_AFTER` ends it before.

    python -m tests.offchain.loop.killed_loop FOLDER [--together]

It asks for one number after the other, or for all of them before it begins. Each effect leaves a
line in FOLDER/effects before anything comes of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.offchain.loop.tally import (
    Asked,
    Closed,
    Effect,
    Event,
    Fetch,
    Fetched,
    Tally,
    TallyMachine,
)

from edgemark.journal.journal import Journal
from edgemark.loop.runtime import Pace, Runtime, seam_from

KEY = b"the job"
NUMBERS = (1, 2, 3)
LIMIT_S = 30.0


def is_there(number: int, states: dict[bytes, Tally]) -> bool:
    """Was the number fetched, in this life or in an earlier one?"""
    return number in states[KEY].got


def main(folder: Path, *, together: bool) -> int:
    """Ask for all numbers, then close."""

    def perform(_: bytes, effect: Effect) -> Iterable[Event]:
        with (folder / "effects").open("a") as lines:
            lines.write(f"{effect}\n")
        return [Fetched(effect.number)] if isinstance(effect, Fetch) else []

    with Journal.open(folder / "journal") as journal:
        loop = Runtime(
            TallyMachine(), journal, perform, pace=Pace(workers=2), seam=seam_from(os.environ)
        )
        if together:
            for number in NUMBERS:
                loop.post(KEY, Asked(number))
        loop.start()
        for number in NUMBERS:
            loop.ask(KEY, Asked(number))
            if not loop.wait_until(partial(is_there, number), LIMIT_S):
                return 1
        loop.ask(KEY, Closed())
        loop.stop()
        loop.join(LIMIT_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), together=sys.argv[2:] == ["--together"]))
