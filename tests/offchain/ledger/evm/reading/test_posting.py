"""N1: whatever bytes come back over HTTP, they are an answer or a typed fault of the node."""

from __future__ import annotations

import gzip
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from edgemark.closing import Closing
from edgemark.errors import LedgerUnavailable
from edgemark.ledger.evm.faults import AnswerTooLarge, ConnectionLost
from edgemark.ledger.evm.reading import posting
from edgemark.ledger.evm.reading.node import ChainNode
from edgemark.ledger.evm.reading.posting import HttpPost

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ODD = [
    b"",
    b"\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 -1 no\r\n\r\n",
    b"HTTP/1.1 99999 no\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5e9\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: \xff\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X" * 70_000 + b": y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: \x00\x01\r\nContent-Length: 5\r\n\r\nhello",
    CHUNKED + b"-2\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"-1\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"ffffffffffffffffff\r\nhello\r\n",
    CHUNKED + b"5\r\nhello",
    CHUNKED + b"5" * 100_000,
    CHUNKED + b"0\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
]


def take_request(connection: socket.socket) -> None:
    """Read it whole: what is left unread resets the connection."""
    read = b""
    while not read.endswith(b"}"):
        read += connection.recv(65_536)


class RawServer(Closing):
    """Answers each connection with the next bytes, then ends it."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """End."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                take_request(connection)
                connection.sendall(self.answers.pop(0))


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as made:
        yield made


def ask(server: RawServer, answer: bytes) -> bytes:
    server.answers = [answer]
    return HttpPost(server.url, timeout_s=5.0)(b"{}").body


def test_n1_a_good_answer__is_read_whole(server: RawServer) -> None:
    assert ask(server, GOOD) == b"hello"
    assert ask(server, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n") == b"hello"


def test_n1_odd_bytes_in_place_of_an_answer__are_a_fault_of_the_node(server: RawServer) -> None:
    draw = random.Random(1)
    spoiled = []
    for answer in (GOOD, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"):
        for _ in range(60):
            place = draw.randrange(len(answer))
            spoiled.append(answer[:place] + draw.randbytes(draw.randrange(3)) + answer[place + 1 :])
    for answer in [*ODD, *spoiled]:
        server.answers = [answer]
        node = ChainNode(server.url, timeout_s=5.0, attempts=1)
        with pytest.raises(LedgerUnavailable):
            node.head()


@pytest.mark.parametrize("form", ["plain", "packed", "negative chunks"])
def test_n1_an_answer_above_the_bound__is_not_held(
    server: RawServer, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "MAX_ANSWER_BYTES", 100_000)
    much = bytes(10 * posting.MAX_ANSWER_BYTES)
    packed = gzip.compress(much)
    answers = {
        "plain": b"HTTP/1.1 200 OK\r\n\r\n" + much,
        "packed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed,
        "negative chunks": CHUNKED + b"-1\r\n" + much,
    }
    with pytest.raises((AnswerTooLarge, ConnectionLost)):
        ask(server, answers[form])


def test_n1_an_answer_that_comes_in_drops__is_given_up(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "WHOLE_ANSWER_S", -1.0)
    with pytest.raises(ConnectionLost):
        ask(server, GOOD)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nX-A: "], ids=["status", "header"])
def test_n1_headers_that_come_in_drops__are_given_up(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drops are small and soon: no wait for the next of them is ever over."""
    monkeypatch.setattr(posting, "WHOLE_ANSWER_S", 0.2)
    given_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                take_request(connection)
                connection.sendall(begun)
                for _ in range(2_000):
                    if given_up.wait(0.005):
                        return
                    connection.sendall(b"a")

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        with pytest.raises(ConnectionLost):
            HttpPost(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=30.0)(b"{}")
        assert dripping.is_alive()  # it was given up, not ended
        given_up.set()


def test_a_second_request_of_a_thread__takes_the_same_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        post = HttpPost(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=5.0)

        def serve_twice() -> None:
            connection, _ = listener.accept()
            with connection:
                for _ in range(2):
                    take_request(connection)
                    connection.sendall(GOOD)

        threading.Thread(target=serve_twice, daemon=True).start()
        assert [post(b"{}").body, post(b"{}").body] == [b"hello"] * 2


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("node.localhost", True),
        ("localhost.example.org", False),
        ("mylocalhost", False),
        ("10.0.0.1", False),
        ("[fe80::1]", False),
        ("example.org", False),
    ],
)
def test_n8_is_loopback__names_and_numbers(host: str, is_here: bool) -> None:
    assert posting.is_loopback(f"http://{host}:8545/path") is is_here


def test_n8_a_proxy_of_the_environment__is_not_asked_for_this_machine(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers.append(GOOD)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert HttpPost(server.url, timeout_s=5)(b"{}").body == b"hello"
