"""F3: whatever a peer answers becomes its fault, and no more of it is read than was agreed."""

from __future__ import annotations

import contextlib
import random
from collections import Counter

import pytest
from tests.offchain.transport import planted_client
from tests.offchain.transport.asking.strange_answers import MOST_BODY, SEED, StrangeWire, draw_wires
from tests.offchain.transport.raw_server import RawServer, answering

from edgemark.errors import PeerFault
from edgemark.transport.asking import http as client_module
from edgemark.transport.asking.answers import MAX_HEAD_BYTES, read_answer
from edgemark.transport.asking.http import MAX_ERROR_BYTES, HttpClient
from edgemark.transport.faults import AnswerMalformed, AnswerTooLarge, PeerRefused, PeerUnreachable
from edgemark.transport.tls import TlsKey

KEY = TlsKey.generate()
COUNT = 10_000
MOST_READ = MAX_HEAD_BYTES + MOST_BODY  # an error's body is no longer


class Dialled:
    """A connection as `connect` gives it: shaken hands, the right key shown."""

    def __init__(self, wire: StrangeWire) -> None:
        self.recv_into = wire.recv_into
        self.moved = lambda: wire.read

    def getpeercert(self, *, binary_form: bool) -> bytes:
        """The key that the client expects."""
        assert binary_form
        return KEY.certificate

    def sendall(self, data: bytes) -> None:
        """A peer that takes everything."""

    def close(self) -> None:
        """Nothing is held."""


def ask_all(monkeypatch: pytest.MonkeyPatch, count: int) -> tuple[Counter[str], int]:
    """Ask so many strange peers: how it ended, and the most that was read of one answer."""
    client, ends, most = HttpClient(), Counter[str](), 0
    at_hand: list[StrangeWire] = []
    monkeypatch.setattr(client_module, "connect", lambda *_, **__: Dialled(at_hand[-1]))
    for wire in draw_wires(count):
        at_hand[:] = [wire]
        try:
            client.request(
                "https://127.0.0.1:1", KEY.pin, "POST", "/x", b"hi", most_bytes=MOST_BODY
            )
            ends["answer"] += 1
        except PeerFault as fault:
            ends[type(fault).__name__] += 1
        except Exception as error:  # noqa: BLE001 - what it is, is what is tested
            ends[f"UNTYPED {type(error).__name__}"] += 1
        most = max(most, wire.read)
    return ends, most


def test_f3_ten_thousand_strange_answers__are_faults_of_the_peer_and_read_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caught: list[str] = []
    monkeypatch.setattr(client_module._log, "warning", lambda event, **_: caught.append(event))
    ends, most = ask_all(monkeypatch, COUNT)
    assert [end for end in ends if end.startswith("UNTYPED")] == []
    assert most <= MOST_READ
    assert caught == []  # nothing came as far as the net below the parser
    wanted = {"answer", "AnswerMalformed", "AnswerTooLarge", "AnswerTruncated", "PeerRefused"}
    assert wanted <= set(ends)
    assert min(ends[end] for end in wanted) > 20


def test_f3_the_planted_client__lets_exceptions_through_and_reads_without_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "read_answer", planted_client.read_answer)
    monkeypatch.setattr(client_module, "_door", contextlib.nullcontext)
    ends, most = ask_all(monkeypatch, COUNT // 10)
    assert ends["UNTYPED ValueError"] > 0
    assert most > 10 * MOST_READ


@pytest.mark.parametrize("size", [b"-2", b"-1"])
def test_f3_a_negative_chunk__is_a_fault_of_the_peer(size: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        RawServer(KEY, answering(head, size + b"\r\n", b"x" * 100_000)) as server,
        pytest.raises(AnswerMalformed) as caught,
    ):
        HttpClient().request(server.url, KEY.pin, "POST", "/x", b"hi", most_bytes=MOST_BODY)
    assert caught.value.had == "transfer-encoding"


def test_f3_an_answer_too_long_by_its_head__is_refused_before_a_byte_of_it_is_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1)
    wire = StrangeWire(head, random.Random(SEED), endless=True)
    with pytest.raises(AnswerTooLarge):
        read_answer(wire, "node", most_bytes=MOST_BODY, most_error_bytes=MAX_ERROR_BYTES)
    assert wire.read <= MAX_HEAD_BYTES


@pytest.mark.parametrize("error", [ValueError("secret"), MemoryError(), IndexError(), RuntimeError])
def test_f3_an_exception_that_nobody_thought_of__is_a_fault_of_the_peer(
    monkeypatch: pytest.MonkeyPatch, error: Exception | type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(client_module, "connect", fail)
    with pytest.raises(AnswerMalformed) as caught:
        HttpClient().request("https://127.0.0.1:1", KEY.pin, "GET", "/", most_bytes=1)
    assert "secret" not in str(caught.value)


def test_f3_refusals_and_silence__keep_their_types() -> None:
    refusal = b"HTTP/1.1 404 \xe2\x98\x83\r\nContent-Length: 0\r\n\r\n"
    with RawServer(KEY, answering(refusal)) as server, pytest.raises(PeerRefused):
        HttpClient().request(server.url, KEY.pin, "GET", "/", most_bytes=1)
    with RawServer(KEY, answering()) as server, pytest.raises(PeerUnreachable):
        HttpClient().request(server.url, KEY.pin, "GET", "/", most_bytes=1)
