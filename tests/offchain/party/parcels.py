"""A small protocol for tests of a party without a chain: a courier brings parcels to a keeper.

| who     | event          | effect that it owes then                              |
|---------|----------------|-------------------------------------------------------|
| courier | `AskedBring`   | `Bring`, until the keeper has sealed it: `HeardSealed` |
|         | `AskedRecall`  |                                                       |
|         | time `Due.BY`  |                                                       |
| keeper  | `HeardParcel`  | `Seal`, which it finds: `FoundSeal`                    |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from typing import Any, Self

from edgemark.identifiers import Timestamp
from edgemark.loop.event_records import EventRecords
from edgemark.loop.moves import Moves, MovesMachine, TimeOver, Waiting


class Phase(Enum):
    """Of one parcel, for one of the two."""

    UNKNOWN = "unknown"
    CARRIED = "carried"
    DELIVERED = "delivered"
    RECALLED = "recalled"
    LATE = "late"
    HELD = "held"
    SEALED = "sealed"


class Due(Enum):
    """Times that a courier waits for."""

    BY = "by"


@dataclass(frozen=True)
class AskedBring:
    """To be delivered until `by`, Unix seconds."""

    body: bytes
    by: int


@dataclass(frozen=True)
class AskedRecall:
    """Whoever sent it wants it back."""


@dataclass(frozen=True)
class HeardSealed:
    """The keeper shows its seal."""

    seal: bytes


@dataclass(frozen=True)
class HeardParcel:
    """A courier brought it."""

    body: bytes


@dataclass(frozen=True)
class FoundSeal:
    """The keeper signed for it."""

    seal: bytes


@dataclass(frozen=True)
class Bring:
    """To the keeper."""


@dataclass(frozen=True)
class Seal:
    """Sign for what is held."""


Effect = Bring | Seal


@dataclass(frozen=True)
class Parcel(Waiting):
    """What either of them remembers of one."""

    phase: Phase = Phase.UNKNOWN
    body: bytes = b""
    by: int = 0
    seal: bytes = b""

    @property
    def is_finished(self) -> bool:
        return self.phase not in (Phase.UNKNOWN, Phase.CARRIED, Phase.HELD)

    def after(self, event: Any) -> Self:
        match event:
            case AskedBring(body, by):
                return replace(self, body=body, by=by)
            case HeardParcel(body):
                return replace(self, body=body)
            case HeardSealed(seal) | FoundSeal(seal):
                return replace(self, seal=seal)
            case _:
                return self

    def owed(self) -> tuple[Effect, ...]:
        owed: dict[Phase, Effect] = {Phase.CARRIED: Bring(), Phase.HELD: Seal()}
        return (owed[self.phase],) if self.phase in owed else ()

    def times(self) -> list[tuple[Timestamp, TimeOver]]:
        return [(Timestamp(self.by), TimeOver(Due.BY))] if self.phase is Phase.CARRIED else []

    def laws(self) -> dict[str, bool]:
        return {"who has a seal has what it is for": not self.seal or bool(self.body)}


MOVES = Moves(
    {
        Phase.UNKNOWN: {AskedBring: Phase.CARRIED, HeardParcel: Phase.HELD},
        Phase.CARRIED: {
            HeardSealed: Phase.DELIVERED,
            AskedRecall: Phase.RECALLED,
            Due.BY: Phase.LATE,
        },
        Phase.HELD: {FoundSeal: Phase.SEALED},
    }
)
EVENTS = (AskedBring, AskedRecall, HeardSealed, HeardParcel, FoundSeal)


def make_machine() -> MovesMachine[Parcel]:
    """For either of them."""
    return MovesMachine(Parcel, MOVES, EventRecords(EVENTS))


def key_of(name: str) -> bytes:
    """Key of the parcel of this name."""
    return sha256(name.encode()).digest()
