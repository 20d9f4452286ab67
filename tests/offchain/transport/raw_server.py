"""A TLS server of bytes, for answers that no HTTP library would send."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable

from edgemark.closing import Closing
from edgemark.transport.tls import TlsKey

Script = Callable[[ssl.SSLSocket], None]


class RawServer(Closing):
    """Accepts connections on the loopback and lets `script` speak on each, from the start on.

    `heard` collects what a client said, as far as the script read it.
    """

    def __init__(self, tls: TlsKey, script: Script) -> None:
        self._context = tls.server_context()
        self._script = script
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        self.done = threading.Event()
        self._thread.start()

    def close(self) -> None:
        """Accept no more, and end."""
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which `close` does not
        self._thread.join(10)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listening socket was closed
            while True:
                plain, _ = self._listening.accept()
                self._speak(plain)
                self.done.set()

    def _speak(self, plain: socket.socket) -> None:
        plain.settimeout(10)
        with contextlib.suppress(OSError), contextlib.closing(plain):
            wire = self._context.wrap_socket(plain, server_side=True)
            with contextlib.closing(wire):
                self._script(wire)


def read_request(wire: ssl.SSLSocket) -> bytes:
    """The whole request, as long as its head says."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        part = wire.recv(4096)
        if not part:
            return heard
        heard += part
    head, _, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    while length is not None and len(body) < int(length[1]):
        body += wire.recv(4096)
    return head + b"\r\n\r\n" + body


def answering(*parts: bytes, farewell: bool = True) -> Script:
    """A script that reads the request and sends these bytes.

    With `farewell` the end of the connection is announced as TLS wants it; without, it just ends.
    """

    def speak(wire: ssl.SSLSocket) -> None:
        read_request(wire)
        for part in parts:
            wire.sendall(part)
        if farewell:
            wire.unwrap()

    return speak
