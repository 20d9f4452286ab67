"""Somebody who orders one job after the other while everything else goes wrong.

Each job is `edgemark outsourcing submit --nodes auto`, as a user types it. When one is over,
nothing is open, and chain time leaps: so a week passes in as many leaps as there are jobs.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.outsourcing.small_job import (
    OUTPUTS,
    draw_batch,
    evaluate_plainly,
    write_function,
    write_inputs,
)
from tests.stage.command_line import Finished, edgemark

from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial.fixed_point import to_signed

WINDOWS = ("--accept", "120", "--compute", "60", "--collect", "90")
REST_S = 1.0  # after a refusal, as a person would
RIGHT, WRONG, WITHOUT, REFUSED, AWAY = "right", "WRONG", "no result", "refused", "chain away"
OUTCOMES = {Exit.CHECK_FAILED: WITHOUT, Exit.REFUSED_INPUT: REFUSED, Exit.LEDGER_UNAVAILABLE: AWAY}


@dataclass
class Customer:
    """Orders until it is stopped, in a thread of its own.

    Args:
        home: of the device, with its settings.
        leap: lets chain time leap; called when no job is open.

    Attributes:
        outcomes: how many jobs came to what.
        odd: what a command said that came to none of it, or to a wrong result.
    """

    home: Path
    leap: Callable[[], None]
    outcomes: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to order."""
        self._thread = threading.Thread(target=self._run, name="customer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Order no more; the job in hand comes to its end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            batch = draw_batch()
            done = edgemark(*self._ask(batch))
            outcome = judge(done, batch)
            self.outcomes[outcome] += 1
            if outcome == WRONG or outcome not in {RIGHT, *OUTCOMES.values()}:
                self.odd.append(f"{outcome}: {done.error[-600:]}")
            if outcome in {RIGHT, WITHOUT}:
                self.leap()
            else:
                time.sleep(REST_S)

    def _ask(self, batch: bytes) -> list[str | Path]:
        files = ("--function", write_function(self.home))
        inputs = ("--input", write_inputs(self.home, batch))
        rest = ("--nodes", "auto", "--until", "settled", "--json", "--home", self.home)
        return ["outsourcing", "submit", *files, *inputs, *WINDOWS, *rest]


def judge(done: Finished, batch: bytes) -> str:
    """What a command came to, in a word."""
    if done.status != Exit.DONE:
        return OUTCOMES.get(Exit(done.status), f"status {done.status}")
    values = [to_signed(value) for value in FIELD.unpack(evaluate_plainly(batch))]
    rows = [values[i : i + OUTPUTS] for i in range(0, len(values), OUTPUTS)]
    return RIGHT if done.value["result"] == rows else WRONG
