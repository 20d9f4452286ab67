"""Which open jobs a round over the chain has to read.

Rule 1: what a party believes comes from views at confirmed depth (`observing.py` of its system),
        never from a log; a log only says which view is worth reading now, and from which block on.
Rule 2: so reading one job too often costs a moment, and missing a log costs no more than a delay:
        every open job is read again after `SWEEP_S`, whatever the logs say.
Rule 3: jobs that are over cost nothing, and open ones at rest next to nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edgemark.loop.machine import JOB_ID_BYTES

SWEEP_S = 15.0


@dataclass(frozen=True)
class _Look:
    """When a job was read last, and in which phase its party was before."""

    at: float
    phase: object


class Events(Protocol):
    """Where news come from, as an EVM's `LogFollower`; they may name a `job` and an `index`."""

    cursor: int

    def poll(self) -> Sequence[Any]:
        """What became final since the last call."""


class Agenda:
    """One party's; one thread at a time.

    Args:
        events: from the first block that matters.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._touched: set[tuple[bytes, int | None]] = set()
        self._touched_jobs: set[bytes] = set()
        self._looks: dict[bytes, _Look] = {}

    @property
    def cursor(self) -> int:
        """The last block whose events were taken."""
        return self._events.cursor

    @property
    def block(self) -> int:
        """Where views are to be read: behind all events that were taken, never earlier than before.

        A node that lags behind the one that told the events refuses that, instead of showing what
        was there before them.
        """
        return max(0, self.cursor)

    def poll(self) -> Sequence[Any]:
        """What became final since the last round.

        Raises:
            LedgerUnavailable, Unrecoverable: as the events do.
        """
        events = self._events.poll()
        for event in events:
            job = getattr(event, "job", None)
            if job is not None:
                self._touched.add((bytes(job), getattr(event, "index", None)))
                self._touched_jobs.add(bytes(job))
        return events

    def due(self, states: Mapping[bytes, Any]) -> list[bytes]:
        """Keys of the open jobs to read: touched, moved since, or not read for long.

        Args:
            states: the present states; a key is a job id, perhaps with one index behind it.
        """
        now = time.monotonic()
        found = [key for key, state in states.items() if self._is_due(key, state, now)]
        for key in self._looks.keys() - states.keys():
            del self._looks[key]
        return found

    def note(self, keys: Iterable[bytes], states: Mapping[bytes, Any]) -> None:
        """These jobs have been read, in the states that `due` was shown.

        A round that failed on the way notes nothing, so the next one reads the same again.
        """
        now = time.monotonic()
        self._touched.clear()
        self._touched_jobs.clear()
        for key in keys:
            self._looks[key] = _Look(now, states[key].phase)

    def _is_due(self, key: bytes, state: Any, now: float) -> bool:
        if state.is_finished:
            return False
        look = self._looks.get(key)
        if look is None or look.phase is not state.phase or now - look.at >= SWEEP_S:
            return True
        job, index = key[:JOB_ID_BYTES], key[JOB_ID_BYTES:]
        if index and (job, None) not in self._touched:
            return (job, index[0]) in self._touched
        return job in self._touched_jobs
