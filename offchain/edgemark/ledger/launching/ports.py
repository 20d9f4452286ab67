"""Ports of this machine alone."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from edgemark.errors import RefusedInput
from edgemark.ledger.launching.listeners import name_listener

LOOPBACK = "127.0.0.1"


class PortInUse(RefusedInput):
    """Something else listens on the port."""


def check_port_free(port: int) -> None:
    """Refuse a port that is taken, before anything is started.

    Args:
        port: 0 .. 65535; 0 is always free.

    Raises:
        PortInUse: something listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            whose = name_listener(port)
            raise PortInUse(
                "port is in use",
                who=f"{LOOPBACK}:{port}",
                had=f"{error.strerror}, by {whose}" if whose else error.strerror,
                needed="a free port",
                remedy="Stop what listens there or choose another port.",
            ) from error


def free_ports(count: int) -> list[int]:
    """Ports that are free now, all different; whoever listens there soon will find them so."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
