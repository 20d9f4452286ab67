"""The other side of F3: 10,000 requests that nobody sends, and a server that goes on as before."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import random
import re
from collections import Counter
from typing import Any

import pytest
from tests.offchain.transport.known_cards import KnownCards
from tests.offchain.transport.serving.test_http_server import KEY, ask

from edgemark.errors import RefusedInput
from edgemark.logs import configure_logs
from edgemark.transport.asking.http import CARD_HEADER
from edgemark.transport.limits import ServerLimits
from edgemark.transport.serving.routes import Head, Request, Response, Route
from edgemark.transport.serving.server import HttpServer

SEED, COUNT = 5, 10_000
LIMITS = ServerLimits(per_s=1e9, per_s_of_peer=1e9, most_connections=10**6, peer_part=1.0)
FIRST_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
EXPECTED = {100, 200, 400, 404, 405, 411, 413, 417}

_METHODS = (b"POST", b"POST", b"POST", b"GET", b"PUT", b"HEAD", b"get", b"PRI", b"\xff", b"")
_PATHS = (b"/echo", b"/echo", b"/echo", b"/v1/tasks/aa/1", b"/v1/tasks/%ff/\xff", b"/%00", b"//",
          b"*", b"http://x/echo", b"/" + b"a" * 9000, b"/echo?x=%zz", b"")  # fmt: skip
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"")
_HEADERS = (b"Host: x", b"Host: ", b"X" * 5000 + b": y", b"Expect: 100-continue", b"Expect: 7",
            b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Upgrade: websocket",
            b"Connection: upgrade", b"Content-Length: -1", b"Content-Length: 9e9", b": x", b" fold",
            b"Content-Length: 99999999999999999999", b"Content-Encoding: br", b"\0: \0", b"\xff",
            CARD_HEADER.encode() + b": \xff\xfe", CARD_HEADER.encode() + b": 0x:", b"Cookie: ;=;",
            b"Content-Type: multipart/form-data", b"Sec-WebSocket-Key: x")  # fmt: skip


class PlainTransport(asyncio.Transport):
    """What a connection would be, without one."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 7)})
        self.sent = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Everything was sent already."""

    def resume_reading(self) -> None:
        """Everything was sent already."""


def draw_requests(count: int) -> list[bytes]:
    source = random.Random(SEED)
    return [_spoil(_draw(source), source) for _ in range(count)]


def _draw(source: random.Random) -> bytes:
    line = b" ".join(source.choice(words) for words in (_METHODS, _PATHS, _VERSIONS))
    headers = [source.choice(_HEADERS) for _ in range(source.choice((0, 1, 1, 2, 40)))]
    body = source.randbytes(source.choice((0, 1, 30, 2000)))
    if source.random() < 0.7:
        headers = [b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([line, *headers, b"", body]) * source.choice((1, 1, 1, 5))


def _spoil(request: bytes, source: random.Random) -> bytes:
    place = source.randrange(len(request) + 1)
    match source.randrange(5):
        case 0:
            return request[:place]
        case 1:
            return request[:place] + source.randbytes(3) + request[place:]
        case 2:
            return source.randbytes(200)
        case _:
            return request


async def speak_all(server: HttpServer, requests: list[bytes]) -> tuple[Counter[int], list[str]]:
    """Let each come on a connection of its own; the answers, and what the loop complained of."""
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
    statuses: Counter[int] = Counter()
    assert server._runner is not None
    make = server._runner.server
    assert make is not None
    for request in requests:
        protocol, transport = make(), PlainTransport()
        protocol.connection_made(transport)
        protocol.data_received(request)
        for _ in range(12):
            await asyncio.sleep(0)
        protocol.connection_lost(None)
        statuses.update(int(found) for found in FIRST_LINE.findall(transport.sent))
    return statuses, complaints


def admit(head: Head) -> int:
    if len(head.params["job"]) != 2:
        raise RefusedInput("is no job", who="job")
    return 30


def test_f3_ten_thousand_strange_requests__are_refused_by_name_and_stop_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = io.StringIO()
    configure_logs("info", log)
    routes = [
        Route("POST", "/echo", lambda request: Response(body=request.body), 1000),
        Route("POST", "/v1/tasks/{job}/{index}", lambda _: Response(), 100, admit),
    ]
    with (
        caplog.at_level(logging.DEBUG),
        HttpServer(routes, KEY, limits=LIMITS, door=KnownCards()) as server,
    ):
        told = asyncio.run_coroutine_threadsafe(
            speak_all(server, draw_requests(COUNT)), server._loop
        )
        statuses, complaints = told.result(300)
        assert complaints == []
        assert set(statuses) <= EXPECTED
        assert {400, 404, 413} <= set(statuses)
        assert ask(server, "POST", "/echo", b"as before") == b"as before"
        assert server.reception.spool.held_bytes == server.reception.memory.held == 0
    configure_logs("error")
    assert log.getvalue() == ""
    assert [record for record in caplog.records if record.exc_info] == []


def test_f3_a_handler_that_fails__is_a_500_with_one_line_and_the_server_goes_on() -> None:
    def fail(request: Request) -> Response:
        raise {b"value": ValueError, b"memory": MemoryError, b"index": IndexError}[request.body]

    log = io.StringIO()
    configure_logs("info", log)
    with HttpServer([Route("POST", "/", fail, 10)], KEY) as server:
        for body in (b"value", b"memory", b"index", b"any"):
            with pytest.raises(Exception, match="status 500"):
                ask(server, "POST", "/", body)
    configure_logs("error")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["kind"] for line in lines] == [
        "ValueError",
        "MemoryError",
        "IndexError",
        "KeyError",
    ]
    assert {line["event"] for line in lines} == {"handler failed"}
