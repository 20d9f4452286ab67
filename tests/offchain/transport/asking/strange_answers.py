"""Answers that no server of ours sends, drawn from a seed: 10,000 in a second."""

from __future__ import annotations

import random
from collections.abc import Iterator

SEED = 3
MOST_BODY = 4096
ENDLESS = 8 * 1024 * 1024  # bytes after which a test has seen enough of a reader without a bound

_LENGTHS = (b"4", b"0", b"-1", b"-2", b"+4", b"4, 4", b"0x4", b"99999999999", b"9" * 400, b" 4 ",
            b"\xb2", b"4_0", b"", b"4.0", b"00004", b"1e3")  # fmt: skip
_CHUNKS = (b"-2", b"-1", b"-1", b"4", b"0", b"ffffffffffffffffff", b"7fffffffffffffff", b"4;x",
           b"zz", b"", b"0x4", b"+4", b"\xff", b"4_4")  # fmt: skip
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2", b"http/1.1", b"HTTP/1.1\xff", b"ICY",
             b"", b"HTTP/1.99999999999")  # fmt: skip
_STATUSES = (b"200 OK", b"200 OK", b"200 OK", b"400 No", b"200", b"100 Continue", b"101 Up",
             b"199 x", b"204 No", b"302 Found", b"304 Not", b"404 \xe2\x98\x83", b"500 No",
             b"999 x", b"-1 x", b"0200 x", b"2e2 x",
             b"two x", b"", b"\xd9\xa2\xd9\xa0\xd9\xa0 x")  # fmt: skip
_HEADERS = (b"X: y", b"X" * 17_000 + b": y", b"X:" + b"y" * 17_000, b" folded", b"no colon", b": y",
            b"X\0: y", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
            b"transfer-encoding : chunked", b"Content-Encoding: gzip", b"Content-Length: 4",
            b"Location: https://127.0.0.1:1/", b"Connection: keep-alive", b"\xff\xfe: \xff",
            b"Set-Cookie: a=b", b"Upgrade: websocket", b"Content-Length: 5")  # fmt: skip
_BODIES = (b"body", b"", b"bo", b"body and more", b'{"error": "X", "retry_after_s": "9"}',
           b"\x1f\x8b\x08\x00" + b"\0" * 40, b"[" * 3000, b"\xff" * 5000)  # fmt: skip


class StrangeWire:
    """A socket of one answer, in pieces of any size; it counts what is read of it.

    Args:
        answer: what the peer sends.
        source: draws the pieces.
        endless: go on with more, for as long as somebody reads.
    """

    def __init__(self, answer: bytes, source: random.Random, *, endless: bool) -> None:
        self._answer = answer
        self._source = source
        self._endless = endless
        self.read = 0

    def recv_into(self, buffer: memoryview) -> int:
        """Some of it."""
        most = min(len(buffer), self._source.choice((1, 7, 300, 100_000)))
        part = self._answer[self.read : self.read + most]
        if not part and self._endless and self.read < ENDLESS:
            part = b"x" * most
        buffer[: len(part)] = part
        self.read += len(part)
        return len(part)


def draw_wires(count: int, seed: int = SEED) -> Iterator[StrangeWire]:
    """So many, the same for the same seed."""
    source = random.Random(seed)
    for _ in range(count):
        answer = _spoil(_draw(source), source)
        yield StrangeWire(answer, source, endless=source.random() < 0.2)


def _draw(source: random.Random) -> bytes:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * source.choice((0, 0, 0, 0, 1, 500))
    version = source.choice(_VERSIONS) if source.random() < 0.2 else b"HTTP/1.1"
    line = version + b" " + source.choice(_STATUSES)
    headers = [source.choice(_HEADERS) for _ in range(source.choice((0, 0, 0, 1, 1, 2, 70)))]
    body = source.choice(_BODIES)
    if source.random() < 0.3:
        headers.append(b"Transfer-Encoding: chunked")
        size, end = source.choice(_CHUNKS), source.choice((b"0\r\n\r\n", b"", b"0\r\nX: y\r\n"))
        body = size + b"\r\n" + body + b"\r\n" + end
    else:
        headers.append(
            b"Content-Length: " + source.choice((*([b"%d" % len(body)] * 16), *_LENGTHS))
        )
    return interim + b"\r\n".join([line, *headers, b"", body])


def _spoil(answer: bytes, source: random.Random) -> bytes:
    """Cut, repeat or change some of it; a third stays as it is."""
    place = source.randrange(len(answer) + 1)
    match source.randrange(6):
        case 0:
            return answer[:place]
        case 1:
            return answer[:place] + source.randbytes(source.choice((1, 2, 50))) + answer[place:]
        case 2:
            return answer[:place] + answer[place + 1 :]
        case 3:
            return answer.replace(b"\r\n", b"\n")
        case _:
            return answer
