"""A small machine whose jobs may go on for ever and remember little: how high something stands.

`Rose(by)` lifts the gauge, and `Tell(height)` is owed until `Told(height)`. `Stopped` ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgemark.errors import RefusedInput
from edgemark.loop.machine import Facts, Tick
from edgemark.loop.moves import name_key


@dataclass(frozen=True)
class Rose:
    by: int


@dataclass(frozen=True)
class Told:
    height: int


@dataclass(frozen=True)
class Stopped:
    pass


Event = Rose | Told | Stopped


@dataclass(frozen=True)
class Tell:
    height: int


@dataclass(frozen=True)
class Gauge:
    """State of one gauge."""

    height: int = 0
    told: int = 0
    is_over: bool = False


class GaugeMachine:
    """See the module; it condenses its jobs."""

    def facts(self, key: bytes) -> Facts:
        return name_key(key)

    def initial(self, key: bytes) -> Gauge:  # noqa: ARG002 - all begin alike
        return Gauge()

    def step(self, state: Gauge, event: Event | Tick) -> tuple[Gauge, list[Tell]]:
        match event:
            case Rose(by) if by < 0:
                raise RefusedInput("falls", who="gauge", had=by, needed=">= 0")
            case Rose(by):
                after = replace(state, height=state.height + by)
                return after, self.resume(after)
            case Told(height):
                return replace(state, told=height), []
            case Stopped():
                return replace(state, is_over=True), []
            case Tick():
                return state, []

    def resume(self, state: Gauge) -> list[Tell]:
        return [Tell(state.height)] if state.told < state.height and not state.is_over else []

    def encode_event(self, event: Event) -> bytes:
        match event:
            case Rose(number) | Told(number):
                return type(event).__name__.encode() + b" %d" % number
            case Stopped():
                return b"Stopped"

    def decode_event(self, raw: bytes) -> Event:
        name, _, number = raw.partition(b" ")
        kinds: dict[bytes, type[Rose] | type[Told]] = {b"Rose": Rose, b"Told": Told}
        return kinds[name](int(number)) if name in kinds else Stopped()

    def is_finished(self, state: Gauge) -> bool:
        return state.is_over

    def condense(self, state: Gauge) -> Sequence[Event | Tick]:
        told = [Told(state.told)] if state.told else []
        return [Rose(state.height), *told]
