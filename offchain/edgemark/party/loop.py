"""One party's journal, loop and watch, opened, started and stopped together."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, Generic, TypeVar

from edgemark.closing import Closing
from edgemark.errors import PeerFault, RefusedInput
from edgemark.journal.journal import Journal
from edgemark.logs import get_logger
from edgemark.loop.archive import Archive, Room
from edgemark.loop.errands import Errand, Pace
from edgemark.loop.machine import IllegalMove, Machine, NotOwed, Tick, TryAgain
from edgemark.loop.runtime import Runtime, seam_from
from edgemark.metrics.readings import LoopReading
from edgemark.party.station import Station
from edgemark.party.watcher import Watcher
from edgemark.transport.faults import PeerRefused, PeerUnreachable

JOIN_S = 10.0  # for the event in hand
S = TypeVar("S", bound=Station)


class PartyLoop(Closing, Generic[S]):
    """Runs one party's machine for all its matters.

    Subclasses say how effects are carried out and what to look for; they hold no protocol state of
    their own.

    Args:
        station: keys, peers, clock.
        machine: the party's pure part; its states have `phase`, `is_finished` and `owed()`.
        name: of the party; of its journal, its archive and its lines in the log too.
        look: one round over what it watches, again and again once it has started; None for a party
            that watches nothing.

    Attributes:
        archive: of its finished matters.
    """

    ARCHIVE_ROOM: ClassVar[Room | None] = None
    COMPUTERS: ClassVar[int] = 1  # what computes for long, one at a time: it holds on any processor

    def __init__(
        self,
        station: S,
        machine: Machine[Any, Any, Any],
        name: str,
        *,
        look: Callable[[], None] | None = None,
    ) -> None:
        self.station = station
        self.log = get_logger(name)
        self._facts = machine.facts
        paces, home = station.paces, station.home
        self.archive = Archive(home / f"{name}.archive", self.ARCHIVE_ROOM)
        seam = seam_from(os.environ)
        with ExitStack() as undo:  # of a start that fails, no lock stays behind
            self._journal = undo.enter_context(Journal.open(home / f"{name}.journal"))
            self.runtime: Runtime[Any, Any, Any] = Runtime(
                machine,
                self._journal,
                self._carry_out,
                clock=station.clock,
                pace=Pace(
                    poll_s=paces.poll_s,
                    workers=paces.workers,
                    computers=self.COMPUTERS,
                    most_backoff_s=2.0,
                ),
                archive=self.archive,
                seam=seam,
                name=name,
            )
            undo.pop_all()
        self.runtime.compute_in_turn(self._due)
        self.runtime.talk_in_turn(self._errand)
        watch, keep = f"{name}-watch", f"{name}-keeper"
        self._watcher = look and Watcher(look, paces.poll_s, watch, self._stop_on, is_telling=True)
        self._keeper = Watcher(station.keep_on, paces.poll_s, keep, self._stop_on)
        self._fault: Exception | None = None

    # --- for subclasses ------------------------------------------------------------------------

    @abstractmethod
    def perform(self, state: Any, effect: Any) -> Sequence[object]:
        """Carry out one effect that a matter in this state owes; what it found out."""

    def due(self, state: Any, effect: Any) -> float | None:  # noqa: ARG002 - most have none
        """When an effect that computes for long has to be done; None for one that does not."""
        return None

    def errand(self, state: Any, effect: Any) -> Errand | None:  # noqa: ARG002 - as `due`
        """Whom an effect waits for, in which lane; None for one that waits for nobody."""
        return None

    def tell(self, key: bytes, events: Sequence[object]) -> None:
        """Hand observations to the loop together, in order; one that became stale is dropped.

        One by one, each index that is seen to be paid would have the rest approved once more.
        """
        if not events:
            return
        *before, last = events
        try:
            self.runtime.ask(key, last, behind=before)
        except IllegalMove:
            self.log.debug("stale observation", **self._facts(key), kind=type(last).__name__)

    def _due(self, key: bytes, effect: Any) -> float | None:
        state = self.runtime.state(key)
        return None if state is None else self.due(state, effect)

    def _errand(self, key: bytes, effect: Any) -> Errand | None:
        state = self.runtime.state(key)
        return None if state is None else self.errand(state, effect)

    def _carry_out(self, key: bytes, effect: Any) -> Sequence[object]:
        """Perform what is still owed; whoever fails or refuses now is asked again later.

        A refusal is no end: a server that has not seen the charge yet refuses the answer that will
        save its sender a moment later, and what the chain's node or a contract refuses is said by
        others. A process ends by damage of its own state only.
        """
        state = self.runtime.state(key)
        if state is None or effect not in state.owed():
            raise NotOwed(f"{type(effect).__name__} is not owed any more")
        try:
            return self.perform(state, effect)
        except PeerFault as fault:
            later = TryAgain(
                f"{type(effect).__name__} failed: {fault.what}", who=fault.who, had=fault.had
            )
            later.is_mute = isinstance(fault, PeerUnreachable)
            if isinstance(fault, PeerRefused):
                later.after_s = fault.retry_after_s
            raise later from fault
        except RefusedInput as refused:
            what = f"{type(effect).__name__} was refused: {refused.what}"
            raise TryAgain(what, who=refused.who, had=refused.had) from refused

    # --- for operators -------------------------------------------------------------------------

    def read_loop(self) -> LoopReading:
        """Matters by phase, effects and journal as they are now."""
        phases = [state.phase.value for state in self.runtime.states().values()]
        effects, put_off = self.runtime.count_effects()
        by_phase = {phase: phases.count(phase) for phase in set(phases)}
        called = self.station.MATTERS
        return LoopReading(by_phase, effects, put_off, self._journal.count, called)

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up all open matters of the journal, which are known when it returns; then watch."""
        self.runtime.start()
        self.runtime.ask(b"", Tick(0))  # taken once the journal is replayed
        if self._watcher is not None:
            self._watcher.start()
        self._keeper.start()

    def close(self) -> None:
        """End the watch and the loop; the journal keeps what is owed for the next start.

        Raises:
            Unrecoverable: what had stopped the loop before.
        """
        if self._watcher is not None:
            self._watcher.stop()
        self._keeper.stop()
        self.runtime.stop()
        try:
            self.runtime.join(JOIN_S)
        finally:
            self._journal.close()

    def _stop_on(self, fault: Exception) -> None:
        """The watch ended by something that nobody planned: so does the loop."""
        self._fault = fault
        self.runtime.stop()
