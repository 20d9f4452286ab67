"""The client against servers that are slow, greedy, broken, or somebody else."""

from __future__ import annotations

import contextlib
import contextvars
import json
import socket
import ssl
import threading
import time

import pytest
from tests.offchain.transport.raw_server import RawServer, Script, answering, read_request

from edgemark.errors import RefusedInput
from edgemark.transport.asking.deadline import asked_until, client_context, connect
from edgemark.transport.asking.endpoint import parse_endpoint
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.faults import (
    AnswerMalformed,
    AnswerTooLarge,
    AnswerTruncated,
    PeerRefused,
    PeerUnreachable,
    WrongCertificate,
)
from edgemark.transport.ports import hold_ports
from edgemark.transport.tls import TlsKey

KEY = TlsKey.generate()
SHORT_S = 0.6  # seconds for a whole request where the server is meant to be too slow
DRIP_S = 0.1  # seconds between two bytes of a dripping server: always within a plain time-out


def ask(script: Script, *, timeout_s: float = 10.0, most_bytes: int = 100) -> bytes:
    client = HttpClient(timeout_s=timeout_s)
    with RawServer(KEY, script) as server:
        return client.request(server.url, KEY.pin, "GET", "/", most_bytes=most_bytes)


def test_request__of_a_plain_answer__gives_its_body_and_counts_bytes() -> None:
    client = HttpClient()
    with RawServer(KEY, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")) as server:
        answer = client.request(server.url, KEY.pin, "POST", "/x", b"123", most_bytes=4)
    assert (answer, client.bytes_out, client.bytes_in) == (b"body", 3, 4)


@pytest.mark.parametrize(
    "header", [b"Transfer-Encoding: chunked", b"Content-Encoding: gzip\r\nContent-Length: 4"]
)
def test_request__of_an_answer_that_is_wrapped__is_refused_by_name(header: bytes) -> None:
    with pytest.raises(AnswerMalformed) as caught:
        ask(answering(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n"))
    assert caught.value.had == header.partition(b":")[0].decode().lower()


def test_request__to_a_server_with_another_key__sends_no_byte() -> None:
    heard: list[bytes] = []
    ended = threading.Event()

    def listen(wire: ssl.SSLSocket) -> None:
        try:
            heard.append(wire.recv(1000))
        finally:
            ended.set()

    registered = TlsKey.generate()
    with RawServer(KEY, listen) as server:
        with pytest.raises(WrongCertificate) as caught:
            HttpClient().request(
                server.url, registered.pin, "POST", "/secret", b"secret", most_bytes=9
            )
        assert ended.wait(10)
    assert b"".join(heard) == b""
    assert caught.value.had == KEY.pin.hex()
    assert caught.value.needed == registered.pin.hex()


def test_request__to_nobody__is_unreachable() -> None:
    with hold_ports(1) as held, pytest.raises(PeerUnreachable):
        url = f"https://127.0.0.1:{held.numbers[0]}"
        HttpClient().request(url, KEY.pin, "GET", "/", most_bytes=1)


def test_request__to_a_name_that_nobody_has__is_unreachable() -> None:
    with pytest.raises(PeerUnreachable):
        HttpClient().request("https://node.invalid:1", KEY.pin, "GET", "/", most_bytes=1)


def test_request__to_what_is_no_endpoint__is_refused_before_anything() -> None:
    with pytest.raises(RefusedInput):
        HttpClient().request("http://127.0.0.1:1", KEY.pin, "GET", "/", most_bytes=1)


def test_request__to_a_server_without_tls__is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            wire, _ = listening.accept()
            with wire:
                wire.recv(1000)
                wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(PeerUnreachable):
            HttpClient().request(url, KEY.pin, "GET", "/", most_bytes=1)
        thread.join()


def test_request__to_a_server_that_never_shakes_hands__ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(PeerUnreachable) as caught:
            HttpClient(timeout_s=SHORT_S).request(url, KEY.pin, "GET", "/", most_bytes=1)
    assert caught.value.had == "too slow"


def test_requests_of_a_thread__are_all_over_when_its_time_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        context = contextvars.copy_context()
        context.run(asked_until.set, time.monotonic() + SHORT_S)
        for _ in range(100):
            with pytest.raises(PeerUnreachable) as caught:
                context.run(HttpClient().request, url, KEY.pin, "GET", "/", most_bytes=1)
            assert caught.value.had == "too slow"


def dripping(head: bytes, drop: bytes) -> Script:
    def speak(wire: ssl.SSLSocket) -> None:
        read_request(wire)
        wire.sendall(head)
        while True:
            wire.sendall(drop)
            time.sleep(DRIP_S)

    return speak


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 ", b"O"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
    ],
    ids=["headers", "status line", "body"],
)
def test_request__to_a_server_that_drips__ends_at_the_deadline(head: bytes, drop: bytes) -> None:
    with pytest.raises(PeerUnreachable) as caught:
        ask(dripping(head, drop), timeout_s=SHORT_S, most_bytes=2000)
    assert caught.value.had == "too slow"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 1000,
    ],
    ids=["one byte", "without end"],
)
def test_request__of_an_answer_that_is_too_long__is_refused(answer: bytes) -> None:
    with pytest.raises(AnswerTooLarge) as caught:
        ask(answering(answer), most_bytes=100)
    assert caught.value.needed == "<= 100 bytes"


