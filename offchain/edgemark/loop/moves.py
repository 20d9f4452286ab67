"""A party's life as a table of moves, for the protocols of all systems.

Rule 1: every phase and every legal move is in the table; nothing else changes a `phase`.
Rule 2: nothing here knows a party; its state says what it remembers (`after`), which chain times it
        waits for (`times`) and what it owes (`owed`).
Rule 3: what is owed follows from the state alone, so a party that was killed owes the same again.
Rule 4: a time that is over is remembered in `over`, by its name; so a deadline costs one line where
        a state lists it, and one in each phase of the table in which it may pass. A state that
        waits for a time again and again takes it out when it begins anew.
Rule 5: what goes on for months is told by its state, which stands in the journal for all that
        happened before (`CondensingMachine`): it is the first event of a matter, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Generic, Protocol, Self, TypeVar

from edgemark.identifiers import Timestamp
from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import Facts, IllegalMove, Line, Tick


@dataclass(frozen=True)
class TimeOver:
    """A chain time that a state waited for is past.

    It stands in no journal: the tick that let it pass does.

    Attributes:
        what: the time, by the name its protocol gives it.
        part: of what, where a state waits for several of that name; 0 where for one.
    """

    what: Enum
    part: int = 0


@dataclass(frozen=True)
class Waiting:
    """What the state of every party remembers of time.

    Attributes:
        over: times that were waited for, and are past.
    """

    over: frozenset[TimeOver] = field(default=frozenset(), kw_only=True)

    def is_over(self, what: Enum, part: int = 0) -> bool:
        """Whether that time was seen to be past."""
        return TimeOver(what, part) in self.over


class PartyState(Protocol):
    """What a party remembers of one matter: a frozen dataclass, `Waiting`, with a field `phase`."""

    @property
    def phase(self) -> Enum:
        """Where in its life the matter is, for this party."""

    @property
    def over(self) -> frozenset[TimeOver]:
        """Times that were waited for, and are past."""

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""

    def after(self, event: Any) -> Self:
        """The same with what the event told; the phase is the table's business."""

    def owed(self) -> tuple[Hashable, ...]:
        """Effects that this state still needs."""

    def times(self) -> Sequence[tuple[Timestamp, TimeOver]]:
        """Chain times that matter in this state; those in `over` count no more."""

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached; tests walk and look."""


P = TypeVar("P", bound=PartyState)
Kind = type | Enum  # of an event; of a time that is over, its name
Table = Mapping[Enum, Mapping[Kind, Enum | None]]


def stays(*kinds: Kind) -> dict[Kind, None]:
    """Rows of a table: what may happen in a phase, and tells something without ending it."""
    return dict.fromkeys(kinds)


def name_event(event: object) -> Line:
    """What the log says of an event for which its system has no words."""
    return Line("event taken", {"kind": type(event).__name__}, is_detail=True)


def name_key(key: bytes) -> Facts:
    """What is said of a key that its system does not take apart."""
    return {"matter": key}


def kind_of(event: object) -> Kind:
    """Under what an event stands in a table."""
    return event.what if isinstance(event, TimeOver) else type(event)


class Moves:
    """The moves of one party, or of all parties of one protocol.

    Args:
        table: by phase and kind of event the next phase; None where the phase stays (`stays`).
    """

    def __init__(self, table: Table) -> None:
        self._table = {
            (phase, kind): phase if after is None else after
            for phase, row in table.items()
            for kind, after in row.items()
        }

    def __iter__(self) -> Iterator[tuple[Enum, Kind, Enum]]:
        """Every move: phase before, kind of event, phase after; in the order of the table."""
        return ((before, kind, after) for (before, kind), after in self._table.items())

    def after(self, phase: Enum, kind: Kind) -> Enum | None:
        """The phase that an event of this kind leads to; None when it cannot happen."""
        return self._table.get((phase, kind))

    def is_legal(self, state: PartyState, event: object) -> bool:
        """Whether `event` can happen to `state`."""
        return self.after(state.phase, kind_of(event)) is not None

    def step(self, state: P, event: object) -> tuple[P, tuple[Hashable, ...]]:
        """Move one party's state by one event.

        Returns:
            the new state and the effects that it owes and the old one did not.

        Raises:
            IllegalMove: the table has no such move.
        """
        moved, before = self._move(state, event), state.owed()
        return moved, tuple(effect for effect in moved.owed() if effect not in before)

    def reach_time(self, state: P, now: Timestamp) -> P:
        """Let every time that lies before `now` pass. A time T is over at T + 1."""
        for time, over in state.times():
            if now > time and over not in state.over and self.is_legal(state, over):
                state = self._move(state, over)
        return state

    def _move(self, state: P, event: object) -> P:
        phase = self.after(state.phase, kind_of(event))
        if phase is None:
            raise IllegalMove(
                "cannot happen now",
                who=type(event).__name__,
                had=state.phase.value,
                needed="a move of its table",
            )
        is_time = isinstance(event, TimeOver)
        told: Any = state if is_time else state.after(event)
        if told.phase is phase and not is_time:  # most moves: no copy of what says the same
            return told  # type: ignore[no-any-return]
        moved: P = replace(told, phase=phase, over=told.over | ({event} if is_time else set()))
        return moved


class MovesMachine(Generic[P]):
    """One party's side of a protocol as the runtime wants it: time turned into events.

    Args:
        blank: makes the state of a matter nobody heard of.
        moves: of the protocol.
        records: how its events stand in a journal.
        facts: what logs and errors say of a key.
        words: what logs say of an event.
    """

    def __init__(
        self,
        blank: Callable[[], P],
        moves: Moves,
        records: EventRecords,
        *,
        facts: Callable[[bytes], Facts] = name_key,
        words: Callable[[Any], Line] = name_event,
    ) -> None:
        self._blank = blank
        self._moves = moves
        self._records = records
        self._facts = facts
        self._words = words

    def facts(self, key: bytes) -> Facts:
        """What logs and errors say of a key."""
        return self._facts(key)

    def tell(self, before: P, event: object, after: P) -> Sequence[Line]:
        """What the log says of an event; of times only those that ended a phase."""
        phase = {"phase": after.phase.value}
        if not isinstance(event, Tick):
            line = self._words(event)
            return [Line(line.words, {**line.facts, **phase}, line.is_detail)]
        is_detail = after.phase is before.phase
        passed = sorted((over.what.value, over.part) for over in after.over - before.over)
        return [
            Line(f"{what} is over", {**({"part": part} if part else {}), **phase}, is_detail)
            for what, part in passed
        ]

    def initial(self, key: bytes) -> P:  # noqa: ARG002 - all matters begin alike
        """The state of a matter that nobody heard of."""
        return self._blank()

    def step(self, state: P, event: object) -> tuple[P, Sequence[Hashable]]:
        """One move; a tick lets times pass."""
        if isinstance(event, Tick):
            later = self._moves.reach_time(state, Timestamp(event.now))
            if later is state:  # most ticks: nothing passed, so nothing more is owed
                return state, ()
            before = state.owed()
            return later, tuple(effect for effect in later.owed() if effect not in before)
        return self._moves.step(state, event)

    def resume(self, state: P) -> Sequence[Hashable]:
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


class CondensingMachine(MovesMachine[P]):
    """A machine whose open matters are told by one record: the state that they came to.

    See `edgemark.loop.condensing`. The records have to know the type of that state
    (`EventRecords.of(..., states=...)`).
    """

    def step(self, state: P, event: object) -> tuple[P, Sequence[Hashable]]:
        """One move; a state takes the place of that of a matter nobody heard of.

        Raises:
            IllegalMove: the table has no such move, or the matter was heard of before.
        """
        if not isinstance(event, type(state)):
            return super().step(state, event)
        if state != (blank := self._blank()):
            raise IllegalMove(
                "is told after other events",
                who=type(event).__name__,
                had=state.phase.value,
                needed=blank.phase.value,
            )
        return event, event.owed()

    def condense(self, state: P) -> Sequence[object]:
        """The state itself."""
        return (state,)
