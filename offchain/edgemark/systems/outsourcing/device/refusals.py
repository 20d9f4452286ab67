"""Which answers the device refused, and why, for the user to read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from edgemark.identifiers import ShareIndex
from edgemark.systems.outsourcing.identifiers import JobId

MOST_KEPT = 1024  # the latest


@dataclass(frozen=True)
class Refusal:
    """An answer that did not verify, and why."""

    job: JobId
    index: ShareIndex
    reason: str


class RefusedAnswers:
    """The latest refusals, each once; safe for many threads: every effect may note one."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._refusals: OrderedDict[Refusal, None] = OrderedDict()

    def note(self, refusal: Refusal) -> bool:
        """Whether it is a new one; it is kept then."""
        with self._guard:
            if refusal in self._refusals:
                return False
            self._refusals[refusal] = None
            while len(self._refusals) > MOST_KEPT:
                self._refusals.popitem(last=False)
            return True

    def __iter__(self) -> Iterator[Refusal]:
        """Those of now, the oldest first."""
        with self._guard:
            return iter(tuple(self._refusals))

    def __len__(self) -> int:
        with self._guard:
            return len(self._refusals)
