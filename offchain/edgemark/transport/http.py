"""HTTPS client: one request, one connection, one deadline, the pin before any byte."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time

from edgemark.transport.endpoint import parse_endpoint
from edgemark.transport.faults import (
    AnswerMalformed,
    AnswerTooLarge,
    PeerRefused,
    PeerUnreachable,
)
from edgemark.transport.tls import check_pin, client_context

MAX_ERROR_BYTES = 4096  # of what a refusing server says
MAX_ERROR_TEXT = 200  # characters of each of its words that are kept
MAX_ERROR_WORDS = 8
CHUNK_BYTES = 64 * 1024
FIRST_ERROR_STATUS = 300


class HttpClient:
    """Asks servers; safe for many threads.

    Args:
        timeout_s: seconds for a whole request: connect, handshake, send, answer.
    """

    def __init__(self, *, timeout_s: float = 10.0) -> None:
        self._timeout_s = timeout_s
        self._context = client_context()
        self._guard = threading.Lock()
        self.bytes_in = 0
        self.bytes_out = 0

    def request(
        self,
        endpoint: str,
        pin: bytes,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        most_bytes: int,
    ) -> bytes:
        """Send a request and return the body of the answer.

        Args:
            endpoint: https URL of the server, as registered.
            pin: SHA-256 of the SPKI that it must show.
            method: GET, POST or PUT.
            path: begins with a slash.
            body: request body.
            most_bytes: longest answer that is read.

        Raises:
            PeerUnreachable, WrongCertificate, PeerRefused, AnswerTooLarge, AnswerMalformed.
        """
        place = parse_endpoint(endpoint)
        deadline = time.monotonic() + self._timeout_s
        connection = http.client.HTTPSConnection(
            place.host, place.port, timeout=self._timeout_s, context=self._context
        )
        try:
            connection.connect()
            wire = connection.sock  # kept: http.client forgets it when the server closes
            check_pin(wire.getpeercert(binary_form=True), pin, endpoint)
            wire.settimeout(_left(deadline, endpoint))
            connection.request(method, path, body=body)
            with self._guard:
                self.bytes_out += len(body)
            response = connection.getresponse()
            return self._read(response, wire, endpoint, deadline, most_bytes)
        except http.client.HTTPException as error:
            raise AnswerMalformed(
                "answer is no HTTP or ends too early", who=endpoint, had=type(error).__name__
            ) from error
        except OSError as error:
            raise PeerUnreachable(
                "cannot be reached", who=endpoint, had=error.strerror or type(error).__name__
            ) from error
        finally:
            connection.close()

    def _read(
        self,
        response: http.client.HTTPResponse,
        wire: socket.socket,
        endpoint: str,
        deadline: float,
        most_bytes: int,
    ) -> bytes:
        refused = response.status >= FIRST_ERROR_STATUS
        most = MAX_ERROR_BYTES if refused else most_bytes
        parts: list[bytes] = []
        length = 0
        while True:
            wire.settimeout(_left(deadline, endpoint))
            part = response.read(min(CHUNK_BYTES, most + 1 - length))
            parts.append(part)
            length += len(part)
            if not part or length > most:
                break
        with self._guard:
            self.bytes_in += length
        body = b"".join(parts)
        if refused:
            raise PeerRefused(response.status, _read_error(body[:MAX_ERROR_BYTES]), who=endpoint)
        if length > most:
            raise AnswerTooLarge("answer is too long", who=endpoint, needed=f"<= {most} bytes")
        return body


def _left(deadline: float, endpoint: str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise PeerUnreachable("took too long", who=endpoint)
    return left


def _read_error(body: bytes) -> dict[str, str]:
    """A stranger's words: short, printable, or nothing."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {
        _clean(name): _clean(value)
        for name, value in list(said.items())[:MAX_ERROR_WORDS]
        if isinstance(value, str | int)
    }


def _clean(text: object) -> str:
    return "".join(c for c in str(text)[:MAX_ERROR_TEXT] if c.isprintable())
