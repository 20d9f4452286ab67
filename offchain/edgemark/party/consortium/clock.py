"""An organisation's clock: it ticks for all chaincodes with deadlines, again and again.

Law 1: what it writes is the time of its own machine, read before its transaction is made: never
       past its transaction's timestamp.
Law 2: a tick that fails is told and passed over, since the next one says more; only what was
       submitted and has no code yet is asked again first.
Law 3: it writes to one chaincode after the other, so that a slow one delays none but by its wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgemark.errors import EdgemarkError, LedgerUnavailable
from edgemark.logs import get_logger
from edgemark.party.consortium.chaincode import ChaincodeDoor

TICK, NOW = "clock/tick", "clock/now"  # functions of every chaincode that has clocks
CLOCK_S = 30.0  # between two ticks; an endorsement that was held back lives no longer than this
WAIT_S = 15.0  # for one tick

_log = get_logger("clock")


@dataclass(frozen=True)
class Ticked:
    """What became of a tick.

    Attributes:
        chaincode: that it was for.
        at: Unix seconds that it said.
        error: why it does not count; None when it does.
    """

    chaincode: str
    at: int
    error: EdgemarkError | None = None


class OrganisationClock:
    """The clock of one organisation.

    Args:
        doors: chaincodes for which it ticks, as they are now, each by a client of an identity with
            the attribute `edgemark.clock`.
        read_time: Unix seconds.
    """

    def __init__(
        self, doors: Callable[[], Sequence[ChaincodeDoor]], read_time: Callable[[], int]
    ) -> None:
        self._doors = doors
        self._read_time = read_time

    def turn(self) -> list[Ticked]:
        """Tick once for each chaincode."""
        try:
            doors = self._doors()
        except EdgemarkError as error:
            _log.warning("which chaincodes there are is not known", error=error)
            return []
        for client in dict.fromkeys(door.client for door in doors):
            for left in client.finish_open(WAIT_S):
                if isinstance(left, EdgemarkError):
                    _log.debug("an earlier tick does not count", error=left)
        return [self._tick(door) for door in doors]

    def run(self, is_over: threading.Event, period_s: Callable[[], float]) -> None:
        """Tick until it is over, after so many seconds each time."""
        while not is_over.is_set():
            self.turn()
            is_over.wait(period_s())

    def _tick(self, door: ChaincodeDoor) -> Ticked:
        at = self._read_time()
        try:
            door.client.submit(door.chaincode, TICK, str(at), wait_s=WAIT_S)
        except LedgerUnavailable as error:
            _log.warning("nobody takes the tick", chaincode=door.chaincode, error=error)
            return Ticked(door.chaincode, at, error)
        except EdgemarkError as error:
            _log.warning("tick does not count", chaincode=door.chaincode, at=at, error=error)
            return Ticked(door.chaincode, at, error)
        _log.debug("ticked", chaincode=door.chaincode, at=at)
        return Ticked(door.chaincode, at)
