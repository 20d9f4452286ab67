"""F5: what requests hold in memory stays below one bound, whatever comes from wherever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.transport.lone_server import (
    ASKED_BYTES,
    CARD,
    GIVEN_BYTES,
    LIMITS,
    MOST_BYTES,
    LoneServer,
)
from tests.siege import besieged
from tests.waiting import wait_until

from edgemark.transport.asking.http import CARD_HEADER, HttpClient
from edgemark.transport.faults import PeerRefused
from edgemark.transport.limits import MIB, ServerLimits
from edgemark.transport.serving.bodies import Body

PUTS = 24
OPERATING = Path(__file__).resolve().parents[4] / "docs" / "operating.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneServer]:
    folder = tmp_path_factory.mktemp("spool")
    with LoneServer(folder) as running:
        yield running
    assert list(folder.iterdir()) == []


def held(server: LoneServer) -> dict[str, int]:
    raw = HttpClient().request(server.url, server.pin, "GET", "/held", most_bytes=1000)
    found: dict[str, int] = json.loads(raw)
    return found


def put(server: LoneServer, name: str, body: memoryview, card: str) -> None:
    """Send a function, whatever comes of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError):
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        with context.wrap_socket(plain) as wire:
            wire.sendall(
                f"PUT /v1/functions/{name} HTTP/1.1\r\nHost: x\r\n{CARD_HEADER}: {card}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            )
            for at in range(0, len(body), 65536):
                wire.sendall(body[at : at + 65536])
            wire.recv(1000)


def put_at_once(server: LoneServer, name: str, length: int, card: str) -> None:
    body = memoryview(bytearray(length))
    threads = [
        threading.Thread(target=put, args=(server, f"{name}-{number}", body, card))
        for number in range(PUTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("card", ["", CARD], ids=["a stranger's", "a known party's"])
def test_f5_functions_that_nobody_asked_for__are_told_by_their_heads(
    server: LoneServer, card: str
) -> None:
    put_at_once(server, "unasked", MOST_BYTES, card)
    assert server.grown() < LIMITS.memory_bytes
    assert held(server)["in"] == 0


def test_f5_functions_that_were_asked_for__wait_on_the_disk_and_leave_nothing(
    server: LoneServer,
) -> None:
    put_at_once(server, "asked", ASKED_BYTES, CARD)
    assert server.grown() < LIMITS.memory_bytes
    assert held(server)["in"] >= LIMITS.most_of_known * ASKED_BYTES
    wait_until("all is given back", lambda: held(server)["spool"] == held(server)["memory"] == 0)


def test_f5_the_planted_server__holds_every_body_at_once(tmp_path: Path) -> None:
    with LoneServer(tmp_path, planted=True) as server:
        put_at_once(server, "any", LIMITS.memory_bytes // 2, CARD)
        assert server.grown() > LIMITS.memory_bytes


def test_f5_a_stranger_with_a_long_body__is_told_who_may_send_one(server: LoneServer) -> None:
    path, body = "/v1/functions/asked", bytes(LIMITS.stranger_bytes + 1)
    with pytest.raises(PeerRefused) as caught:
        HttpClient().request(server.url, server.pin, "PUT", path, body, most_bytes=100)
    assert caught.value.status == 413
    assert caught.value.error["remedy"]


def test_f5_idle_connections_and_long_heads__stay_below_the_bound(server: LoneServer) -> None:
    with besieged([server.port], each=2 * LIMITS.most_sockets) as opened:
        wait_until("the siege", lambda: opened[0] > 3 * LIMITS.most_sockets)
    assert server.grown() < LIMITS.memory_bytes


def test_f5_answers_that_nobody_reads__stay_below_the_bound(server: LoneServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    ask = b"POST /v1/answers HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    with contextlib.ExitStack() as open_wires:
        for number in range(2, 2 + LIMITS.most_sockets // 2):
            plain = socket.socket()
            plain.settimeout(10)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.bind((f"127.0.0.{number}", 0))
            plain.connect(("127.0.0.1", server.port))
            open_wires.enter_context(context.wrap_socket(plain)).sendall(ask)
        wait_until("answers on their way", lambda: held(server)["out"] > 0)
        assert held(server)["memory"] == 0
        assert held(server)["out"] == GIVEN_BYTES  # once, however many read it
        put(server, "asked", memoryview(bytearray(ASKED_BYTES)), CARD)
        assert server.grown() < LIMITS.memory_bytes


def test_f5_an_answer_longer_than_one_piece__arrives_whole(server: LoneServer) -> None:
    answer = HttpClient().request(
        server.url, server.pin, "POST", "/v1/answers", most_bytes=GIVEN_BYTES
    )
    assert answer == bytes(GIVEN_BYTES)


def test_known_parties__leave_threads_to_one_another() -> None:
    limits = ServerLimits()
    assert limits.most_of_known < limits.known_workers


def test_body__that_ends_early_is_no_body() -> None:
    class Ends:
        async def readany(self) -> bytes:
            return b""

    with pytest.raises(EOFError):
        asyncio.run(Body(1).fill(Ends(), LIMITS))


def test_f5_the_bound__is_the_sum_of_its_parts() -> None:
    limits = ServerLimits()
    assert limits.memory_bytes == 256 * (768 + 64) * 1024 + 96 * MIB
    assert f"| {limits.memory_bytes // MIB} MiB |" in OPERATING.read_text()
