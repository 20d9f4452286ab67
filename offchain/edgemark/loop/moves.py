"""A party's life as a table of moves, for the protocols of all systems.

Rule 1: every phase and every legal move is in the table; nothing else changes a `phase`.
Rule 2: nothing here knows a party; its state says what it remembers (`after`), which chain times it
        waits for (`deadlines`) and what it owes (`owed`).
Rule 3: what is owed follows from the state alone, so a party that was killed owes the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Generic, Protocol, Self, TypeVar

from edgemark.identifiers import Timestamp
from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import IllegalMove, Tick


class PartyState(Protocol):
    """What one party remembers of one job; a frozen dataclass with a field `phase`."""

    @property
    def phase(self) -> Enum:
        """Where in its life the job is, for this party."""

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""

    def after(self, event: object) -> Self:
        """The same with what the event told; the phase is the table's business."""

    def owed(self) -> tuple[object, ...]:
        """Effects that this state still needs."""

    def deadlines(self) -> tuple[tuple[Timestamp, object], ...]:
        """Chain times still to come in this state, each with the event it brings."""


P = TypeVar("P", bound=PartyState)


class Moves:
    """The moves of all parties of one protocol.

    Args:
        table: the next phase by phase and type of the event.
    """

    def __init__(self, table: Mapping[tuple[Enum, type], Enum]) -> None:
        self._table = table

    def is_legal(self, state: PartyState, event: object) -> bool:
        """Whether `event` can happen to `state`."""
        return (state.phase, type(event)) in self._table

    def step(self, state: P, event: object) -> tuple[P, tuple[object, ...]]:
        """Move one party's state by one event.

        Returns:
            the new state and the effects that it owes and the old one did not.

        Raises:
            IllegalMove: the table has no such move.
        """
        phase = self._table.get((state.phase, type(event)))
        if phase is None:
            raise IllegalMove(
                "cannot happen now",
                who=type(event).__name__,
                had=state.phase.value,
                needed="see MOVES",
            )
        before = state.owed()
        told: Any = state.after(event)
        moved: P = replace(told, phase=phase)
        return moved, tuple(effect for effect in moved.owed() if effect not in before)

    def reach_time(self, state: P, now: Timestamp) -> P:
        """Let every deadline that lies before `now` pass. A deadline D is over at D + 1."""
        for deadline, event in state.deadlines():
            if now > deadline and self.is_legal(state, event):
                state, _ = self.step(state, event)
        return state


class MovesMachine(Generic[P]):
    """One party's side of a protocol as the runtime wants it: time turned into events.

    Args:
        blank: makes the state of a job nobody heard of.
        moves: of the protocol.
        records: how its events stand in a journal.
    """

    def __init__(
        self,
        blank: Callable[[], P],
        moves: Moves,
        records: EventRecords,
    ) -> None:
        self._blank = blank
        self._moves = moves
        self._records = records

    def initial(self, key: bytes) -> P:  # noqa: ARG002 - all jobs begin alike
        """The state of a job that nobody heard of."""
        return self._blank()

    def step(self, state: P, event: object) -> tuple[P, Sequence[object]]:
        """One move; a tick lets deadlines pass."""
        if isinstance(event, Tick):
            later = self._moves.reach_time(state, Timestamp(event.now))
            before = state.owed()
            return later, tuple(effect for effect in later.owed() if effect not in before)
        return self._moves.step(state, event)

    def resume(self, state: P) -> Sequence[object]:
        """Every effect still owed."""
        return state.owed()

    def encode_event(self, event: object) -> bytes:
        """Canonical bytes."""
        return self._records.encode(event)

    def decode_event(self, raw: bytes) -> object:
        """What `encode_event` wrote."""
        return self._records.decode(raw)

    def is_finished(self, state: P) -> bool:
        """Nothing is owed or awaited any more."""
        return state.is_finished
