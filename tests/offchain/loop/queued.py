"""A loop that was not started, so that what it is asked waits in its queue together."""

from __future__ import annotations

import threading
from typing import Any

from tests.offchain.loop.tally import Event, TallyMachine
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import EdgemarkError
from edgemark.journal.journal import Journal
from edgemark.loop.replay import decode_record, split
from edgemark.loop.runtime import Pace, Runtime, TryAgain

QUICK = Pace(poll_s=0.01, workers=4, max_open=1000, backoff_s=0.01, most_backoff_s=0.05)


def never(*_: object) -> None:
    """An effect that finds nothing out."""
    raise TryAgain("never")


class Waiting:
    """A loop with a queue that fills before it begins.

    Attributes:
        loop: not started.
        journal: its own.
        outcomes: what askers got so far, by the order in which they asked.
    """

    def __init__(self, journal: Journal, perform: Any, **options: Any) -> None:
        self.journal = journal
        machine = options.pop("machine", None) or TallyMachine()
        self.loop: Runtime[Any, Any, Any] = Runtime(
            machine, journal, perform, **{"pace": QUICK, **options}
        )
        self._askers: list[threading.Thread] = []
        self.outcomes: dict[int, Any] = {}

    def ask(self, key: bytes, event: Event) -> None:
        """Ask in a thread of its own; returns once it waits in the queue."""
        number = len(self._askers)

        def wait() -> None:
            try:
                self.outcomes[number] = self.loop.ask(key, event, LIMIT_S)
            except EdgemarkError as error:
                self.outcomes[number] = error

        before = self.loop._queue.qsize()
        self._askers.append(threading.Thread(target=wait, daemon=True))
        self._askers[-1].start()
        wait_until("the event in the queue", lambda: self.loop._queue.qsize() > before)

    def answers(self) -> list[Any]:
        """States and errors that the askers got, in the order in which they asked."""
        for asker in self._askers:
            asker.join(LIMIT_S)
        return [self.outcomes[number] for number in range(len(self._askers))]

    def records(self) -> list[list[Any]]:
        """Events by record of the journal."""
        return [
            [decode_record(TallyMachine().decode_event, each)[1] for each in split(record)]
            for record in self.journal.records()
        ]
