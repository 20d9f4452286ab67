"""TLS of chaincode processes: made once, whole, its owner's alone, and good on both sides."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.ledger.fabric.lifecycle.host_tls import (
    FOLDER,
    HOST,
    HOST_KEY,
    PEER,
    PEER_KEY,
    ROOT,
    HostTls,
)
from edgemark.ledger.fabric.packages.connection import parse_connection
from edgemark.ledger.fabric.packages.making import make_connection

ADDRESS = "127.0.0.1:7052"


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """A handshake between two sides that are in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(to_client, to_server, server_hostname=name)
    answers = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (asks, answers):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    asks.do_handshake()
    answers.do_handshake()


def sides(tls: HostTls, of: HostTls | None = None) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A process of `tls` that asks for a certificate, and a peer of `of`."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tls.folder / HOST, tls.folder / HOST_KEY)
    server.load_verify_locations(tls.folder / ROOT)
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(tls.folder / ROOT)
    whose = tls if of is None else of
    client.load_cert_chain(whose.folder / PEER, whose.folder / PEER_KEY)
    return server, client


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_process_and_peer__know_each_other(tmp_path: Path, name: str) -> None:
    shake(*sides(HostTls.make(tmp_path)), name)


def test_peer_and_process_of_others__are_strangers(tmp_path: Path) -> None:
    own, other = HostTls.make(tmp_path / "own"), HostTls.make(tmp_path / "other")
    with pytest.raises(ssl.SSLError):
        shake(*sides(own, of=other), "localhost")
    with pytest.raises(ssl.SSLError):
        shake(sides(other)[0], sides(own)[1], "localhost")


def test_process_as_a_peer_and_peer_as_a_process__are_refused(tmp_path: Path) -> None:
    tls = HostTls.make(tmp_path)
    server, client = sides(tls)
    client.load_cert_chain(tls.folder / HOST, tls.folder / HOST_KEY)
    with pytest.raises(ssl.SSLError):
        shake(server, client, "localhost")
    server, client = sides(tls)
    server.load_cert_chain(tls.folder / PEER, tls.folder / PEER_KEY)
    client.check_hostname = False  # its certificate names no place: that alone would refuse it
    with pytest.raises(ssl.SSLError):
        shake(server, client, "localhost")


def test_made_once__and_the_package_says_the_same_ever_after(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="is not there"):
        HostTls.of(tmp_path)
    said = make_connection(HostTls.make(tmp_path).connection(ADDRESS, 3.0))
    assert make_connection(HostTls.make(tmp_path).connection(ADDRESS, 3.0)) == said
    found = parse_connection(said)
    assert x509.load_pem_x509_certificate(found.client_cert)
    assert found.client_key == (tmp_path / FOLDER / PEER_KEY).read_bytes()


def test_half_made__is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / f"{FOLDER}.part"
    half.mkdir()
    (half / ROOT).write_bytes(b"half")
    shake(*sides(HostTls.make(tmp_path)), "localhost")
    assert not half.exists()


def test_key_that_others_can_read__is_refused(tmp_path: Path) -> None:
    tls = HostTls.make(tmp_path)
    (tls.folder / HOST_KEY).chmod(0o644)
    with pytest.raises(Unrecoverable, match="others can open it"):
        HostTls.of(tmp_path)


def test_file_that_is_missing__is_told(tmp_path: Path) -> None:
    tls = HostTls.make(tmp_path)
    (tls.folder / PEER).unlink()
    with pytest.raises(RefusedInput, match="cannot be read"):
        tls.connection(ADDRESS, 3.0)
