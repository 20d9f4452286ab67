"""The server behind its limits: whoever sends too much, too slowly or too often is cut off."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput, Unrecoverable
from edgemark.logs import configure_logs, get_logger
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.faults import NotFound, PeerRefused
from edgemark.transport.ports import hold_ports
from edgemark.transport.serving.server import (
    Answered,
    HttpServer,
    Request,
    Response,
    Route,
    ServerFailed,
    ServerLimits,
)
from edgemark.transport.tls import TlsKey

KEY = TlsKey.generate()
QUICK = ServerLimits(header_s=1.5, body_s=0.5, handler_s=0.5)
PATIENCE_S = 15  # a test that waits longer than this for a short limit has failed


def refuse(request: Request) -> Response:
    kinds: dict[str, Callable[[], BaseException]] = {
        "input": lambda: RefusedInput("no", who="index 0", had=0, needed="1..6", remedy="count"),
        "missing": lambda: NotFound("nothing there"),
        "peer": lambda: PeerFault("forged", who="node"),
        "ledger": lambda: LedgerUnavailable("no answer", who="http://node/v3/api-key", had="key"),
        "state": lambda: Unrecoverable("disk", who="/var/node/secret.journal"),
        "bug": lambda: KeyError("secret-value"),
        "other": lambda: EdgemarkError("not now"),
    }
    raise kinds[request.params["kind"]]()


ROUTES = [
    Route("POST", "/echo", lambda request: Response(body=request.body), 1000),
    Route("GET", "/none", lambda request: Response(body=request.body), 0),
    Route("GET", "/refuse/{kind}", refuse, 0),
    Route(
        "PUT",
        "/v1/{what}/{which}",
        lambda request: Response(body=json.dumps([request.method, request.params]).encode()),
        10,
    ),
]


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with HttpServer(ROUTES, KEY) as running:
        yield running


@pytest.fixture(scope="module")
def quick_server() -> Iterator[HttpServer]:
    with HttpServer(ROUTES, KEY, limits=QUICK) as running:
        yield running


def ask(server: HttpServer, method: str, path: str, body: bytes = b"") -> bytes:
    return HttpClient().request(server.url, KEY.pin, method, path, body, most_bytes=10_000)


def open_wire(server: HttpServer) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection((server.host, server.port), timeout=PATIENCE_S)
    return context.wrap_socket(plain)


def read_to_end(wire: socket.socket) -> bytes:
    """All that comes until the other side closes; a test fails when it does not."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := wire.recv(4096):
            parts.append(part)
    return b"".join(parts)


def test_request__reaches_its_handler__with_body_and_parameters(server: HttpServer) -> None:
    assert ask(server, "POST", "/echo", b"abc") == b"abc"
    said = json.loads(ask(server, "PUT", "/v1/functions/f0"))
    assert said == ["PUT", {"what": "functions", "which": "f0"}]


def test_healthz__answers_everybody(server: HttpServer) -> None:
    assert json.loads(ask(server, "GET", "/healthz")) == {"healthy": True}


def test_server__counts_bodies_both_ways() -> None:
    with HttpServer(ROUTES, KEY) as counting:
        ask(counting, "POST", "/echo", b"12345")
        assert (counting.bytes_in, counting.bytes_out) == (5, 5)


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("input", 400, "RefusedInput"),
        ("missing", 404, "NotFound"),
        ("peer", 409, "PeerFault"),
        ("ledger", 503, "LedgerUnavailable"),
        ("state", 500, "InternalError"),
        ("bug", 500, "InternalError"),
        ("other", 500, "EdgemarkError"),
    ],
)
def test_handler__that_raises__becomes_a_status(
    server: HttpServer, kind: str, status: int, error: str
) -> None:
    with pytest.raises(PeerRefused) as caught:
        ask(server, "GET", f"/refuse/{kind}")
    assert (caught.value.status, caught.value.error["error"]) == (status, error)


def test_a_refusal__says_who_had_needed_and_what_to_do(server: HttpServer) -> None:
    with pytest.raises(PeerRefused) as caught:
        ask(server, "GET", "/refuse/input")
    assert caught.value.error == {
        "error": "RefusedInput",
        "what": "no",
        "who": "index 0",
        "had": "0",
        "needed": "1..6",
        "remedy": "count",
    }


