"""A small HTTP server for this machine alone: GET of a few fixed pages, nothing else.

Apart from the TLS face on purpose: what operators read never shares a port, a limit or a key with
what strangers send. It listens on 127.0.0.1, refuses a `Host` that is not this machine (a web page
opened on it must not read them by DNS rebinding), and answers so many at a time: for one more, the
one that has waited longest without a request gives way.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.logs import get_logger
from edgemark.seam import place_of

LOOPBACK = "127.0.0.1"
IDLE_S = 5.0  # a client that sends nothing is let go
MOST_AT_ONCE = 8  # Prometheus asks once in some seconds
GIVE_WAY_S = 1.0  # for the thread of a connection that was closed, to notice
HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

_log = get_logger("metrics")


class PageServerFailed(RefusedInput):
    """The metrics cannot be served there."""


@dataclass(frozen=True)
class Page:
    """What a GET answers."""

    status: int
    content_type: str
    body: bytes


class PageServer(Closing):
    """Serves pages on the loopback address in threads of its own, from the start on.

    Args:
        pages: what makes each page, by path; called for each request.
        port: 0 takes a free one.

    Raises:
        PageServerFailed: the port is in use.
    """

    def __init__(self, pages: Mapping[str, Callable[[], Page]], port: int) -> None:
        class Handler(_Handler):
            """Knows the pages of this server."""

        Handler.pages = pages
        try:
            self._server = _BoundedServer((LOOPBACK, port), Handler)
        except OSError as error:
            raise PageServerFailed(
                "cannot listen there",
                who=f"{LOOPBACK}:{port}",
                had=error.strerror,
                needed="a free port of this machine",
                remedy="Set metrics.port to another one, or to 0 for no metrics.",
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _BoundedServer(ThreadingHTTPServer):
    """A thread for each connection, up to a bound; for one more, a silent one is closed."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._silent: dict[Any, None] = {}  # connections without a request yet, the oldest first
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self._dismiss()
            if not self._places.acquire(timeout=GIVE_WAY_S):
                self.shutdown_request(request)
                return
        self._silent[request] = None
        super().process_request(request, client_address)

    def note_request(self, request: Any) -> None:
        """Its request is there: it does not give way any more."""
        self._silent.pop(request, None)

    def _dismiss(self) -> None:
        for oldest in list(self._silent)[:1]:
            self.note_request(oldest)
            with contextlib.suppress(OSError):  # it left by itself
                oldest.shutdown(socket.SHUT_RDWR)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.note_request(request)
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    pages: Mapping[str, Callable[[], Page]]
    timeout = IDLE_S
    server_version = "edgemark"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one page."""
        self.wfile.write(self._begin().body)

    def do_HEAD(self) -> None:
        """Answer what a page would have for headers."""
        self._begin()

    def _begin(self) -> Page:
        if isinstance(self.server, _BoundedServer):
            self.server.note_request(self.connection)
        page = self._make()
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        return page

    def _make(self) -> Page:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in HOSTS:
            return _text(421, "this page is for its own machine\n")
        make = self.pages.get(self.path.partition("?")[0])
        if make is None:
            return _text(404, "pages: " + " ".join(sorted(self.pages)) + "\n")
        try:
            return make()
        except Exception as error:  # noqa: BLE001 - the process goes on; the log says what it was
            _log.error("page failed", kind=type(error).__name__, place=place_of(error))
            return _text(500, "failed; the log says more\n")

    def log_message(self, format: str, *args: Any) -> None:
        """A request for metrics is no event."""


def _text(status: int, text: str) -> Page:
    return Page(status, "text/plain; charset=utf-8", text.encode())
