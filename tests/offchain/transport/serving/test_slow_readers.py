"""A reader decides how long its answer takes, so it holds no memory and no thread meanwhile."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web
from tests.offchain.transport.known_cards import KnownCards
from tests.offchain.transport.serving.test_http_server import KEY
from tests.waiting import wait_until

from edgemark.transport.asking.http import HttpClient
from edgemark.transport.faults import PeerRefused
from edgemark.transport.limits import KIB, MIB, ServerLimits
from edgemark.transport.serving.bodies import Body
from edgemark.transport.serving.crowd import Guest
from edgemark.transport.serving.outgoing import Copy
from edgemark.transport.serving.reception import Reception
from edgemark.transport.serving.routes import Head, Request, Response, Route
from edgemark.transport.serving.server import HttpServer

ANSWER_BYTES = 8 * MIB  # more than the system's own buffers of a connection take
LIMITS = ServerLimits(loaded_bytes=8 * MIB, handler_s=2.0, long_workers=1)
CARDS = {"payer's card": "payer", "node's card": "node"}
PATIENCE_S = 15


class PlantedPlaces(Reception):
    """As it was: a body that waits for its memory holds a place; another one, when it has it."""

    async def _answer(
        self, route: Route, guest: Guest, head: Head, body: Body
    ) -> tuple[Response, Copy | None]:
        leave = self._places.take(guest.holder)
        try:
            return await super()._answer(route, guest, head, body)
        finally:
            leave()


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
    with HttpServer(routes, KEY, limits=LIMITS, door=KnownCards(CARDS)) as server:
        yield server


def test_an_answer_that_nobody_reads__keeps_no_body_of_a_known_party_out() -> None:
    with serving() as server:
        with read_by_nobody(server):
            assert ask(server, bytes(100 * KIB), "node's card") == b"%d" % (100 * KIB)
        wait_until("the file is gone", lambda: server.reception.outgoing.held_bytes == 0)


def test_the_planted_server__has_no_memory_for_a_known_partys_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgemark.transport.serving.server.Reception", PlantedReception)
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
    with HttpServer(routes, KEY, limits=limits, door=KnownCards(CARDS)) as server:
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


@pytest.mark.parametrize(
    ("kind", "places", "is_refused"), [(Reception, 2, False), (PlantedPlaces, 4, True)]
)
def test_f4_a_body_that_waits_for_its_memory__holds_no_place(
    monkeypatch: pytest.MonkeyPatch, kind: type[Reception], places: int, *, is_refused: bool
) -> None:
    held, leave = threading.Semaphore(0), threading.Event()

    def hold(request: Request) -> Response:
        if len(request.body) > LIMITS.stranger_bytes:
            held.release()
            assert leave.wait(PATIENCE_S)
        return Response(body=b"heard")

    monkeypatch.setattr("edgemark.transport.serving.server.Reception", kind)
    limits = ServerLimits(loaded_bytes=100 * KIB, known_connections=places, kept_of_known=0)
    routes = [Route("POST", "/v1/answers", hold, MIB)]
    known = {**CARDS, "judge's card": "judge"}
    with HttpServer(routes, KEY, limits=limits, door=KnownCards(known)) as server:
        args = (server, bytes(100 * KIB))
        others = [
            threading.Thread(target=ask, args=(*args, card))
            for card in ("payer's card", "node's card")
        ]
        for other in others:
            other.start()
        assert held.acquire(timeout=PATIENCE_S)
        wait_until("the other body waits", lambda: len(server.reception.memory._waiting) == 1)
        refused = False
        try:
            assert ask(server, b"short", "judge's card") == b"heard"
        except PeerRefused:
            refused = True
        finally:
            leave.set()
            for other in others:
                other.join()
        assert refused == is_refused