@pytest.mark.parametrize("kind", ["ledger", "state", "bug"])
def test_a61_a_failure_inside__tells_a_stranger_nothing(server: HttpServer, kind: str) -> None:
    log = io.StringIO()
    configure_logs("debug", log)
    with pytest.raises(PeerRefused) as caught:
        ask(server, "GET", f"/refuse/{kind}")
    for hidden in ("api-key", "secret"):
        assert hidden not in str(caught.value.error)
        assert hidden not in log.getvalue()


def test_a_path_that_is_not_there__is_404(server: HttpServer) -> None:
    with pytest.raises(PeerRefused) as caught:
        ask(server, "GET", "/nowhere")
    assert caught.value.status == 404


def test_a_method_that_is_not_there__is_405(server: HttpServer) -> None:
    with pytest.raises(PeerRefused) as caught:
        ask(server, "GET", "/echo")
    assert caught.value.status == 405


def test_a_body_at_the_limit__passes_and_one_byte_more_is_413(server: HttpServer) -> None:
    assert len(ask(server, "POST", "/echo", b"x" * 1000)) == 1000
    with pytest.raises(PeerRefused) as caught:
        ask(server, "POST", "/echo", b"x" * 1001)
    assert caught.value.status == 413


def test_a_body_where_none_is_taken__is_413(server: HttpServer) -> None:
    with pytest.raises(PeerRefused) as caught:
        ask(server, "GET", "/none", b"x")
    assert caught.value.status == 413


def test_a_body_in_chunks__is_411_by_its_head(server: HttpServer) -> None:
    with open_wire(server) as wire:
        wire.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b" 411 " in wire.recv(4096)


def test_a_compressed_body__is_taken_as_it_is(server: HttpServer) -> None:
    with open_wire(server) as wire:
        wire.sendall(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: 4\r\nConnection: close\r\n\r\n\x1f\x8b\x08\x00"
        )
        assert read_to_end(wire).endswith(b"\x1f\x8b\x08\x00")


def test_a_header_line_that_is_too_long__is_400(server: HttpServer) -> None:
    with open_wire(server) as wire:
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n")
        assert re.match(rb"HTTP/1\.[01] 400 ", wire.recv(4096))


SILENT_AFTER = {
    "nothing": b"",
    "half a line": b"GET /hea",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "one request and no more": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
}


def test_connections_that_fall_silent__are_closed(quick_server: HttpServer) -> None:
    with contextlib.ExitStack() as held:
        for said in SILENT_AFTER.values():
            wire = held.enter_context(open_wire(quick_server))
            wire.sendall(said)
            held.callback(read_to_end, wire)


def test_a_body_that_drips__is_cut_off_as_408(quick_server: HttpServer) -> None:
    with open_wire(quick_server) as wire:
        wire.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n")
        dripping = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not dripping.wait(0.1):
                    wire.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        assert b" 408 " in read_to_end(wire)
        dripping.set()
        thread.join()


def test_a_connection_without_handshake__is_closed(quick_server: HttpServer) -> None:
    address = (quick_server.host, quick_server.port)
    with socket.create_connection(address, timeout=PATIENCE_S) as plain:
        read_to_end(plain)


def test_a_handler_that_takes_too_long__is_408() -> None:
    held = threading.Event()

    def wait(request: Request) -> Response:
        held.wait(PATIENCE_S)
        return Response()

    with HttpServer([Route("GET", "/", wait, 0)], KEY, limits=QUICK) as slow:
        with pytest.raises(PeerRefused) as caught:
            ask(slow, "GET", "/")
        held.set()
    assert caught.value.status == 408


def test_one_request_too_many__is_503_and_then_there_is_room_again() -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait(request: Request) -> Response:
        entered.set()
        leave.wait(PATIENCE_S)
        return Response(body=b"done")

    limits = ServerLimits(most_connections=1)
    with HttpServer([Route("GET", "/", wait, 0)], KEY, limits=limits) as small:
        answers: list[bytes] = []
        first = threading.Thread(target=lambda: answers.append(ask(small, "GET", "/")))
        first.start()
        assert entered.wait(PATIENCE_S)
        with pytest.raises(PeerRefused) as caught:
            ask(small, "GET", "/")
        leave.set()
        first.join()
        answers.append(ask(small, "GET", "/"))
    assert (caught.value.status, caught.value.error["error"]) == (503, "Overloaded")
    assert answers == [b"done", b"done"]


