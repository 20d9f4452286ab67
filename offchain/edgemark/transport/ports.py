"""Ports for servers of this machine that start later, or start again.

The system hands out free ports (`bind` to 0) from the range that it also takes the near end of
every outgoing connection from: a port that is free now may be taken when its server starts. The
ports here lie below that range, at random, and are held until nobody needs them any more.

To hold a port is to be bound to it without listening there. The one who looks for a port binds
plainly, which the system refuses when anybody is bound to it; then `SO_REUSEADDR` lets a server in
that sets it too, as every server does that wants to start again at once.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from edgemark.closing import Closing
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput

LOWEST = 10_000  # below are the ports that well-known servers have
OUTGOING_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_OUTGOING_LOWEST = 32_768
MAX_RUN = 200
MAX_TRIES = 200


class NoFreePorts(RefusedInput):
    """This machine has no such ports left."""


class CannotListen(RefusedInput):
    """Another program listens there, or this one may not."""


def check_can_listen(host: str, port: int) -> None:
    """Check that a server could listen there now, before anything is paid for it.

    Raises:
        CannotListen: it could not; says why.
    """
    try:
        (family, kind, _, _, place), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen(1)
    except OSError as error:
        raise CannotListen(
            "cannot listen there",
            who=f"{host}:{port}",
            had=error.strerror,
            remedy="End the program that listens there, or set another server.listen_port.",
        ) from error


class HeldPorts(Closing):
    """Consecutive ports that nobody else finds free until it is closed; see `hold_ports`.

    Attributes:
        numbers: the ports.
    """

    def __init__(self, numbers: range, sockets: ExitStack) -> None:
        self.numbers = numbers
        self._sockets = sockets

    def close(self) -> None:
        """Let others have them."""
        self._sockets.close()


def hold_ports(count: int, host: str = "127.0.0.1") -> HeldPorts:
    """Find consecutive ports that nobody has, and keep them for servers that start later.

    Args:
        count: how many, 1 to 200.
        host: address of this machine at which the servers will listen.

    Raises:
        NoFreePorts: none were found, or the count is out of range.
    """
    room = _lowest_outgoing() - LOWEST - count + 1
    if 1 <= count <= MAX_RUN and room > 0:
        for _ in range(MAX_TRIES):
            first = LOWEST + int.from_bytes(Randomness().octets(4), "big") % room
            held = _hold(range(first, first + count), host)
            if held is not None:
                return held
    raise NoFreePorts(
        "no free ports in a row", who=host, had=count, needed=f"1 to {MAX_RUN} that are free"
    )


def _hold(numbers: range, host: str) -> HeldPorts | None:
    with ExitStack() as sockets:
        for port in numbers:
            holder = sockets.enter_context(socket.socket())
            try:
                holder.bind((host, port))
            except OSError:
                return None
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return HeldPorts(numbers, sockets.pop_all())


def _lowest_outgoing() -> int:
    try:
        return int(OUTGOING_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return USUAL_OUTGOING_LOWEST
