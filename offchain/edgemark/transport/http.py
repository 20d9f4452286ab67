"""HTTPS client: one request, one connection, one deadline, the pin before any byte."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
import time

from edgemark.transport.deadline import DeadlineSocket, client_context, connect
from edgemark.transport.endpoint import Endpoint, parse_endpoint
from edgemark.transport.faults import (
    AnswerMalformed,
    AnswerTooLarge,
    AnswerTruncated,
    PeerRefused,
    PeerUnreachable,
)
from edgemark.transport.tls import check_pin

MAX_ERROR_BYTES = 4096  # of what a refusing server says
MAX_ERROR_TEXT = 200  # characters of each of its words that are kept
MAX_ERROR_WORDS = 8
CHUNK_BYTES = 64 * 1024
FIRST_ERROR_STATUS = 300
TRUNCATED = (http.client.RemoteDisconnected, http.client.IncompleteRead, ssl.SSLEOFError)


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
            PeerUnreachable: nobody there, or not in time (`AnswerTruncated`: broke off); later.
            WrongCertificate: another key; nothing was sent.
            PeerRefused: the server said no.
            AnswerTooLarge, AnswerMalformed: not an answer that we take.
            RefusedInput: `endpoint` is none.
        """
        place = parse_endpoint(endpoint)
        try:
            wire = connect(place, self._context, time.monotonic() + self._timeout_s)
            with contextlib.closing(wire):
                check_pin(wire.getpeercert(binary_form=True), pin, endpoint)
                return self._exchange(wire, place, (method, path, body), most_bytes)
        except TRUNCATED as error:
            raise _truncated(endpoint, type(error).__name__) from error
        except http.client.HTTPException as error:
            raise _malformed(endpoint, type(error).__name__) from error
        except OSError as error:
            raise PeerUnreachable(
                "cannot be reached", who=endpoint, had=_reason(error), remedy="Try again later."
            ) from error

    def _exchange(
        self,
        wire: DeadlineSocket,
        place: Endpoint,
        asked: tuple[str, str, bytes],
        most_bytes: int,
    ) -> bytes:
        """Ask over a checked connection and read the answer, all of it and no more."""
        method, path, body = asked
        connection = http.client.HTTPConnection(place.host, place.port)
        connection.sock = wire
        # A server that refuses early may close before it has read everything: its answer counts.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            connection.request(method, path, body=body, headers={"Connection": "close"})
        with self._guard:
            self.bytes_out += len(body)
        with connection.getresponse() as response:
            refused = response.status >= FIRST_ERROR_STATUS
            most = MAX_ERROR_BYTES if refused else most_bytes
            answer = self._read(response, str(place), most)
            if refused:
                raise PeerRefused(response.status, _read_error(answer[:most]), who=str(place))
            if len(answer) > most:
                raise AnswerTooLarge("answer is too long", who=place, needed=f"<= {most} bytes")
        return answer

    def _read(self, response: http.client.HTTPResponse, who: str, most: int) -> bytes:
        """At most one byte more than `most`; a shorter body than announced is a fault."""
        if response.length is None and not response.chunked:
            raise _malformed(who, "an answer without a length")
        parts: list[bytes] = []
        had = 0
        while had <= most:
            part = response.read(min(CHUNK_BYTES, most + 1 - had))
            if not part:
                break
            parts.append(part)
            had += len(part)
        with self._guard:
            self.bytes_in += had
        if had <= most and response.length:
            raise _truncated(who, f"{had} bytes, {response.length} too few")
        return b"".join(parts)


def _malformed(endpoint: str, had: str) -> AnswerMalformed:
    return AnswerMalformed("answer cannot be read as HTTP", who=endpoint, had=had)


def _truncated(endpoint: str, had: str) -> AnswerTruncated:
    return AnswerTruncated(
        "connection ended before the answer", who=endpoint, had=had, remedy="Try again later."
    )


def _reason(error: OSError) -> str:
    return "too slow" if isinstance(error, TimeoutError) else error.strerror or "no connection"


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