FULL = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"


@pytest.mark.parametrize("farewell", [True, False], ids=["announced", "broken off"])
def test_request__of_an_answer_cut_anywhere__is_never_taken_for_whole(farewell: bool) -> None:
    for cut in range(len(FULL)):
        with pytest.raises(AnswerTruncated):
            ask(answering(FULL[:cut], farewell=farewell))


def test_request__of_an_answer_without_length__is_malformed() -> None:
    with pytest.raises(AnswerMalformed):
        ask(answering(b"HTTP/1.1 200 OK\r\n\r\nis this all?"))


def test_request__that_is_refused_before_it_is_read__gives_the_refusal() -> None:
    def speak(wire: ssl.SSLSocket) -> None:
        wire.recv(100)
        wire.sendall(refusal(413, b'{"error": "TooLarge"}'))
        wire.shutdown(socket.SHUT_WR)
        while wire.recv(100_000):
            continue

    with RawServer(KEY, speak) as server, pytest.raises(PeerRefused) as caught:
        HttpClient().request(server.url, KEY.pin, "POST", "/", b"x" * 3_000_000, most_bytes=10)
    assert caught.value.error == {"error": "TooLarge"}


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nand more",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=["other protocol", "interim", "more", "status", "long header", "many headers"],
)
def test_request__of_what_is_no_http__is_malformed(answer: bytes) -> None:
    with pytest.raises(AnswerMalformed):
        ask(answering(answer))


def refusal(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


def test_request__that_is_refused__gives_the_servers_words() -> None:
    body = json.dumps({"error": "TooLate", "had": 12, "who": "index 3"}).encode()
    with pytest.raises(PeerRefused) as caught:
        ask(answering(refusal(409, body)))
    assert caught.value.status == 409
    assert caught.value.error == {"error": "TooLate", "had": "12", "who": "index 3"}


def test_request__that_is_redirected__does_not_follow() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(PeerRefused) as caught:
        ask(answering(head))
    assert caught.value.status == 302


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b"[" * 4000,
        b"{" + b'"a":' * 900 + b"1",
        b'{"what": {"nested": 1}}',
        b"<html>",
    ],
)
def test_request__refused_with_anything__keeps_no_words(body: bytes) -> None:
    with pytest.raises(PeerRefused) as caught:
        ask(answering(refusal(400, body)))
    assert caught.value.error == {}


def test_request__refused_with_hostile_words__keeps_them_short_and_printable() -> None:
    said = {f"n{i}": "\x1b[31m\n" + "x" * 300 for i in range(8)}
    with pytest.raises(PeerRefused) as caught:
        ask(answering(refusal(400, json.dumps(said).encode())))
    assert len(caught.value.error) <= 8
    assert all(len(text) <= 200 and text.isprintable() for text in caught.value.error.values())
    assert str(caught.value).isprintable()


def test_request__refused_at_length__reads_no_more_than_an_error_has() -> None:
    client = HttpClient()
    with (
        RawServer(KEY, answering(refusal(400, b"x" * 1_000_000))) as server,
        pytest.raises(PeerRefused),
    ):
        client.request(server.url, KEY.pin, "GET", "/", most_bytes=10)
    assert client.bytes_in <= 4097


def test_request__from_many_threads__counts_every_byte() -> None:
    client = HttpClient()
    answers: list[bytes] = []
    with RawServer(KEY, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")) as server:

        def run() -> None:
            for _ in range(5):
                body = client.request(server.url, KEY.pin, "POST", "/", b"12", most_bytes=4)
                answers.append(body)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [b"body"] * 20
    assert (client.bytes_in, client.bytes_out) == (80, 40)


def test_what_moved__is_what_the_other_end_has_and_not_what_the_system_was_given() -> None:
    ended, body = threading.Event(), bytes(32 * 2**20)
    with RawServer(KEY, lambda _: ended.wait(10) and None) as server:
        place = parse_endpoint(server.url)
        wire = connect(place, client_context(), time.monotonic() + SHORT_S)
        with contextlib.closing(wire), pytest.raises(TimeoutError):
            wire.sendall(body)
        assert 0 <= wire.moved() <= wire.sent < len(body)
        ended.set()
