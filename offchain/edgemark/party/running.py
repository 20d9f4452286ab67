"""Runs one party as a process until it is asked to leave, and shows its operator how it does.

/metrics is for Prometheus, /healthz for a supervisor. What the party depends on, as a chain, is
asked by `Dependency` objects of their own, each once and with a short time limit: what hangs must
not hang the page that is to tell about it.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError
from edgemark.logs import are_json, get_logger
from edgemark.metrics.health import find_faults
from edgemark.metrics.page import Page, PageServer
from edgemark.metrics.readings import LoopReadings
from edgemark.party.service import PartyService
from edgemark.party.settings import MetricsSettings
from edgemark.party.station import Station

S = TypeVar("S", bound=Station)


class Monitor(Closing):
    """Pages about one party, on this machine's loopback address.

    Args:
        party: the one; need not have started.
        port: of the pages; 0 takes a free one.

    Raises:
        PageServerFailed: the port is in use.
    """

    def __init__(self, party: PartyService[Any], port: int) -> None:
        self._party = party
        self._dependencies = party.dependencies()
        registry = party.instruments.registry
        registry.register(LoopReadings(party))
        for dependency in self._dependencies:
            registry.register(dependency)
        self._pages = PageServer({"/metrics": self._metrics, "/healthz": self._health}, port)
        get_logger("metrics").info("metrics are served", url=self._pages.url)

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self._pages.url

    def close(self) -> None:
        """Close the port."""
        self._pages.close()

    def _metrics(self) -> Page:
        return Page(200, CONTENT_TYPE_LATEST, generate_latest(self._party.instruments.registry))

    def _health(self) -> Page:
        faults = find_faults(self._party.beats(), self._dependencies, time.monotonic())
        body = json.dumps({"healthy": not faults, "faults": faults}).encode()
        return Page(503 if faults else 200, "application/json", body + b"\n")


@contextlib.contextmanager
def telling_end(name: str) -> Iterator[None]:
    """Let the log say what ends a server, in the form of all its other lines."""
    try:
        yield
    except EdgemarkError as error:
        get_logger(name).error("ended", error=error)
        error.is_told = are_json()  # at a terminal the last line is for who reads it there
        raise


def heed_signals(leave: Callable[[], None]) -> list[str]:
    """Have SIGINT and SIGTERM call `leave` instead; answers a list that will name those that came.

    Args:
        leave: asks the server to end, and waits for nothing.
    """
    asked: list[str] = []

    def heed(number: int, frame: types.FrameType | None) -> None:  # noqa: ARG001
        asked.append(signal.Signals(number).name)
        leave()

    signal.signal(signal.SIGTERM, heed)
    signal.signal(signal.SIGINT, heed)
    return asked


def serve(station: S, party: Callable[[S], PartyService[S]]) -> None:
    """Run one party until SIGINT or SIGTERM; what is owed stays in its journal.

    Its last line in the log names the signal, when everything is closed.
    """
    running = party(station)
    asked = heed_signals(running.ask_to_stop)
    port = station.settings.of(MetricsSettings).port
    with running, Monitor(running, port) if port else contextlib.nullcontext():
        running.start()
        running.wait()
    if asked:
        running.log.info("stopped", signal=asked[0])
