"""The protocol as the runtime wants it: one machine a party."""

from __future__ import annotations

from collections.abc import Callable

from edgemark.loop.event_records import EventRecords
from edgemark.loop.moves import MovesMachine, P
from edgemark.systems.outsourcing.protocol import events
from edgemark.systems.outsourcing.protocol.keys import facts_of, words_of
from edgemark.systems.outsourcing.protocol.life import LIFE

RECORDS = EventRecords.of(events)
"""How the protocol's events stand in a journal."""


class PartyMachine(MovesMachine[P]):
    """One party's side of the protocol.

    Args:
        blank: makes the state of a job nobody heard of.
    """

    def __init__(self, blank: Callable[[], P]) -> None:
        super().__init__(blank, LIFE, RECORDS, facts=facts_of, words=words_of)
