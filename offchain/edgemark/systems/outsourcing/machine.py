"""The protocol as the runtime wants it: one machine a party."""

from __future__ import annotations

from collections.abc import Callable

from edgemark.moves import MovesMachine, P
from edgemark.systems.outsourcing.codec import decode_event, encode_event
from edgemark.systems.outsourcing.protocol import LIFE


class PartyMachine(MovesMachine[P]):
    """One party's side of the protocol.

    Args:
        blank: makes the state of a job nobody heard of.
    """

    def __init__(self, blank: Callable[[], P]) -> None:
        super().__init__(blank, LIFE, encode_event, decode_event)
