"""Connections that hold places and send nothing, from many addresses of this machine."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence

# A request whose body never comes, a head that never ends, a handshake and no more.
HALF_BODY = b"POST /v1/opinions HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n"
HALF_HEAD = b"POST /v1/opinions HTTP/1.1\r\nHost: x\r\nX: "
SAID = (HALF_BODY, HALF_BODY, HALF_HEAD, b"")
ADDRESSES = tuple(f"127.0.0.{number}" for number in range(2, 250))
MOST_SOURCES = 1000  # address and words, in turn
DIAL_S = 5.0
LOOK_S = 0.1


@contextlib.contextmanager
def besieged(
    ports: Sequence[int],
    *,
    each: int,
    addresses: Sequence[str] = ADDRESSES,
    said: Sequence[bytes] = SAID,
) -> Iterator[list[int]]:
    """Hold so many connections to each port, and open each again that is closed.

    Yields:
        one number: how often one was opened, so far.
    """
    over, opened = threading.Event(), [0]
    sources = [(addresses[n % len(addresses)], said[n % len(said)]) for n in range(MOST_SOURCES)]
    threads = [
        threading.Thread(target=_hold, args=(port, each, sources, over, opened), daemon=True)
        for port in ports
    ]
    for thread in threads:
        thread.start()
    try:
        yield opened
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _hold(
    port: int,
    count: int,
    sources: Sequence[tuple[str, bytes]],
    over: threading.Event,
    opened: list[int],
) -> None:
    wires: set[socket.socket] = set()
    number = 0
    with selectors.DefaultSelector() as closed:
        while not over.is_set():
            while len(wires) < count and not over.is_set():
                number += 1
                fresh = _open(port, *sources[number % len(sources)])
                if fresh is None:
                    break
                opened[0] += 1
                wires.add(fresh)
                closed.register(fresh, selectors.EVENT_READ)
            for key, _ in closed.select(LOOK_S):
                wire = key.fileobj
                if isinstance(wire, socket.socket) and _has_ended(wire):
                    closed.unregister(wire)
                    wires.discard(wire)
                    wire.close()
    for wire in wires:
        wire.close()


def _open(port: int, address: str, said: bytes) -> ssl.SSLSocket | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.socket()
    try:
        plain.settimeout(DIAL_S)
        plain.bind((address, 0))
        plain.connect(("127.0.0.1", port))
        wire = context.wrap_socket(plain)
        wire.sendall(said)
        wire.setblocking(False)
    except OSError:
        plain.close()
        return None
    return wire


def _has_ended(wire: socket.socket) -> bool:
    try:
        while wire.recv(4096):
            continue
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True
    return True
