"""The protocol as the runtime wants it: one machine a party."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import Line
from edgemark.loop.moves import MovesMachine, P
from edgemark.systems.outsourcing.protocol import events
from edgemark.systems.outsourcing.protocol.keys import facts_of, words_of
from edgemark.systems.outsourcing.protocol.life import LIFE
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

RECORDS = EventRecords.of(events)
"""How the protocol's events stand in a journal."""


class PartyMachine(MovesMachine[P]):
    """One party's side of the protocol.

    Args:
        blank: makes the state of a job nobody heard of.
    """

    def __init__(self, blank: Callable[[], P]) -> None:
        super().__init__(blank, LIFE, RECORDS, facts=facts_of, words=words_of)

    def tell(self, before: P, event: object, after: P) -> Sequence[Line]:
        """What the log says; where the job as a whole is over, in the word that everybody has."""
        lines = super().tell(before, event, after)
        if isinstance(event, events.SawEnded) and isinstance(after.phase, DevicePhase):
            return [replace(line, words=f"job {after.phase.value}") for line in lines]
        return lines
