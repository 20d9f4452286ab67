"""The development ledger in one event loop: organisations, state, links, doors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.files import make_private_folder
from edgemark.ledger.embedded.doors.instruments import DoorInstruments
from edgemark.ledger.embedded.doors.servers import DoorServer
from edgemark.ledger.embedded.organisations.organisations import FOLDER, Organisations
from edgemark.ledger.embedded.running.control import ControlServer
from edgemark.ledger.embedded.running.place import DEFAULT_ORGANISATIONS, Place, Served
from edgemark.ledger.launching.notes import write_note
from edgemark.logs import get_logger
from edgemark.process import start_ticks

_log = get_logger("ledger")


def make_ledger(place: Place, count: int | None, served: Served | None) -> Served:
    """Make what a ledger's folder lacks: organisations, and as what it is served.

    Args:
        place: of the ledger.
        count: of organisations; None for those that are there, else for DEFAULT_ORGANISATIONS.
        served: as what it is to be served; None for what it was last.

    Raises:
        RefusedInput: it has another number of organisations already.
    """
    make_private_folder(place.folder)
    if not (place.folder / FOLDER).exists():
        Organisations.make(place.folder, count or DEFAULT_ORGANISATIONS, datetime.now(UTC))
    had = len(Organisations.open(place.folder).peers)
    if count not in (None, had):
        remedy = "Use another home folder."
        raise RefusedInput(
            "has other organisations", who=place.folder, had=had, needed=count, remedy=remedy
        )
    wanted = served or Served.load(place) or Served()
    wanted.save(place)
    return wanted


class DevelopmentLedger:
    """A ledger that runs in the present event loop.

    Args:
        place: its folder, made by `make_ledger`.
        served: as what.
    """

    def __init__(self, place: Place, served: Served) -> None:
        self.place = place
        self.served = served
        self.organisations = Organisations.open(place.folder)
        self.instruments = DoorInstruments()
        self._servers: dict[str, DoorServer] = {}
        self._control = ControlServer(place.socket, {"ping": self._ping, "status": self._status})
        self.ended = asyncio.Event()
        self.metrics_url = ""

    @property
    def ports(self) -> Mapping[str, int]:
        """Of each organisation's server, by MSP id."""
        return {msp_id: server.port for msp_id, server in self._servers.items()}

    async def start(self) -> None:
        """Open everything, the doors last.

        Raises:
            PortInUse: a port is taken.
        """
        for msp_id in (*self.organisations.peers, self.organisations.orderer.msp_id):
            port = self.served.ports.get(msp_id, 0)
            server = DoorServer(self.organisations.tls_of(msp_id), port, ())
            await server.start()
            self._servers[msp_id] = server
        self.served = replace(self.served, ports=dict(self.ports))
        self.served.save(self.place)
        await self._control.start()
        own = {"pid": os.getpid(), "started": start_ticks(os.getpid())}
        write_note(self.place.note, own)
        _log.info("serving", **{each: port for each, port in self.ports.items()})

    async def stop(self) -> None:
        """Close the doors, then everything behind them."""
        await self._control.stop()
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    def find_faults(self) -> list[str]:
        """What keeps the ledger from its work; empty when it is healthy. For any thread."""
        return [] if self._servers else ["it has not begun"]

    async def _ping(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"alive": bool(asked)}

    async def _status(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - as all
        return {
            "pid": os.getpid(),
            "ports": dict(self.ports),
            "channels": list(self.served.channels),
            "metrics": self.metrics_url or None,
            "advanced_s": self.served.advance_s,
        }
