"""A reader decides how long its answer takes, so it holds no memory and no thread meanwhile."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web
from tests.offchain.transport.test_http_server import KEY
from tests.waiting import wait_until

from edgemark.transport.faults import PeerRefused
from edgemark.transport.http import HttpClient
from edgemark.transport.limits import KIB, MIB, ServerLimits
from edgemark.transport.outgoing import Copy
from edgemark.transport.reception import Reception
from edgemark.transport.routes import Request, Response, Route
from edgemark.transport.server import HttpServer

ANSWER_BYTES = 8 * MIB  # more than the system's own buffers of a connection take
LIMITS = ServerLimits(loaded_bytes=8 * MIB, handler_s=2.0, long_workers=1)
CARDS = {"payer's card": "payer", "node's card": "node"}
PATIENCE_S = 15


class PlantedReception(Reception):
    """As it was: an answer holds memory until it was read."""

    async def _give(self, request: web.Request, given: Response, copy: Copy) -> web.StreamResponse:
        free = await self.memory.take("", copy.length, patience_s=0.0)
        try:
            return await super()._give(request, given, copy)
        finally:
            free()


def ask(server: HttpServer, body: bytes, card: str) -> bytes:
    return HttpClient().request(
        server.url, KEY.pin, "POST", "/v1/answers", body, most_bytes=4096, card=card
    )


@contextlib.contextmanager
def read_by_nobody(server: HttpServer) -> Iterator[None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(10)
    plain.connect(("127.0.0.1", server.port))
    with context.wrap_socket(plain) as wire:
        wire.sendall(b"POST /v1/answers/read HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        wait_until("the answer is on its way", lambda: server.reception.outgoing.held_bytes > 0)
        yield


@contextlib.contextmanager
def serving() -> Iterator[HttpServer]:
    routes = [
        Route("POST", "/v1/answers/read", lambda _: Response(body=bytes(ANSWER_BYTES)), 4096),
        Route("POST", "/v1/answers", lambda r: Response(body=b"%d" % len(r.body)), MIB),
    ]
    with HttpServer(routes, KEY, limits=LIMITS, recognise=CARDS.get) as server:
        yield server


def test_an_answer_that_nobody_reads__keeps_no_body_of_a_known_party_out() -> None:
    with serving() as server:
        with read_by_nobody(server):
            assert ask(server, bytes(100 * KIB), "node's card") == b"%d" % (100 * KIB)
        wait_until("the file is gone", lambda: server.reception.outgoing.held_bytes == 0)


def test_the_planted_server__has_no_memory_for_a_known_partys_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgemark.transport.server.Reception", PlantedReception)
    refused = pytest.raises(PeerRefused, match="status 503")
    with serving() as server, read_by_nobody(server), refused:
        ask(server, bytes(100 * KIB), "node's card")


def test_longer_bodies_of_one_party__leave_threads_for_short_ones_of_all() -> None:
    held, leave = threading.Semaphore(0), threading.Event()

    def hold(request: Request) -> Response:
        if len(request.body) > LIMITS.stranger_bytes:
            held.release()
            assert leave.wait(PATIENCE_S)
        return Response(body=b"heard")

    limits = ServerLimits(known_workers=1, long_workers=1)
    routes = [Route("POST", "/v1/answers", hold, MIB)]
    with HttpServer(routes, KEY, limits=limits, recognise=CARDS.get) as server:
        body = bytes(100 * KIB)
        payers = [
            threading.Thread(target=ask, args=(server, body, "payer's card")) for _ in range(4)
        ]
        for payer in payers:
            payer.start()
        assert held.acquire(timeout=PATIENCE_S)
        try:
            assert ask(server, b"short", "node's card") == b"heard"
            assert ask(server, b"short", "payer's card") == b"heard"
        finally:
            leave.set()
            for payer in payers:
                payer.join()
