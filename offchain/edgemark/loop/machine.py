"""What a party's pure part looks like to the loop that runs it (`edgemark.loop.runtime`)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

from edgemark.errors import EdgemarkError, LedgerUnavailable, RefusedInput, Unrecoverable

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
F_co = TypeVar("F_co", bound=Hashable, covariant=True)


Facts = Mapping[str, object]


def say(facts: Facts) -> str:
    """What is known of a key, for the text of an error."""
    words = {name: fact.hex() if isinstance(fact, bytes) else fact for name, fact in facts.items()}
    return ", ".join(f"{name} {fact}" for name, fact in words.items())


@dataclass(frozen=True)
class Line:
    """What the log says of something that happened to a matter.

    Attributes:
        words: the event, in the words of its system; the same wherever it happens.
        facts: what it told, beside what is said of the key.
        is_detail: for who follows one run; else an operator wants to see it.
    """

    words: str
    facts: Facts = field(default_factory=dict)
    is_detail: bool = False


@dataclass(frozen=True)
class Tick:
    """Time passed.

    Args:
        now: chain time, Unix seconds.
    """

    now: int


class TryAgain(EdgemarkError):
    """Raised by a performer whose effect could not be carried out yet.

    Attributes:
        after_s: seconds to wait at least; the loop's own pause when that is longer.
        is_mute: the peer that was asked could not be reached, or not in time.
    """

    after_s: float = 0.0
    is_mute: bool = False


class UnderWay(TryAgain):
    """Raised by a performer whose effect was begun and takes its time: nothing failed.

    No thread is held meanwhile; whoever carries it out again must find it under way.
    """

    after_s = 3.0  # a watch sees sooner what became of most


class NotOwed(UnderWay):
    """Raised by a performer that looked and found its effect not owed: nothing was done.

    It may be owed again by the time that this is heard, and then nothing else would begin it.
    """

    after_s = 0.0


class IllegalMove(RefusedInput):
    """The event cannot happen in this phase; the state stays as it was."""


class LoopBusy(LedgerUnavailable):
    """The loop did not take the event in time. Retry later."""


class LoopStopped(Unrecoverable):
    """The loop does not run any more."""


class Machine(Protocol[S, E, F_co]):
    """What one party does about one matter, without clock, socket, chain or randomness.

    A matter is whatever has a life of its own, as a channel or an order has. Its system gives it a
    key, by which the loop knows it, and says what a key means.

    States compare by value. Effects are frozen, hashable and idempotent.
    """

    def facts(self, key: bytes) -> Facts:
        """What logs and errors say of a key, of any bytes."""

    def initial(self, key: bytes) -> S:
        """The state of a matter that nobody heard of."""

    def step(self, state: S, event: E | Tick) -> tuple[S, Sequence[F_co]]:
        """The state after `event` and what to do now.

        Raises:
            RefusedInput, PeerFault: the event is refused; the state stays.
        """

    def resume(self, state: S) -> Sequence[F_co]:
        """Every effect that is still owed in `state`."""

    def encode_event(self, event: E) -> bytes:
        """Canonical bytes of an event."""

    def decode_event(self, raw: bytes) -> E:
        """The event that `encode_event` wrote."""

    def is_finished(self, state: S) -> bool:
        """Does time no longer matter to this matter?"""


@runtime_checkable
class Telling(Protocol[S_contra]):
    """A `Machine` that has words for what happens to its matters."""

    def tell(self, before: S_contra, event: Any, after: S_contra) -> Sequence[Line]:
        """What the log says of an event, or of a tick, that changed a state."""


def lines_of(machine: Any, before: S, event: object, after: S) -> Sequence[Line]:
    """What the log says of an event, by a machine that may have words for it."""
    tell = getattr(machine, "tell", None)  # a `Telling`; isinstance takes a tenth of a step
    if tell is not None:
        told: Sequence[Line] = tell(before, event, after)
        return told
    return [Line("event taken", {"kind": type(event).__name__}, is_detail=True)]


@runtime_checkable
class Condensing(Protocol[S_contra, E_co]):
    """A `Machine` whose open matters may be told by fewer events than happened to them.

    It is for what goes on for long and forgets: without it every event of an open matter stays.
    """

    def condense(self, state: S_contra) -> Sequence[E_co | Tick]:
        """The events that still matter: they lead from `initial` to a state equal to this one."""
