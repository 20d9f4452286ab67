"""TLS keys: made here, kept from others, pinned by the hash of the public key."""

from __future__ import annotations

import hashlib
import pickle
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import Unrecoverable
from edgemark.transport.faults import WrongCertificate
from edgemark.transport.tls import TlsKey, check_pin, spki_pin


def certificate_of(key: TlsKey, path: Path) -> bytes:
    key.save_new(path)
    return ssl.PEM_cert_to_DER_cert(path.read_text().split("KEY-----\n")[-1])


@pytest.fixture
def shown(tmp_path: Path) -> tuple[TlsKey, bytes]:
    key = TlsKey.generate()
    return key, certificate_of(key, tmp_path / "tls.pem")


def test_pin__is_the_sha256_of_the_subject_public_key_info(shown: tuple[TlsKey, bytes]) -> None:
    key, certificate = shown
    public = x509.load_der_x509_certificate(certificate).public_key()
    spki = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"
    assert key.pin == spki_pin(certificate) == hashlib.sha256(spki).digest()


def test_check_pin__of_the_registered_key__passes(shown: tuple[TlsKey, bytes]) -> None:
    key, certificate = shown
    check_pin(certificate, key.pin, "node")


def test_check_pin__of_another_key__says_both_pins(shown: tuple[TlsKey, bytes]) -> None:
    key, certificate = shown
    registered = TlsKey.generate().pin
    with pytest.raises(WrongCertificate) as caught:
        check_pin(certificate, registered, "node")
    assert caught.value.had == key.pin.hex()
    assert caught.value.needed == registered.hex()
    assert caught.value.who == "node"


@pytest.mark.parametrize("certificate", [None, b"", b"no certificate"])
def test_check_pin__without_a_certificate__is_refused(certificate: bytes | None) -> None:
    with pytest.raises(WrongCertificate):
        check_pin(certificate, TlsKey.generate().pin, "node")


def test_check_pin__with_an_empty_pin__is_refused() -> None:
    with pytest.raises(WrongCertificate):
        check_pin(None, b"", "a server that never registered a key")


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.integers(0, 400))
def test_check_pin__of_a_damaged_certificate__passes_or_names_the_server(
    at: int, bit: int, cut: int
) -> None:
    damaged = bytearray(CERTIFICATE)
    damaged[at % len(damaged)] ^= 1 << bit
    for certificate in (bytes(damaged), CERTIFICATE[: cut % len(CERTIFICATE)]):
        try:
            check_pin(certificate, KEY.pin, "node")
        except WrongCertificate as fault:
            assert fault.who == "node"


def test_load__gives_the_key_that_was_saved(tmp_path: Path) -> None:
    key = TlsKey.generate()
    assert key.save_new(tmp_path / "tls.pem")
    assert TlsKey.load(tmp_path / "tls.pem").pin == key.pin
    assert (tmp_path / "tls.pem").stat().st_mode & 0o777 == 0o600


def test_save_new__over_a_file_that_is_there__leaves_it(tmp_path: Path) -> None:
    first = TlsKey.generate()
    first.save_new(tmp_path / "tls.pem")
    assert not TlsKey.generate().save_new(tmp_path / "tls.pem")
    assert TlsKey.load(tmp_path / "tls.pem").pin == first.pin
    assert [path.name for path in tmp_path.iterdir()] == ["tls.pem"]


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\n", b"\xff"])
def test_load__of_something_else__is_unrecoverable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tls.pem").write_bytes(content)
    with pytest.raises(Unrecoverable, match=r"tls\.pem"):
        TlsKey.load(tmp_path / "tls.pem")


def test_load__of_a_key_with_the_certificate_of_another__is_unrecoverable(tmp_path: Path) -> None:
    parts = []
    for name in ("one.pem", "other.pem"):
        TlsKey.generate().save_new(tmp_path / name)
        parts.append((tmp_path / name).read_text().partition("-----BEGIN CERT"))
    (tmp_path / "mixed.pem").write_text(parts[0][0] + parts[1][1] + parts[1][2])
    with pytest.raises(Unrecoverable):
        TlsKey.load(tmp_path / "mixed.pem")


def test_load__of_a_key_on_another_curve__is_unrecoverable(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    TlsKey.generate().save_new(tmp_path / "tls.pem")
    certificate = (tmp_path / "tls.pem").read_bytes().split(b"KEY-----\n")[-1]
    (tmp_path / "tls.pem").write_bytes(pem + certificate)
    with pytest.raises(Unrecoverable):
        TlsKey.load(tmp_path / "tls.pem")


def test_server_context__speaks_nothing_older_than_tls_1_3() -> None:
    assert TlsKey.generate().server_context().minimum_version is ssl.TLSVersion.TLSv1_3


def test_a61_a_tls_key__never_prints_or_pickles(tmp_path: Path) -> None:
    key = TlsKey.generate()
    key.save_new(tmp_path / "tls.pem")
    loaded = serialization.load_pem_private_key((tmp_path / "tls.pem").read_bytes(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    secret = loaded.private_numbers().private_value
    shown = f"{key} {key!r} {[key]} {{{key}}}"
    for form in (str(secret), f"{secret:x}", "PRIVATE"):
        assert form not in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)


KEY = TlsKey.generate()


def _certificate(key: TlsKey) -> bytes:
    """As a client sees it, without a file."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = key.server_context().wrap_bio(incoming, outgoing, server_side=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client = context.wrap_bio(outgoing, incoming)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    certificate = client.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


CERTIFICATE = _certificate(KEY)
