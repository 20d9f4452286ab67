"""A matter of months is told by its state, and waits for the same time again and again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from types import ModuleType
from typing import Any

import pytest

from edgemark.identifiers import Timestamp
from edgemark.loop.event_records import EventRecords, JournalForeign
from edgemark.loop.machine import Condensing, IllegalMove, Tick
from edgemark.loop.moves import CondensingMachine, Moves, TimeOver, Waiting, stays
from edgemark.loop.replay import encode_record, replay_records


class Phase(Enum):
    """Of a kettle."""

    COLD = "cold"
    WARM = "warm"


class Time(Enum):
    """That it waits for."""

    BOILING = "boiling"
    NIGHT = "night"


@dataclass(frozen=True)
class Filled:
    at: Timestamp
    with_tea: tuple[str, ...]


@dataclass(frozen=True)
class Kettle(Waiting):
    phase: Phase = Phase.COLD
    filled: Filled | None = None
    is_finished: bool = False

    def after(self, event: Any) -> Kettle:
        left = frozenset(each for each in self.over if each.what is not Time.BOILING)
        return replace(self, filled=event, over=left)

    def owed(self) -> tuple[str, ...]:
        return ("pour",) if self.is_over(Time.BOILING) else ()

    def times(self) -> list[tuple[Timestamp, TimeOver]]:
        if self.filled is None:
            return []
        at = self.filled.at
        return [(Timestamp(at + 9), TimeOver(Time.BOILING)), (Timestamp(99), TimeOver(Time.NIGHT))]

    def laws(self) -> dict[str, bool]:
        return {}


LIFE = Moves(
    {
        Phase.COLD: {Filled: Phase.WARM},
        Phase.WARM: stays(Filled, Time.BOILING, Time.NIGHT),
    }
)
RECORDS = EventRecords((Filled, Kettle), times=Time)
MACHINE: CondensingMachine[Any] = CondensingMachine(Kettle, LIFE, RECORDS)


def boiled() -> Kettle:
    """A kettle that was filled twice, and boiled twice; night came between."""
    kettle = Kettle()
    for event in (Filled(Timestamp(1), ("green",)), Tick(100), Filled(Timestamp(200), ())):
        kettle, _ = MACHINE.step(kettle, event)
    return kettle


def test_a_time_that_begins_anew__is_waited_for_again() -> None:
    kettle = boiled()
    assert kettle.over == {TimeOver(Time.NIGHT)}
    assert MACHINE.step(kettle, Tick(209)) == (kettle, ())
    again, owed = MACHINE.step(kettle, Tick(210))
    assert (again.is_over(Time.BOILING), owed) == (True, ("pour",))


@pytest.mark.parametrize("now", [200, 210], ids=["waiting", "over"])
def test_a_state__is_one_record_that_leads_to_it_and_owes_the_same(now: int) -> None:
    kettle, _ = MACHINE.step(boiled(), Tick(now))
    assert isinstance(MACHINE, Condensing)
    (told,) = MACHINE.condense(kettle)
    record = encode_record(MACHINE, b"kettle", told)
    assert replay_records(MACHINE, [record], who="test") == {b"kettle": kettle}
    assert MACHINE.resume(kettle) == kettle.owed()


def test_a_state_behind_events__is_refused() -> None:
    with pytest.raises(IllegalMove, match="told after other events"):
        MACHINE.step(boiled(), boiled())


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"WARM"', b'"HOT"'),
        (b'"NIGHT"', b'"NOON"'),
        (b'"over":[', b'"over":["x",'),
        (b'"over":[', b'"over":{"a":'),
    ],
)
def test_a_state_of_another_version__is_foreign(was: bytes, becomes: bytes) -> None:
    raw = MACHINE.encode_event(boiled())
    assert was in raw
    with pytest.raises(JournalForeign):
        MACHINE.decode_event(raw.replace(was, becomes))
    with pytest.raises(JournalForeign):  # who named no times reads none
        EventRecords((Kettle, Filled)).decode(raw)


def test_records_of_modules__have_the_events_of_each_and_the_states() -> None:
    first, second = ModuleType("first"), ModuleType("second")
    for module, kind in ((first, Filled), (second, Kettle)):
        setattr(module, kind.__name__, replace_module(kind, module.__name__))
    records = EventRecords.of(first, second)
    assert set(records._kinds) == {"Filled", "Kettle"}
    assert set(EventRecords.of(first, states=(Kettle,))._kinds) == {"Filled", "Kettle"}


def replace_module(kind: type, name: str) -> type:
    """The same type as if that module defined it."""
    return type(kind.__name__, (kind,), {"__module__": name})