@pytest.mark.parametrize("shaken", [True, False], ids=["after the handshake", "before it"])
def test_for_one_connection_too_many__the_oldest_idle_one_gives_way(shaken: bool) -> None:
    limits = ServerLimits(most_sockets=3, peer_part=1.0, header_s=PATIENCE_S * 2)
    with HttpServer(ROUTES, KEY, limits=limits) as small, contextlib.ExitStack() as held:
        address = (small.host, small.port)
        wires: list[socket.socket] = []
        for _ in range(3):
            wire = (
                open_wire(small)
                if shaken
                else socket.create_connection(address, timeout=PATIENCE_S)
            )
            wires.append(held.enter_context(wire))
        assert has_room(small)
        assert read_to_end(wires[0]) == b""


def has_room(server: HttpServer) -> bool:
    """Whether it answers a new connection."""
    return bool(json.loads(ask(server, "GET", "/healthz")) == {"healthy": True})


def test_a_port_in_use__is_refused_by_name(server: HttpServer) -> None:
    second = HttpServer(ROUTES, KEY, port=server.port)
    with pytest.raises(ServerFailed) as caught:
        second.start()
    assert caught.value.who == f"127.0.0.1:{server.port}"
    assert ask(server, "POST", "/echo", b"still there") == b"still there"


def test_an_address_of_another_machine__is_refused_by_name() -> None:
    with pytest.raises(ServerFailed):
        HttpServer(ROUTES, KEY, host="192.0.2.1").start()


def test_a_name_that_nobody_has__is_refused_by_name() -> None:
    with pytest.raises(ServerFailed):
        HttpServer(ROUTES, KEY, host="host.invalid").start()


def test_a_server__listens_on_this_machine_only_unless_told_otherwise(server: HttpServer) -> None:
    assert server.host == "127.0.0.1"


def test_a_stopped_server__gives_its_port_back() -> None:
    with hold_ports(1) as held:
        for _ in range(2):
            with HttpServer(ROUTES, KEY, port=held.numbers[0]) as server:
                assert json.loads(ask(server, "GET", "/healthz")) == {"healthy": True}


def test_a_server_that_never_started__is_closed_like_any_other_and_twice() -> None:
    busy = {thread.name for thread in threading.enumerate()}
    server = HttpServer([], KEY)
    server.close()
    server.close()
    assert "http" not in {thread.name for thread in threading.enumerate()} - busy


def test_a_request_object__hides_the_body() -> None:
    request = Request("POST", "/", {}, b"secret", "127.0.0.1")
    assert "secret" not in repr(request)
    assert "secret" not in repr(Response(body=b"secret"))


def test_every_request__is_counted_once_by_its_route_and_never_by_its_path() -> None:
    seen: list[Answered] = []
    with HttpServer(ROUTES, KEY, on_answer=seen.append) as server:
        ask(server, "POST", "/echo", b"12345")
        for method, path in (("GET", "/refuse/input"), ("GET", "/strange/place"), ("PUT", "/none")):
            with contextlib.suppress(PeerRefused):
                ask(server, method, path)
    told = [(a.method, a.route, a.status, a.refusal, a.bytes_in) for a in seen]
    assert told == [
        ("POST", "/echo", 200, "", 5),
        ("GET", "/refuse/{kind}", 400, "RefusedInput", 0),
        ("other", "other", 404, "", 0),
        ("other", "other", 405, "", 0),
    ]
    assert seen[0].bytes_out == 5


def test_a_request__has_a_number_in_its_answer_and_on_the_lines_of_its_handler() -> None:
    def note(request: Request) -> Response:
        get_logger("node").info("taken")
        return Response(body=request.body)

    log = io.StringIO()
    configure_logs("debug", log)
    with HttpServer([Route("POST", "/note", note, 10)], KEY) as server:
        ask(server, "POST", "/note")
        ask(server, "POST", "/note")
    configure_logs("error")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    for event in ("taken", "request answered"):
        found = [line for line in lines if line["event"] == event]
        assert [line["request"] for line in found] == ["1", "2"]
        assert {line["peer"] for line in found} == {"127.0.0.1"}
