"""What a node says of itself at its port for health and metrics."""

from __future__ import annotations

import http.client
import re
import socket

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.fabric.network.plan import BFT, NodePlace, OrdererPlace
from edgemark.ledger.launching.ports import LOOPBACK

ANSWER_S = 2.0
MOST_BYTES = 4 * 1024 * 1024  # of an answer; metrics of a peer have some 100 KB
# 1 at the leader itself; where a follower knows a leader, its number.
LEADERS = {
    "etcdraft": r"consensus_etcdraft_is_leader",
    BFT: r"consensus_BFT_leader_id",
}


def is_healthy(place: NodePlace) -> bool:
    """Whether a node says that it is well.

    Raises:
        LedgerUnavailable: nobody answers.
    """
    status, _ = ask(place.operations_port, "/healthz")
    return status == http.client.OK


def is_ready(place: NodePlace) -> bool:
    """Whether a node is well and listens where others ask it: health is told a moment before.

    Raises:
        LedgerUnavailable: nobody answers.
    """
    own = (place.own_port,) if isinstance(place, OrdererPlace) else ()
    return is_healthy(place) and all(_listens(port) for port in (place.port, *own))


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=ANSWER_S).close()
    except OSError:
        return False
    return True


def names_leader(place: NodePlace, channel: str, consensus: str) -> bool:
    """Whether an orderer leads a channel, or (BFT) knows who does.

    Raises:
        LedgerUnavailable: nobody answers.
    """
    _, text = ask(place.operations_port, "/metrics")
    label = re.escape(f'channel="{channel}"')
    found = re.search(rf"^{LEADERS[consensus]}{{[^}}]*{label}[^}}]*}} ([0-9.e+]+)$", text, re.M)
    return found is not None and float(found[1]) > 0


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and text of an answer.

    Raises:
        LedgerUnavailable: nobody answers.
    """
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise LedgerUnavailable("does not answer", who=f"{LOOPBACK}:{port}") from error
    finally:
        connection.close()
