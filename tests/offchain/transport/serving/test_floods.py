"""A58: floods, slow-loris and garbage from one address; the others are served as before.

The attackers come from 127.0.0.2, which is another peer to the server.
"""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.offchain.transport.serving.test_http_server import KEY, ask
from tests.waiting import wait_until

from edgemark.transport.serving.server import HttpServer, Request, Response, Route, ServerLimits

ATTACKER = "127.0.0.2"
GOOD_REQUESTS = 14  # within the burst of one peer
BODY = bytes(1000)
MOST_BODY = 100_000
MOST_GROWTH_KIB = 64 * 1024
LIMITS = ServerLimits(
    header_s=2.0, body_s=1.0, most_connections=12, most_sockets=40, per_s=100, per_s_of_peer=8
)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    def work(request: Request) -> Response:
        time.sleep(0.002)
        return Response(body=request.body)

    route = Route("POST", "/work", work, MOST_BODY)
    with HttpServer([route], KEY, limits=LIMITS) as running:
        yield running


@contextlib.contextmanager
def attackers(work: Callable[[], None], count: int) -> Iterator[None]:
    """So many threads that do it again and again until the block ends."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                work()

    with ThreadPoolExecutor(count) as pool:
        for _ in range(count):
            pool.submit(repeat)
        try:
            yield
        finally:
            over.set()


def dial(server: HttpServer) -> socket.socket:
    return socket.create_connection(
        (server.host, server.port), timeout=5, source_address=(ATTACKER, 0)
    )


def shake_hands(server: HttpServer) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = dial(server)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise


def serve_the_others(server: HttpServer) -> None:
    """A peer that asks at its pace gets every answer."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(GOOD_REQUESTS):
        body = number.to_bytes(4, "big") + BODY
        assert ask(server, "POST", "/work", body) == body
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_GROWTH_KIB


def test_a58_a_flood_of_requests__is_refused_by_name_and_others_are_served(
    server: HttpServer,
) -> None:
    seen: Counter[int] = Counter()

    def flood() -> None:
        with contextlib.closing(shake_hands(server)) as wire:
            connection = http.client.HTTPConnection(server.host)
            connection.sock = wire
            for _ in range(20):
                connection.request("POST", "/work", BODY)
                answer = connection.getresponse()
                answer.read()
                seen[answer.status] += 1

    began = time.monotonic()
    with attackers(flood, 4):
        wait_until("a refusal", lambda: seen[503])
        serve_the_others(server)
    seconds = time.monotonic() - began
    assert set(seen) == {200, 503}
    assert seen[200] <= LIMITS.per_s_of_peer * (seconds + 3)  # the burst, and the last round


def test_a58_connections_that_never_speak__leave_room_for_others(server: HttpServer) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(2 * LIMITS.most_sockets):
            held.enter_context(dial(server))
        serve_the_others(server)


def test_a58_requests_that_drip__leave_room_for_others(server: HttpServer) -> None:
    def drip() -> None:
        with contextlib.closing(shake_hands(server)) as wire:
            wire.sendall(b"POST /work HTTP/1.1\r\nHost: node\r\nContent-Length: 90000\r\n\r\n")
            for _ in range(20):
                wire.sendall(b"x")
                time.sleep(0.05)

    with attackers(drip, 16):
        serve_the_others(server)


def test_a58_bursts_of_garbage__leave_room_for_others(server: HttpServer) -> None:
    def rubbish() -> None:
        with contextlib.closing(dial(server)) as plain:
            plain.sendall(bytes(range(256)) * 64)
        with contextlib.closing(shake_hands(server)) as wire:
            wire.sendall(b"\0\xff GET POST \r\n" * 200)
            wire.recv(1000)

    with attackers(rubbish, 4):
        serve_the_others(server)


def test_a58_after_the_flood__the_attacker_itself_is_served_again() -> None:
    limits = ServerLimits(per_s_of_peer=1.0)
    route = Route("POST", "/work", lambda request: Response(body=request.body), MOST_BODY)
    with HttpServer([route], KEY, limits=limits) as server:
        while (refused := post_once(server)).status == 200:
            continue
        assert refused.status == 503
        time.sleep(int(refused.headers["Retry-After"]))
        assert post_once(server).status == 200


def post_once(server: HttpServer) -> http.client.HTTPResponse:
    with contextlib.closing(shake_hands(server)) as wire:
        connection = http.client.HTTPConnection(server.host)
        connection.sock = wire
        connection.request("POST", "/work", BODY)
        return connection.getresponse()
