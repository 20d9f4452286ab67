"""Pages for operators: this machine only, a few fixed paths, and nobody can hang them."""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator

import pytest

from edgemark.logs import configure_logs
from edgemark.metrics.page import MOST_AT_ONCE, Page, PageServer, PageServerFailed
from edgemark.transport.ports import hold_ports

SECRET = "4c0883a69102937d6231471b5dbb6204"


def fail() -> Page:
    raise KeyError(SECRET)


PAGES = {"/one": lambda: Page(200, "text/plain", b"first"), "/bad": fail}


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer(PAGES, 0) as running:
        yield running


def ask(
    server: PageServer, path: str, *, method: str = "GET", host: str | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {} if host is None else {"Host": host}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_page__is_answered(server: PageServer) -> None:
    assert ask(server, "/one") == (200, b"first")
    assert ask(server, "/one?x=1") == (200, b"first")
    assert server.url == f"http://127.0.0.1:{server.port}"


def test_head__has_the_headers_alone(server: PageServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for path, status, length in (("/one", 200, "5"), ("/other", 404, "17")):
        connection.request("HEAD", path)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Length"]) == (status, length)
        assert answer.read() == b""
        connection.close()


def test_another_path__is_told_which_there_are(server: PageServer) -> None:
    assert ask(server, "/other") == (404, b"pages: /bad /one\n")


def test_another_method__is_refused(server: PageServer) -> None:
    assert ask(server, "/one", method="POST")[0] == 501


def test_a_page_that_fails__is_a_500_that_tells_nothing(server: PageServer) -> None:
    log = io.StringIO()
    configure_logs("info", log)
    status, body = ask(server, "/bad")
    configure_logs("error")
    assert status == 500
    assert SECRET not in body.decode() + log.getvalue()
    assert '"kind": "KeyError"' in log.getvalue()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_machines_name__is_refused(server: PageServer, host: str) -> None:
    # a web page whose name was made to point here would otherwise read them
    assert ask(server, "/one", host=host)[0] == 421


def test_it_listens_on_the_loopback_address_only(server: PageServer) -> None:
    others = {
        entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    }
    for address in others - {"127.0.0.1"}:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert (address.startswith("127.")) or probe.connect_ex((str(address), server.port))


def test_a_port_in_use__is_named(server: PageServer) -> None:
    with pytest.raises(PageServerFailed, match=r"metrics\.port"):
        PageServer(PAGES, server.port)


def test_idle_connections__do_not_take_the_page_away(server: PageServer) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MOST_AT_ONCE + 5)]
    for wire in idle[5:]:
        wire.sendall(b"GET /one HTTP/1.1\r\nX: ")  # and no more
    assert ask(server, "/one") == (200, b"first")
    for wire in idle[:6]:
        assert wire.recv(1) == b""  # it gave way
    for wire in idle:
        wire.close()


def test_garbage__is_refused_and_the_next_is_answered(server: PageServer) -> None:
    for raw in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET /one\r\n" * 3, b"G" * 70_000 + b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as wire:
            wire.sendall(raw)
            wire.shutdown(socket.SHUT_WR)
            try:
                answer = wire.recv(200)
            except ConnectionResetError:
                answer = b""
        assert b"first" not in answer
    assert ask(server, "/one") == (200, b"first")


def test_after_close__the_port_is_free() -> None:
    with hold_ports(1) as held:
        server = PageServer(PAGES, held.numbers[0])
        server.close()
        server.close()
        with PageServer(PAGES, held.numbers[0]) as again:
            assert ask(again, "/one") == (200, b"first")
