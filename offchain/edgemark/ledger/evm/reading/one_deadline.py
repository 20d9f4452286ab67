"""HTTP connections whose every wait ends at one moment, however slowly the other side drips.

An ordinary time-out starts anew with each byte that arrives, so a node could hold a caller for
hours by a status line, a header or a body that never ends. `transport.asking.deadline` does the
same for peers.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

SENT_BYTES = 64 * 1024  # at a time
_of_thread = threading.local()


@contextmanager
def all_by(deadline: float) -> Iterator[None]:
    """Let whatever this thread waits for end at a time of the monotonic clock, seconds."""
    _of_thread.deadline = deadline
    try:
        yield
    finally:
        _of_thread.deadline = None


def _time_out(wire: socket.socket, longest_s: float | None) -> None:
    """Wait for the next bytes as long as they may take, and not beyond the deadline."""
    deadline = getattr(_of_thread, "deadline", None)
    if deadline is None:
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("took too long")
    wire.settimeout(left if longest_s is None else min(left, longest_s))


class _Wire(io.RawIOBase):
    """What is read of a connection."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._longest_s = wire.gettimeout()
        self._file = wire.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _time_out(self._wire, self._longest_s)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Made:
    """The part of a socket that `http.client` asks for: a file to read."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Wire(self._wire))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **named: Any) -> None:
        super().__init__(_Made(sock), *args, **named)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        _send(self, super().send, data)


class _TlsConnection(HTTPSConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        _send(self, super().send, data)


def _send(connection: HTTPConnection, send: Any, data: Any) -> None:
    """Piece by piece: each may take as long as is left."""
    if not isinstance(data, bytes):
        send(data)
        return
    for start in range(0, len(data), SENT_BYTES):
        if connection.sock is not None:
            longest = connection.timeout
            _time_out(connection.sock, longest if isinstance(longest, float) else None)
        send(data[start : start + SENT_BYTES])


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class OneDeadline(HTTPAdapter):
    """To be mounted in a session of `requests`; see `all_by`."""

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        """As of any adapter, with our connections."""
        super().init_poolmanager(*args, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **named: Any) -> Any:
        """As of any adapter, with our connections."""
        manager = super().proxy_manager_for(*args, **named)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
