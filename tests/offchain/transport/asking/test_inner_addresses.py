"""Endpoints that strangers name: nothing inside of a network is dialled, and nothing is learned."""

from __future__ import annotations

import socket

import pytest
from tests.offchain.transport.raw_server import RawServer, answering

from edgemark.transport.asking import deadline
from edgemark.transport.asking.deadline import is_inner
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.faults import PeerUnreachable, WrongCertificate
from edgemark.transport.ports import hold_ports
from edgemark.transport.tls import TlsKey

KEY, OTHER = TlsKey.generate(), TlsKey.generate()
GOOD = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::1",
    ],
)
def test_an_address_inside_of_a_network__is_told_from_one_outside(address: str) -> None:
    assert is_inner(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_outside__is_no_inner_one(address: str) -> None:
    assert not is_inner(address)


def ask(client: HttpClient, url: str) -> bytes:
    return client.request(url, KEY.pin, "GET", "/", most_bytes=100)


def test_a_name_that_resolves_to_an_inner_address__is_not_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialled: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: dialled.append(address))
    inner = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))]
    monkeypatch.setattr(deadline.socket, "getaddrinfo", lambda *_, **__: inner)
    with pytest.raises(PeerUnreachable):
        ask(HttpClient(timeout_s=2.0, is_outside=True), "https://seller.example")
    assert dialled == []


def test_whatever_is_at_an_endpoint_of_a_strangers__is_one_error_in_the_same_words() -> None:
    blind = HttpClient(timeout_s=1.0, is_blind=True)
    told: set[tuple[str, str, object]] = set()

    def note(client: HttpClient, url: str) -> None:
        with pytest.raises(PeerUnreachable) as caught:
            ask(client, url)
        told.add((type(caught.value).__name__, caught.value.what, caught.value.had))

    with hold_ports(1) as ports:
        note(blind, f"https://127.0.0.1:{ports.numbers[0]}")  # nobody listens
    with RawServer(OTHER, GOOD) as server:
        note(blind, server.url)  # somebody else
        note(HttpClient(timeout_s=1.0, is_blind=True, is_outside=True), server.url)
        with pytest.raises(WrongCertificate):
            ask(HttpClient(timeout_s=1.0), server.url)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # no TLS, and no answer
        note(blind, f"https://127.0.0.1:{mute.getsockname()[1]}")
    note(blind, "https://no-such-name.invalid")
    assert len(told) == 1
    with RawServer(KEY, GOOD) as server:
        assert ask(HttpClient(timeout_s=5.0, is_blind=True), server.url) == b"body"
