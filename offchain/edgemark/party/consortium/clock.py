"""An organisation's clock: it ticks for all chaincodes with deadlines, again and again.

Law 1: what it writes is the time of its own machine, read before its transaction is made: never
       past its transaction's timestamp.
Law 2: a tick that fails is told and passed over, since the next one says more.
Law 3: it writes to one chaincode after the other, so that a slow one delays none but by its wait.
Law 4: what was submitted and has no code yet is asked about behind the ticks and for OPEN_S in all:
       whoever keeps answers back does not make time stand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.logs import get_logger
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark_chaincode.clock import LIST, TICK

WAIT_S = 15.0  # for one tick
OPEN_S, ONE_OPEN_S = 5.0, 2.0  # for all earlier ones without a code, and for one of them

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


def has_clocks(client: GatewayClient, chaincode: str) -> bool:
    """Whether a chaincode has clocks that tick; asks it, and changes nothing."""
    try:
        client.evaluate(chaincode, LIST)
    except RefusedInput:
        return False
    return True


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
        self._told: dict[tuple[str, str], str] = {}

    def turn(self) -> list[Ticked]:
        """Tick once for each chaincode."""
        try:
            doors = self._doors()
        except EdgemarkError as error:
            _log.warning("which chaincodes there are is not known", error=error)
            return []
        ticked = [self._tick(door) for door in doors]
        self._ask_for_open([door.client for door in doors])
        return ticked

    def _ask_for_open(self, clients: Sequence[GatewayClient]) -> None:
        until = time.monotonic() + OPEN_S
        for client in dict.fromkeys(clients):
            for left in client.finish_open(ONE_OPEN_S):
                if isinstance(left, EdgemarkError):
                    _log.debug("an earlier tick does not count", error=left)
                if time.monotonic() >= until:
                    return

    def run(self, is_over: threading.Event, period_s: Callable[[], float]) -> None:
        """Tick until it is over, after so many seconds each time."""
        while not is_over.is_set():
            self.turn()
            is_over.wait(period_s())

    def _tick(self, door: ChaincodeDoor) -> Ticked:
        at = self._read_time()
        try:
            door.client.submit(door.chaincode, TICK, str(at), wait_s=WAIT_S)
        except EdgemarkError as error:
            self._tell(door, f"{type(error).__name__}: {error.what}", error)
            return Ticked(door.chaincode, at, error)
        self._tell(door, "ticks", None)
        return Ticked(door.chaincode, at)

    def _tell(self, door: ChaincodeDoor, how: str, error: EdgemarkError | None) -> None:
        """A line of the log where it goes otherwise than last time."""
        place = (door.channel, door.chaincode)
        if self._told.get(place) == how:
            return
        self._told[place] = how
        facts = {"channel": door.channel, "chaincode": door.chaincode}
        if error is None:
            _log.info("ticks", **facts)
        else:
            _log.warning("ticks do not count", **facts, error=error)
