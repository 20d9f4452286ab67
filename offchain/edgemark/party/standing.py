"""Whom to ask first for what several peers may have: who gave something last stands first.

Law 1: who failed, or let its time pass, goes behind all others, for all that one party asks: it
       costs one pause, and is asked again before another only when all those failed since.
Law 2: who gives something in time goes before all others; who was never asked stays where it was.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable

from edgemark.identifiers import Address

MOST_REMEMBERED = 1024  # peers; those of a deployment are few


class Standing:
    """Remembers how peers did last, for all inquiries of a party; safe for many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._places: OrderedDict[Address, int] = OrderedDict()  # how it did longest ago first
        self._count = itertools.count(1)

    def place_of(self, peer: Address) -> int:
        """Less for those that are to be asked earlier; 0 for one that is not known."""
        with self._guard:
            return self._places.get(peer, 0)

    def first_of(self, peers: Iterable[Address]) -> Address:
        """Whom to ask next; of those that are not known the first."""
        return min(peers, key=self.place_of)

    def note_given(self, peer: Address) -> None:
        """It gave what it was asked for, in time."""
        with self._guard:
            self._put(peer, -next(self._count))

    def note_failed(self, peer: Address) -> None:
        """It did not, or not yet."""
        with self._guard:
            self._put(peer, next(self._count))

    def _put(self, peer: Address, place: int) -> None:
        self._places[peer] = place
        self._places.move_to_end(peer)
        if len(self._places) > MOST_REMEMBERED:
            self._places.popitem(last=False)
