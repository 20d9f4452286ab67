"""A long-running server of this system: loop, watcher and HTTPS faces under one roof."""

from __future__ import annotations

import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgemark.archive import Archive
from edgemark.crypto import kernel
from edgemark.errors import Overloaded, PeerFault
from edgemark.identifiers import parse_hash32
from edgemark.journal import Journal
from edgemark.ledger.follower import LogFollower
from edgemark.logs import get_logger
from edgemark.machine import Tick, TryAgain, facts_of
from edgemark.metrics.health import STILL_S, Beat
from edgemark.metrics.instruments import Instruments
from edgemark.metrics.readings import LoopReading
from edgemark.runtime import Pace, Runtime, seam_from
from edgemark.systems.outsourcing.agenda import Agenda
from edgemark.systems.outsourcing.machine import PartyMachine
from edgemark.systems.outsourcing.parameters import MAX_FUNCTION_BYTES
from edgemark.systems.outsourcing.protocol import IllegalMove
from edgemark.systems.outsourcing.station import TAKEN, Station, Watcher
from edgemark.transport.server import HttpServer, Request, Response, Route, ServerLimits

REPLAY_LIMIT_S = 20.0  # a request waits as long for a server that is starting


class PartyServer(ABC):
    """Runs one party's machine behind an HTTPS server until it is stopped.

    Subclasses say which routes they serve, how they carry out effects and what they look for on
    chain; they hold no protocol state of their own.

    Args:
        station: keys, chain, peers.
        machine: the party's pure part.
        name: "node" or "judge".
    """

    def __init__(self, station: Station, machine: PartyMachine[Any], name: str) -> None:
        self.station = station
        self.log = get_logger(name)
        self.instruments = Instruments(name, kernel.path())
        settings = station.settings
        home = Path(settings.home)
        self._journal = Journal.open(home / f"{name}.journal")
        self.runtime: Runtime[Any, Any, Any] = Runtime(
            machine,
            self._journal,
            self._carry_out,
            clock=station.chain.now,
            pace=Pace(poll_s=settings.poll_s, workers=settings.workers, most_backoff_s=2.0),
            archive=Archive(home / f"{name}.archive"),
            seam=seam_from(os.environ),
            name=name,
        )
        contracts, start = [station.settlement.contract], self.first_block()
        self.agenda = Agenda(LogFollower(station.chain, contracts, start))
        self._watcher = Watcher(self.look, settings.poll_s, f"{name}-watch", self._stop_on)
        self.http = self._open_http()
        self._fault: Exception | None = None
        self._ready = threading.Event()
        self._ended = threading.Event()

    def _open_http(self) -> HttpServer:
        station, settings = self.station, self.station.settings
        return HttpServer(
            [
                replace(route, handler=self._when_ready(route.handler))
                for route in (
                    Route("PUT", "/v1/functions/{hash}", self._take_function, MAX_FUNCTION_BYTES),
                    Route("GET", "/v1/status", self._tell_status, 0),
                    *self.routes(),
                )
            ],
            station.keys.tls,
            host=settings.listen_host,
            port=settings.listen_port,
            limits=ServerLimits(
                per_s=settings.max_requests_per_s,
                per_s_of_peer=settings.max_requests_per_s_of_peer,
            ),
            on_answer=self.instruments.note_answer,
        )

    # --- for subclasses ------------------------------------------------------------------------

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """Faces of this party beside functions and status."""

    @abstractmethod
    def perform(self, key: bytes, effect: Any) -> Sequence[object]:
        """Carry out one effect; what it found out."""

    @abstractmethod
    def look(self) -> None:
        """One round over the chain."""

    def first_block(self) -> int:
        """The first block whose events matter; what happened before is in the views."""
        return self.station.chain.confirmed()

    @abstractmethod
    def status(self) -> dict[str, object]:
        """What this party tells about itself; nothing secret."""

    def tell(self, key: bytes, events: Sequence[object]) -> None:
        """Hand observations to the loop, in order; one that became stale is dropped."""
        for event in events:
            try:
                self.runtime.ask(key, event)
            except IllegalMove:
                self.log.debug("stale observation", **facts_of(key), kind=type(event).__name__)

    def _carry_out(self, key: bytes, effect: Any) -> Sequence[object]:
        """Perform what is still owed; a peer that fails or refuses now is asked again later.

        A refusal is no end: a judge that has not seen the charge yet refuses the answer that will
        save its sender a moment later.
        """
        state = self.runtime.state(key)
        if state is None or effect not in state.owed():
            return []
        try:
            return self.perform(key, effect)
        except PeerFault as fault:
            raise TryAgain(
                f"{type(effect).__name__} failed: {fault.what}", who=fault.who, had=fault.had
            ) from fault

    # --- for operators -------------------------------------------------------------------------

    def read_loop(self) -> LoopReading:
        """Jobs by phase, effects and journal as they are now."""
        phases = [state.phase.value for state in self.runtime.states().values()]
        effects, put_off = self.runtime.count_effects()
        jobs = {phase: phases.count(phase) for phase in set(phases)}
        return LoopReading(jobs, effects, put_off, self._journal.count)

    def beats(self) -> dict[str, Beat]:
        """Last signs of life of the loop and of the watch over the chain."""
        pause = self.station.settings.poll_s
        return {
            "loop": Beat(self.runtime.turned_at),
            "watch": Beat(self._watcher.looked_at, bound_s=STILL_S + pause),
        }

    def locked_tokens(self) -> int:
        """Stakes of this party that open jobs hold, smallest unit."""
        return 0

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the port, replay the journal, answer, begin to watch."""
        self.http.start()
        self.runtime.start()
        self.runtime.ask(b"", Tick(0))  # taken once the journal is replayed
        self._ready.set()
        self._watcher.start()
        self.log.info("serving", url=self.http.url, account=self.station.address)

    def wait(self) -> None:
        """Block until `stop`, or raise what ended the loop."""
        while not self._ended.wait(0.5):
            if self.runtime.failure is not None:
                raise self.runtime.failure
        if self._fault is not None:
            raise self._fault

    def ask_to_stop(self) -> None:
        """Let `wait` return; safe in a signal handler."""
        self._ended.set()

    def stop(self) -> None:
        """Close the port and end the loop; the journal keeps what is owed."""
        self._watcher.stop()
        self.http.stop()
        self.runtime.stop()
        self.runtime.join(10)
        self._journal.close()
        self._ended.set()

    def _stop_on(self, fault: Exception) -> None:
        self._fault = fault
        self._ended.set()

    # --- faces ---------------------------------------------------------------------------------

    def _when_ready(self, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """A server that was just started knows its jobs only when its journal is replayed."""

        def answer(request: Request) -> Response:
            if not self._ready.wait(REPLAY_LIMIT_S):
                raise Overloaded("server is starting", who=self.http.url, remedy="Try again later.")
            return handler(request)

        return answer

    def _take_function(self, request: Request) -> Response:
        function_hash = parse_hash32(request.params["hash"], who="function")
        self.station.functions.put(function_hash, request.body)
        return Response(body=TAKEN)

    def _tell_status(self, request: Request) -> Response:  # noqa: ARG002 - same for everybody
        facts = {
            "account": self.station.address,
            "bytes_in": self.http.bytes_in,
            "bytes_out": self.http.bytes_out,
            "chain_gas": self.station.lane.gas_used,
            **self.status(),
        }
        return Response(body=json.dumps(facts).encode(), content_type="application/json")
