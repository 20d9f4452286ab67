"""A whole job in memory: the model of the chain, the real machines of all parties, no I/O.

Time goes in steps of `STEP_S`. In each step every party, in an order drawn anew, looks at the chain
as it was `lag` steps ago, lets its deadlines pass and carries out what it owes; messages arrive at
once, through their wire formats. The laws are those of the loop that runs the machines for real: an
event counts when it changed the state, effects begin after that, and a failed one is repeated while
it is owed. Steps in which nobody has anything to do are not played (`World.run`).
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel
from tests.offchain.systems.outsourcing.simulation.model_rules import ModelRefused

from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, Timestamp
from edgemark.loop.machine import Tick, TryAgain
from edgemark.systems.outsourcing.contract.records import IndexView, JobView
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.machine import RECORDS, PartyMachine

STEP_S = 2  # seconds of chain time
MOST_LAG = 2  # steps that a party may be behind the chain
QUIET = MOST_LAG + 2  # steps without a change, after which all have seen all and tried all again

S = TypeVar("S", bound=Any)


@dataclass(frozen=True)
class View:
    """The chain at one block."""

    job: JobView
    indices: tuple[IndexView, ...]
    time: Timestamp


class Killed(Exception):
    """A party was killed right after a record of its journal was durable."""


class Side(ABC, Generic[S]):
    """One party: its state, its journal and the effects under way.

    Args:
        blank: makes the state of a job nobody heard of.
        lag: steps that this party is behind the chain.

    Attributes:
        trail: the state after each record of the journal.
        kill_after: die when the journal has this many records, once.
    """

    def __init__(self, blank: Callable[[], S], lag: int = 0) -> None:
        self.machine: PartyMachine[Any] = PartyMachine(blank)
        self.state: S = blank()
        self.lag = lag
        self.journal: list[bytes | Tick] = []
        self.trail: list[S] = []
        self.pending: list[Any] = []
        self.kill_after: int | None = None
        self.is_gone = False

    # --- for parties ---------------------------------------------------------------------------

    @abstractmethod
    def observe(self, view: View) -> Sequence[object]:
        """What the chain shows that this party has not heard yet."""

    @abstractmethod
    def perform(self, effect: Any) -> Sequence[object]:
        """Carry out one effect; what it found out."""

    # --- the loop ------------------------------------------------------------------------------

    def take(self, event: object) -> None:
        """Let an event happen; durable when it returns."""
        after, effects = self.machine.step(self.state, event)
        if after != self.state:
            self.journal.append(event if isinstance(event, Tick) else RECORDS.encode(event))
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

    def turn(self, view: View | None, now: int) -> None:
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
            event = record if isinstance(record, Tick) else RECORDS.decode(record)
            state, _ = self.machine.step(state, event)
        return state


class World:
    """Everybody and the chain.

    Args:
        seed: decides who acts first in each step and who lags behind the chain.
        order: the job; the small one when None.
        function: of the job.
    """

    def __init__(
        self, seed: int, order: Order | None = None, function: Polynomial | None = None
    ) -> None:
        self.seed = seed
        self.draw = random.Random(seed)
        self.order = order or cast.small_order()
        self.function = function or cast.dense_function()
        self.now = int(cast.START)
        nodes = self.order.nodes
        accounts = [cast.PAYER.address, *nodes, *cast.JUDGE_ADDRESSES]
        self.start = {account: cast.WEALTH for account in accounts} | {cast.POOL: 0}
        self.chain = SettlementModel(
            limits=cast.LIMITS,
            judges=cast.JUDGE_ADDRESSES,
            pool=cast.POOL,
            free=dict(self.start),
            providers=cast.PROVIDERS,
            judge_providers=cast.JUDGE_PROVIDERS,
        )
        self.sides: list[Side[Any]] = []
        self.nodes: dict[int, Any] = {}
        self.judges: dict[Address, Any] = {}
        self._views: list[View | None] = []

    def settle_in(self, side: Side[Any]) -> None:
        """From now on this party acts in every step."""
        self.sides.append(side)

    def draw_lag(self) -> int:
        """Steps that a party is behind."""
        return self.draw.randrange(MOST_LAG + 1)

    def send(self, act: Callable[..., None], *args: Any, **kwargs: Any) -> list[object]:
        """A transaction now.

        Raises:
            TryAgain: the chain refuses it.
        """
        try:
            act(self.now, self.order.job, *args, **kwargs)
        except ModelRefused as refused:
            raise TryAgain(refused.error, who="settlement") from refused
        return []

    def view(self, lag: int = 0) -> View | None:
        """The chain as it was `lag` steps ago."""
        if lag and lag <= len(self._views):
            return self._views[-lag]
        job = self.chain.job_view(self.order.job)
        if lag or job is None:
            return None
        return View(job, self.chain.index_views(self.order.job), Timestamp(self.now))

    def advance(self) -> None:
        """One step of time."""
        self._views.append(self.view())
        self.now += STEP_S
        # a judge takes up a case, and so becomes a side, while others act
        for side in self.draw.sample(self.sides, len(self.sides)):
            side.turn(self.view(side.lag), self.now)

    def run(self) -> None:
        """Go on until everybody is done, or until the time when everybody must be.

        What happens, and when, is the same as without `skip`.
        """
        end, quiet, before = self.chain_end(), 0, self._changes()
        while self.now < end and not self.is_over():
            self.advance()
            after = self._changes()
            quiet, before = quiet + 1 if after == before else 0, after
            if quiet == QUIET:
                self.skip(end)
                quiet = 0

    def skip(self, end: int) -> None:
        """Let steps pass until just before the next time that anybody waits for."""
        view = self.view()
        due = min(time for time in (end, *self._times(view)) if time >= self.now)
        while self.now + 2 * STEP_S < due:
            self._views.append(view and replace(view, time=Timestamp(self.now)))
            self.now += STEP_S
            self.draw.sample(self.sides, len(self.sides))  # as if they had acted

    def _changes(self) -> object:
        """Differs when anything happened."""
        view = self.view()
        written = [len(side.journal) for side in self.sides]
        return written, view and replace(view, time=Timestamp(0))

    def _times(self, view: View | None) -> Iterator[int]:
        """Everything that is over at some time: for the parties, and for the chain."""
        for side in self.sides:
            yield from (time for time, _ in side.state.times())
        if view is not None:
            yield from (view.job.accept_by, view.job.compute_by, view.job.collect_by)
            for index in view.indices:
                yield from (index.served_by, index.answer_by, index.verdict_by)

    def chain_end(self) -> int:
        """When the last deadline of any job is over, with some steps to act on it."""
        terms, window = self.order.terms, cast.WINDOW
        answering = max(window, terms.compute_by - cast.START)
        return terms.collect_by + window + 2 * answering + 20 * STEP_S

    def is_over(self) -> bool:
        """Nothing is held and every party that heard of the job and is still there knows."""
        view = self.view()
        ended = view is not None and all(index.phase.is_end for index in view.indices)
        heard = [side for side in self.sides if side.journal and not side.is_gone]
        return ended and all(side.state.is_finished for side in heard)

    def gain(self, account: Address) -> int:
        """What an account has more than at the start."""
        return self.chain.free[account] - self.start[account]
