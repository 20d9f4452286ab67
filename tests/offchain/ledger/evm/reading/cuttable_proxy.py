"""A TCP connection between a client and a node that a test can cut and restore."""

from __future__ import annotations

import contextlib
import socket
import threading

from edgemark.closing import Closing

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65536


class CuttableProxy(Closing):
    """Forwards connections to a port of this machine.

    While it is cut, connections are refused and the present ones end. While it is deaf, requests
    reach the node but its answers are lost and the connection ends. It can turn to another node.

    Args:
        port: where to forward to.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_cut = False
        self._is_deaf = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{LOOPBACK}:{self.port}"

    def cut(self) -> None:
        """End every connection and take no new one."""
        with self._lock:
            self._is_cut = True
            self._close_all()

    def deafen(self) -> None:
        """Let requests through and lose the answers."""
        self._is_deaf = True

    def turn_to(self, port: int) -> None:
        """End every connection, and forward to another port from now on."""
        with self._lock:
            self._target = port
            self._close_all()

    def restore(self) -> None:
        """Forward as usual."""
        self._is_cut = self._is_deaf = False

    def close(self) -> None:
        """End for good."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    near.close()
                    continue
                far = socket.create_connection((LOOPBACK, self._target))
                self._open |= {near, far}
            for source, sink, is_answer in ((near, far, False), (far, near, True)):
                threading.Thread(
                    target=self._forward, args=(source, sink, is_answer), daemon=True
                ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                if is_answer and self._is_deaf:
                    break
                sink.sendall(chunk)
        with self._lock:
            for end in (source, sink):
                self._close(end)

    def _close_all(self) -> None:
        for end in list(self._open):
            self._close(end)

    def _close(self, end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
        self._open.discard(end)
