"""Which open matters a round over the chain has to read.

Rule 1: what a party believes comes from views at confirmed depth (`observing.py` of its system),
        never from a log; a log only says which view is worth reading now, and from which block on.
Rule 2: so reading one too often costs a moment, and missing a log costs no more than a delay:
        every open matter is read again after `SWEEP_S`, whatever the logs say.
Rule 3: matters that are over cost nothing, and open ones at rest next to nothing.
Rule 4: what an event is about is said by a key, as matters have them. It touches every matter whose
        key is a part of it from the front, or begins with it: an event of a whole touches all of
        its parts, one of a part that part and the whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

SWEEP_S = 15.0


@dataclass(frozen=True)
class _Look:
    """When a matter was read last, and in which phase its party was before."""

    at: float
    phase: object


class Events(Protocol):
    """Where news come from, as an EVM's `LogFollower`."""

    cursor: int

    def poll(self) -> Sequence[Any]:
        """What became final since the last call."""


class Agenda:
    """One party's; one thread at a time.

    Args:
        events: from the first block that matters.
        subject_of: the key of what an event is about; None of one that is about no matter.
    """

    def __init__(self, events: Events, subject_of: Callable[[Any], bytes | None]) -> None:
        self._events = events
        self._subject_of = subject_of
        self._touched: set[bytes] = set()
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
        subjects = map(self._subject_of, events)
        self._touched |= {subject for subject in subjects if subject is not None}
        return events

    def due(self, states: Mapping[bytes, Any]) -> list[bytes]:
        """Keys of the open matters to read: touched, moved since, or not read for long.

        Args:
            states: the present states, by key.
        """
        now = time.monotonic()
        touched = self._find_touched(states)
        found = [
            key
            for key, state in states.items()
            if not state.is_finished and (key in touched or self._is_due(key, state, now))
        ]
        for key in self._looks.keys() - states.keys():
            del self._looks[key]
        return found

    def note(self, keys: Iterable[bytes], states: Mapping[bytes, Any]) -> None:
        """These matters have been read, in the states that `due` was shown.

        A round that failed on the way notes nothing, so the next one reads the same again.
        """
        now = time.monotonic()
        self._touched.clear()
        for key in keys:
            self._looks[key] = _Look(now, states[key].phase)

    def _is_due(self, key: bytes, state: Any, now: float) -> bool:
        look = self._looks.get(key)
        return look is None or look.phase is not state.phase or now - look.at >= SWEEP_S

    def _find_touched(self, keys: Collection[bytes]) -> set[bytes]:
        """Those of the keys that an event since the last round is about, by rule 4."""
        if not self._touched:
            return set()
        fronts = {subject[:length] for length in set(map(len, keys)) for subject in self._touched}
        lengths = set(map(len, self._touched))
        return {
            key
            for key in keys
            if key in fronts or any(key[:length] in self._touched for length in lengths)
        }
