"""Runs one party as a process of its own, until it is asked to leave."""

from __future__ import annotations

import contextlib
import signal
import types
from collections.abc import Callable
from typing import TypeVar

from edgemark.party.monitoring import Monitor
from edgemark.party.service import PartyService
from edgemark.party.station import Station

S = TypeVar("S", bound=Station)


def serve(station: S, party: Callable[[S], PartyService[S]]) -> None:
    """Run one party until SIGINT or SIGTERM; what is owed stays in its journal."""
    running = party(station)

    def leave(number: int, frame: types.FrameType | None) -> None:  # noqa: ARG001
        running.ask_to_stop()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    port = station.settings.metrics_port
    with running, Monitor(running, port) if port else contextlib.nullcontext():
        running.start()
        running.wait()
