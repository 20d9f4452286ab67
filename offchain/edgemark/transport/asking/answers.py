"""What a server answers, read from a socket: the one door for a peer's bytes.

A strict part of HTTP/1.1 (RFC 9112), as much as our own servers speak: one final answer whose head
says how long its body is. Chunks, compression, interim answers (1xx), HTTP/0.9 and whatever else a
library would be glad to interpret are refused by name, so that nothing of a peer's decides how much
is read: at most `MAX_HEAD_BYTES` until the head ends, then exactly what it announced, if that is
allowed. A deadline is the socket's business (`DeadlineSocket`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from edgemark.transport.faults import AnswerMalformed, AnswerTooLarge, AnswerTruncated

MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 64
MAX_LENGTH_DIGITS = 12
FIRST_FINAL_STATUS = 200
FIRST_ERROR_STATUS = 300
END_OF_HEAD = b"\r\n\r\n"

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n\0]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_LENGTH = re.compile(rb"[0-9]{1,%d}" % MAX_LENGTH_DIGITS)
_REFUSED_HEADERS = (b"transfer-encoding", b"content-encoding")


class Wire(Protocol):
    """Where bytes come from; 0 means that there are no more."""

    def recv_into(self, buffer: memoryview) -> int:
        """Fill some of the buffer."""


@dataclass(frozen=True)
class Answer:
    """What a server said.

    Attributes:
        status: 200 .. 599.
        body: all of it; empty when it is an error's and longer than that may be.
    """

    status: int
    body: bytes

    @property
    def is_refusal(self) -> bool:
        """Whether it is anything but what was asked for."""
        return self.status >= FIRST_ERROR_STATUS


def read_answer(wire: Wire, who: str, *, most_bytes: int, most_error_bytes: int) -> Answer:
    """Read one answer.

    Args:
        wire: after the request was sent.
        who: the peer, for what is raised.
        most_bytes: longest body that is read.
        most_error_bytes: longest body of a refusal that is read; a longer one is left alone.

    Raises:
        AnswerMalformed: not what our servers speak.
        AnswerTooLarge: the announced body is too long; nothing of it was asked from the socket.
        AnswerTruncated: the connection ended before.
        OSError: of the socket.
    """
    head, rest = _read_head(wire, who)
    status, length = parse_head(head, who)
    if status >= FIRST_ERROR_STATUS and length > most_error_bytes:
        return Answer(status, b"")
    if status < FIRST_ERROR_STATUS and length > most_bytes:
        needed = f"<= {most_bytes} bytes"
        raise AnswerTooLarge("answer is too long", who=who, had=f"{length} bytes", needed=needed)
    return Answer(status, _read_body(wire, who, rest, length))


def parse_head(head: bytes, who: str) -> tuple[int, int]:
    """Status and length of the body.

    Args:
        head: without the empty line that ends it.
        who: the peer, for what is raised.

    Raises:
        AnswerMalformed: not what our servers speak.
    """
    first, *lines = head.split(b"\r\n")
    found = _STATUS_LINE.fullmatch(first)
    if found is None:
        raise _malformed(who, "another first line")
    status = int(found[1])
    if status < FIRST_FINAL_STATUS:
        raise _malformed(who, "an interim answer")
    if len(lines) > MAX_HEADERS:
        raise _malformed(who, f"{len(lines)} headers")
    return status, _length_of(lines, who)


def _length_of(lines: list[bytes], who: str) -> int:
    lengths: set[bytes] = set()
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise _malformed(who, "a line that is no header")
        name = header[1].lower()
        if name in _REFUSED_HEADERS:
            raise _malformed(who, name.decode())
        if name == b"content-length":
            lengths.add(header[2])
    if len(lengths) != 1:
        raise _malformed(who, "several lengths" if lengths else "an answer without a length")
    length = lengths.pop()
    if _LENGTH.fullmatch(length) is None:
        raise _malformed(who, "a length that is no number")
    return int(length)


def _read_head(wire: Wire, who: str) -> tuple[bytes, bytes]:
    """Everything before the empty line, and what came behind it already."""
    space = memoryview(bytearray(MAX_HEAD_BYTES))
    had = 0
    while had < MAX_HEAD_BYTES:
        got = wire.recv_into(space[had:])
        if not got:
            raise _truncated(who, f"{had} bytes of the head")
        seen, had = max(0, had - len(END_OF_HEAD) + 1), had + got
        if END_OF_HEAD in bytes(space[seen:had]):
            head, _, rest = bytes(space[:had]).partition(END_OF_HEAD)
            return head, rest
    raise _malformed(who, f"a head of more than {MAX_HEAD_BYTES} bytes")


def _read_body(wire: Wire, who: str, rest: bytes, length: int) -> bytes:
    if len(rest) > length:
        raise _malformed(who, "more than it announced")
    body = bytearray(length)
    body[: len(rest)] = rest
    space, had = memoryview(body), len(rest)
    while had < length:
        got = wire.recv_into(space[had:])
        if not got:
            raise _truncated(who, f"{had} bytes, {length - had} too few")
        had += got
    return bytes(body)


def _malformed(who: str, had: str) -> AnswerMalformed:
    return AnswerMalformed(
        "answer cannot be read as HTTP", who=who, had=had, needed="one answer with its length"
    )


def _truncated(who: str, had: str) -> AnswerTruncated:
    return AnswerTruncated(
        "connection ended before the answer", who=who, had=had, remedy="Try again later."
    )
