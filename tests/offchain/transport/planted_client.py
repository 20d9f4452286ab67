"""Reading answers as it was: `http.client` decides how much, and what is raised.

Planted, to show that the fuzz of F3 finds it.
"""

from __future__ import annotations

import http.client
import io
from typing import Any

from edgemark.transport.asking.answers import Answer, Wire
from edgemark.transport.faults import AnswerMalformed, AnswerTooLarge, AnswerTruncated

CHUNK_BYTES = 64 * 1024
FIRST_ERROR_STATUS = 300


class _File(io.RawIOBase):
    """A wire as the file that `http.client` wants."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.recv_into(memoryview(buffer))


class _Socket:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - as sockets have it
        return io.BufferedReader(_File(self._wire))


def read_answer(wire: Wire, who: str, *, most_bytes: int, most_error_bytes: int) -> Answer:
    """Read one answer, as long as the peer does nothing that nobody thought of."""
    planted: Any = _Socket(wire)
    try:
        with http.client.HTTPResponse(planted) as response:
            response.begin()
            refused = response.status >= FIRST_ERROR_STATUS
            most = most_error_bytes if refused else most_bytes
            body = _read(response, who, most)
    except (http.client.RemoteDisconnected, http.client.IncompleteRead) as error:
        raise AnswerTruncated("connection ended", who=who) from error
    except http.client.HTTPException as error:
        raise AnswerMalformed("answer cannot be read", who=who) from error
    if not refused and len(body) > most:
        raise AnswerTooLarge("answer is too long", who=who)
    return Answer(response.status, body[:most])


def _read(response: http.client.HTTPResponse, who: str, most: int) -> bytes:
    if response.length is None and not response.chunked:
        raise AnswerMalformed("an answer without a length", who=who)
    parts: list[bytes] = []
    had = 0
    while had <= most:
        part = response.read(min(CHUNK_BYTES, most + 1 - had))
        if not part:
            break
        parts.append(part)
        had += len(part)
    if had <= most and response.length:
        raise AnswerTruncated("connection ended", who=who)
    return b"".join(parts)
