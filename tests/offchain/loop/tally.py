"""A small machine for the tests of the loop: numbers are asked for, fetched, and added up.

`Asked(n)` begins `Fetch(n)`; what comes back is `Fetched(n)`. At `deadline` an unfinished tally is
late, once, with an `Alarm`. Negative numbers are refused. `Poked` changes nothing and names every
effect that is owed; `Closed` ends the tally.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from edgemark.errors import PeerFault, RefusedInput
from edgemark.loop.machine import Facts, Tick
from edgemark.loop.moves import name_key

DEADLINE = 1000


@dataclass(frozen=True)
class Asked:
    number: int


@dataclass(frozen=True)
class Fetched:
    number: int


@dataclass(frozen=True)
class Poked:
    pass


@dataclass(frozen=True)
class Closed:
    pass


@dataclass(frozen=True)
class Lied:
    """What a peer sends that breaks the protocol."""


@dataclass(frozen=True)
class Padded:
    """An event of any length."""

    length: int


Event = Asked | Fetched | Poked | Closed | Lied | Padded


@dataclass(frozen=True)
class Fetch:
    number: int


@dataclass(frozen=True)
class Alarm:
    pass


Effect = Fetch | Alarm


@dataclass(frozen=True)
class Tally:
    """State of one tally."""

    wanted: tuple[int, ...] = ()
    got: tuple[int, ...] = ()
    padding: int = 0
    is_late: bool = False
    is_closed: bool = False


class TallyMachine:
    """See the module; `ticks` counts how often a tally heard the time."""

    def __init__(self) -> None:
        self.ticks = 0

    def facts(self, key: bytes) -> Facts:
        return name_key(key)

    def initial(self, key: bytes) -> Tally:  # noqa: ARG002 - all tallies begin alike
        return Tally()

    def step(self, state: Tally, event: Event | Tick) -> tuple[Tally, list[Effect]]:
        after, effects = state, list[Effect]()
        match event:
            case Lied():
                raise PeerFault("lied", who="peer")
            case Asked(number) if number < 0:
                raise RefusedInput("is negative", who="number", had=number, needed=">= 0")
            case Asked(number) if number not in (*state.wanted, *state.got):
                after = replace(state, wanted=(*state.wanted, number))
                effects = [Fetch(number)]
            case Fetched(number) if number in state.wanted:
                left = tuple(each for each in state.wanted if each != number)
                after = replace(state, wanted=left, got=(*state.got, number))
            case Closed():
                after = replace(state, is_closed=True)
            case Padded(length):
                after = replace(state, padding=state.padding + length)
            case Poked():
                effects = self.resume(state)
            case Tick(now):
                self.ticks += 1
                if now >= DEADLINE and state.wanted and not state.is_late:
                    after, effects = replace(state, is_late=True), [Alarm()]
        return after, effects

    def resume(self, state: Tally) -> list[Effect]:
        alarm: list[Effect] = [Alarm()] if state.is_late and state.wanted else []
        return [*alarm, *(Fetch(number) for number in state.wanted)]

    def encode_event(self, event: Event) -> bytes:
        match event:
            case Asked(number) | Fetched(number):
                return type(event).__name__.encode() + b" " + str(number).encode()
            case Padded(length):
                return b"Padded " + b"x" * length
            case _:
                return type(event).__name__.encode() + b" "

    def decode_event(self, raw: bytes) -> Event:
        name, _, rest = raw.partition(b" ")
        match name:
            case b"Asked":
                return Asked(int(rest))
            case b"Fetched":
                return Fetched(int(rest))
            case b"Padded":
                return Padded(len(rest))
            case b"Closed":
                return Closed()
            case _:
                raise RefusedInput("is no event", who="tally", had=name[:20])

    def is_finished(self, state: Tally) -> bool:
        return state.is_closed


@dataclass
class Fetcher:
    """Carries out effects and notes each; `fail` may raise before a number comes back."""

    fail: Callable[[bytes, Effect], None] | None = None
    done: list[tuple[bytes, Effect]] = field(default_factory=list)

    def __call__(self, key: bytes, effect: Effect) -> Iterable[Event]:
        self.done.append((key, effect))
        if self.fail is not None:
            self.fail(key, effect)
        return [Fetched(effect.number)] if isinstance(effect, Fetch) else []


def has_got(*numbers: int) -> Callable[[dict[bytes, Tally]], bool]:
    """A predicate: does any tally have exactly these numbers?"""
    return lambda states: any(set(each.got) == set(numbers) for each in states.values())
