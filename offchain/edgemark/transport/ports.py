"""Ports for servers of this machine that start later, or start again.

The system hands out free ports (`bind` to 0) from the range that it also takes the near end of
every outgoing connection from: a port that is free now may be taken when its server starts. The
ports here lie below that range, at random, so that others who look at the same time find other
ones.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from edgemark.crypto.randomness import Randomness
from edgemark.errors import RefusedInput

LOWEST = 10_000  # below are the ports that well-known servers have
OUTGOING_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_OUTGOING_LOWEST = 32_768
MAX_RUN = 200
MAX_TRIES = 200


class NoFreePorts(RefusedInput):
    """This machine has no such ports left."""


def find_free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens at.

    Raises:
        NoFreePorts: none was found.
    """
    return find_free_run(1, host)[0]


def find_free_run(length: int, host: str = "127.0.0.1") -> range:
    """As many consecutive ports that nobody listens at; 1 <= length <= 200.

    Raises:
        NoFreePorts: none were found, or the length is out of range.
    """
    room = _lowest_outgoing() - LOWEST - length + 1
    if 1 <= length <= MAX_RUN and room > 0:
        for _ in range(MAX_TRIES):
            first = LOWEST + int.from_bytes(Randomness().octets(4), "big") % room
            run = range(first, first + length)
            if _are_free(run, host):
                return run
    raise NoFreePorts(
        "no free ports in a row", who=host, had=length, needed=f"1 to {MAX_RUN} that are free"
    )


def _are_free(run: range, host: str) -> bool:
    with ExitStack() as held:
        try:
            for port in run:
                held.enter_context(socket.socket()).bind((host, port))
        except OSError:
            return False
    return True


def _lowest_outgoing() -> int:
    try:
        return int(OUTGOING_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return USUAL_OUTGOING_LOWEST
