"""A long-running server of a party: loop, watch and HTTPS faces under one roof."""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from edgemark.errors import Overloaded
from edgemark.loop.archive import Room
from edgemark.loop.machine import Machine
from edgemark.party.loop import S
from edgemark.party.service import PartyService
from edgemark.party.settings import ServerSettings
from edgemark.transport.serving.cards import Door
from edgemark.transport.serving.server import HttpServer, Request, Response, Route, ServerLimits

REPLAY_LIMIT_S = 20.0  # a request waits as long for a server that is starting
A = TypeVar("A")
R = TypeVar("R")


class PartyServer(PartyService[S]):
    """Runs one party's machine behind an HTTPS server until it is stopped.

    Subclasses say which routes they serve, beside what a `PartyLoop` asks of them.

    Args:
        station, machine, name, look: as a `PartyLoop` has them.
        door: knows the parties that have an open matter here; without it everybody is a stranger.
    """

    ARCHIVE_ROOM: ClassVar[Room | None] = Room(files=10_000, total_bytes=4 * 2**30)

    def __init__(
        self,
        station: S,
        machine: Machine[Any, Any, Any],
        name: str,
        *,
        look: Callable[[], None] | None = None,
        door: Door | None = None,
    ) -> None:
        super().__init__(station, machine, name, look=look)
        self.http = self._open_http(door)
        self._ready = threading.Event()

    def _open_http(self, door: Door | None) -> HttpServer:
        station, settings = self.station, self.station.settings.of(ServerSettings)
        http = HttpServer(
            [
                replace(
                    route,
                    handler=self._when_ready(route.handler),
                    admit=route.admit and self._when_ready(route.admit),
                )
                for route in (Route("GET", "/v1/status", self._tell_status, 0), *self.routes())
            ],
            station.keys.tls,
            host=settings.listen_host,
            port=settings.listen_port,
            limits=ServerLimits(
                per_s=settings.max_requests_per_s,
                per_s_of_peer=settings.max_requests_per_s_of_peer,
            ),
            door=door,
            spool=station.home,
            on_answer=self.instruments.note_answer,
        )
        http.reserved = self.reserved_bytes
        return http

    # --- for subclasses ------------------------------------------------------------------------

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """Faces of this party beside its status."""

    @abstractmethod
    def status(self) -> dict[str, object]:
        """What this party tells about itself; nothing secret."""

    def facts(self) -> dict[str, object]:
        """What every party of its kind tells, before its own `status`."""
        return {
            "account": self.station.address,
            "bytes_in": self.http.bytes_in,
            "bytes_out": self.http.bytes_out,
        }

    def promised_bytes(self) -> int:
        """Of the disk, that is promised to open matters; nothing else takes any of it."""
        return 0

    def reserved_bytes(self) -> int:
        """Of the disk, that no body and no answer takes which only waits."""
        return self.promised_bytes()

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the port, replay the journal, answer, begin to watch."""
        self.http.start()
        super().start()
        self.prepare()
        self._ready.set()
        self.log.info("serving", url=self.http.url, account=self.station.address)

    def prepare(self) -> None:
        """With its matters replayed, before anybody is answered; nothing by default."""

    def close(self) -> None:
        """Close the port and end the loop; the journal keeps what is owed."""
        self.http.close()
        super().close()

    # --- faces ---------------------------------------------------------------------------------

    def _when_ready(self, handler: Callable[[A], R]) -> Callable[[A], R]:
        """A server that was just started knows its matters only when its journal is replayed."""

        def answer(request: A) -> R:
            if not self._ready.wait(REPLAY_LIMIT_S):
                raise Overloaded("server is starting", who=self.http.url, remedy="Try again later.")
            return handler(request)

        return answer

    def _tell_status(self, request: Request) -> Response:  # noqa: ARG002 - same for everybody
        facts = {**self.facts(), **self.status()}
        return Response(body=json.dumps(facts).encode(), content_type="application/json")
