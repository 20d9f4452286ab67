"""The protocol as the runtime wants it: one machine a party, time turned into events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from edgemark.identifiers import Timestamp
from edgemark.machine import Tick
from edgemark.systems.outsourcing.codec import decode_event, encode_event
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.parties.judge import JudgeCase
from edgemark.systems.outsourcing.parties.node import NodeTask
from edgemark.systems.outsourcing.protocol import reach_time, step

P = TypeVar("P", DeviceJob, NodeTask, JudgeCase)


class PartyMachine(Generic[P]):
    """One party's side of the protocol.

    Args:
        blank: makes the state of a job nobody heard of.
    """

    def __init__(self, blank: Callable[[], P]) -> None:
        self._blank: Callable[[], P] = blank

    def initial(self, key: bytes) -> P:  # noqa: ARG002 - all jobs begin alike
        """The state of a job that nobody heard of."""
        return self._blank()

    def step(self, state: P, event: object) -> tuple[P, Sequence[object]]:
        """One move; a tick lets deadlines pass."""
        if isinstance(event, Tick):
            later = reach_time(state, Timestamp(event.now))
            before = state.owed()
            return later, tuple(effect for effect in later.owed() if effect not in before)
        return step(state, event)

    def resume(self, state: P) -> Sequence[object]:
        """Every effect still owed."""
        return state.owed()

    def encode_event(self, event: object) -> bytes:
        """Canonical bytes."""
        return encode_event(event)

    def decode_event(self, raw: bytes) -> object:
        """What `encode_event` wrote."""
        return decode_event(raw)

    def is_finished(self, state: P) -> bool:
        """Nothing is owed or awaited any more."""
        return state.is_finished
