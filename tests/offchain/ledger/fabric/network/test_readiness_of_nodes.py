"""When a node is ready: it says that it is well, and listens where others ask it.

The node is a stand-in: Fabric's own is between the two for a moment that no test can hold.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.fabric.network.health import is_ready
from edgemark.ledger.fabric.network.plan import OrdererPlace, PeerPlace
from edgemark.ledger.launching.ports import LOOPBACK
from edgemark.transport.ports import hold_ports


class Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def operations_port() -> Iterator[int]:
    with HTTPServer((LOOPBACK, 0), Well) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def listen(port: int, held: ExitStack) -> None:
    held.enter_context(socket.create_server((LOOPBACK, port)))


def test_orderer__is_ready_once_its_administrator_is_listened_to(operations_port: int) -> None:
    with hold_ports(2) as ports:
        port, own_port = ports.numbers
    who = ("orderer1", Path(), "example.com", "OrdererMSP")
    place = OrdererPlace(*who, port, own_port, operations_port, is_member=True)
    with ExitStack() as held:
        assert not is_ready(place)
        listen(port, held)
        assert not is_ready(place)
        listen(own_port, held)
        assert is_ready(place)


def test_peer__is_ready_once_its_clients_are_listened_to(operations_port: int) -> None:
    with hold_ports(3) as ports:
        port, own_port, silent = ports.numbers
    who = ("peer0", Path(), "org1.example.com", "Org1MSP")
    place = PeerPlace(*who, port, own_port, operations_port)
    with ExitStack() as held:
        assert not is_ready(place)
        listen(port, held)
        assert is_ready(place)
    with pytest.raises(LedgerUnavailable):
        is_ready(PeerPlace(*who, port, own_port, silent))
