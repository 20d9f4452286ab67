"""A party that runs by itself until it is asked to leave, and tells its operator how it does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgemark.crypto.field import kernel
from edgemark.loop.machine import Machine
from edgemark.metrics.health import STILL_S, Beat, Dependency
from edgemark.metrics.instruments import Instruments
from edgemark.party.loop import PartyLoop, S
from edgemark.party.watcher import Watcher
from edgemark.party.wishes.granting import Grant, Wishes
from edgemark.party.wishes.wish import FOLDER

LOOK_S = 0.5  # whether the loop has ended
WISH_S = 0.2  # between looks at what commands wish for


class PartyService(PartyLoop[S]):
    """Runs one party's machine until it is stopped; it need not serve anything.

    Args:
        station, machine, name, look: as a `PartyLoop` has them.

    Attributes:
        name: of the party.
        instruments: what it counts.
    """

    def __init__(
        self,
        station: S,
        machine: Machine[Any, Any, Any],
        name: str,
        *,
        look: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(station, machine, name, look=look)
        self.name = name
        self.instruments = Instruments(name, kernel.path())
        self._ended = threading.Event()
        self._wisher: Watcher | None = None

    # --- for commands --------------------------------------------------------------------------

    def grants(self) -> Mapping[str, Grant]:
        """What a command may ask of it while it holds the home, by kind; each takes moments."""
        return {}

    # --- for operators -------------------------------------------------------------------------

    def beats(self) -> dict[str, Beat]:
        """Last signs of life of the loop and of the watch, if there is one."""
        beats = {"loop": Beat(self.runtime.turned_at)}
        if self._watcher is not None:
            bound_s = STILL_S + self.station.paces.poll_s
            beats["watch"] = Beat(self._watcher.looked_at, bound_s=bound_s)
        return beats

    def dependencies(self) -> Sequence[Dependency]:
        """What it cannot work without, beside itself; asked for its operator's pages."""
        return ()

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up what is in the journal, watch, and take wishes, where any are granted."""
        super().start()
        if grants := self.grants():
            wishes = Wishes(self.station.home / FOLDER, grants)
            self._wisher = Watcher(wishes.look, WISH_S, f"{self.name}-wishes", self._stop_on)
            self._wisher.start()

    def wait(self) -> None:
        """Block until `close` or `ask_to_stop`, or raise what ended the loop."""
        while not self._ended.wait(LOOK_S):
            if self.runtime.failure is not None:
                raise self.runtime.failure
        if self._fault is not None:
            raise self._fault

    def ask_to_stop(self) -> None:
        """Let `wait` return; safe in a signal handler."""
        self._ended.set()

    def close(self) -> None:
        """End watch and loop; the journal keeps what is owed."""
        if self._wisher is not None:
            self._wisher.stop()
        super().close()
        self._ended.set()

    def _stop_on(self, fault: Exception) -> None:
        super()._stop_on(fault)
        self._ended.set()
