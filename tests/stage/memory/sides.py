"""One party of a world in memory: its state, its journal, and the effects under way.

The laws are those of the loop that runs the machines for real: an event counts when it changed the
state, effects begin after that, and a failed one is repeated while it is owed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from edgemark.errors import PeerFault, RefusedInput
from edgemark.loop.machine import Machine, Tick, TryAgain

S = TypeVar("S", bound=Any)
V = TypeVar("V", bound=Any)


class Killed(Exception):
    """A party was killed right after a record of its journal was durable."""


class Side(ABC, Generic[S, V]):
    """One party.

    Args:
        machine: its side of the protocol.
        lag: steps that this party is behind the chain.

    Attributes:
        trail: the state after each record of the journal.
        kill_after: die when the journal has this many records, once.
    """

    def __init__(self, machine: Machine[Any, Any, Any], lag: int = 0) -> None:
        self.machine = machine
        self.state: S = machine.initial(b"")
        self.lag = lag
        self.journal: list[bytes | Tick] = []
        self.trail: list[S] = []
        self.pending: list[Any] = []
        self.kill_after: int | None = None
        self.is_gone = False

    # --- for parties ---------------------------------------------------------------------------

    @abstractmethod
    def observe(self, view: V) -> Sequence[object]:
        """What the chain shows that this party has not heard yet."""

    @abstractmethod
    def perform(self, effect: Any) -> Sequence[object]:
        """Carry out one effect; what it found out."""

    # --- the loop ------------------------------------------------------------------------------

    def take(self, event: object) -> None:
        """Let an event happen; durable when it returns."""
        after, effects = self.machine.step(self.state, event)
        if after is not self.state and after != self.state:
            self.journal.append(
                event if isinstance(event, Tick) else self.machine.encode_event(event)
            )
            self.state = after
            self.trail.append(after)
            if len(self.journal) == self.kill_after:
                self.kill_after = None
                raise Killed
        self.pending += [effect for effect in effects if effect not in self.pending]

    def hear(self, event: object) -> None:
        """Let what somebody else said happen; durable before the reply.

        Raises:
            TryAgain: it cannot happen now, or this party died over it.
        """
        try:
            self.take(event)
        except RefusedInput as refused:
            raise TryAgain(refused.what) from refused
        except Killed as killed:
            self.restart()
            raise TryAgain("connection lost") from killed

    def take_if_possible(self, event: object) -> None:
        """Let an event happen, or drop it as stale."""
        try:
            self.take(event)
        except (RefusedInput, PeerFault):
            return

    def turn(self, view: V | None, now: int) -> None:
        """One step: look, let time pass, do what is owed."""
        if self.is_gone:
            return
        try:
            for event in () if view is None else self.observe(view):
                self.take_if_possible(event)
            self.take(Tick(now))
            self.work()
        except Killed:
            self.restart()

    def work(self) -> None:
        """Carry out what is under way, and what comes of it."""
        tried: list[Any] = []
        while left := [effect for effect in self.pending if effect not in tried]:
            effect = left[0]
            tried.append(effect)
            if effect not in self.machine.resume(self.state):
                self.pending.remove(effect)
                continue
            try:
                events = self.perform(effect)
            except (TryAgain, PeerFault):
                continue
            for event in events:
                self.take_if_possible(event)
            self.pending.remove(effect)

    def restart(self) -> None:
        """Begin again with nothing but the journal."""
        self.state = self.replay(len(self.journal))
        self.pending = list(self.machine.resume(self.state))

    def replay(self, count: int) -> S:
        """The state after the first records of the journal."""
        state: S = self.machine.initial(b"")
        for record in self.journal[:count]:
            event = record if isinstance(record, Tick) else self.machine.decode_event(record)
            state, _ = self.machine.step(state, event)
        return state
