"""Who signed a proposal: organisation, role and attributes, read alike by every endorser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.fabric.identities.authorities import Authority, pem_of
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark_chaincode.shim.creator import ATTRIBUTES, MAX_CERTIFICATE_BYTES, ClientIdentity
from edgemark_chaincode.shim.faults import CallRefused

AT = datetime(2026, 11, 30, tzinfo=UTC)


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def issued(role: MemberRole, attributes: Mapping[str, str]) -> ClientIdentity:
    """By the authority of a development ledger."""
    authority = Authority.make("ca.example.com", "example.com", AT)
    made = authority.issue("somebody", key().public_key(), role, AT, attributes)
    return ClientIdentity("Org1MSP", pem_of(made))


def with_extension(raw: bytes) -> ClientIdentity:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    made = (
        x509.CertificateBuilder(name, name, key().public_key(), 7, AT, AT.replace(year=2030))
        .add_extension(x509.UnrecognizedExtension(ATTRIBUTES, raw), critical=False)
        .sign(key(), hashes.SHA256())
    )
    return ClientIdentity("Org1MSP", made.public_bytes(Encoding.PEM))


def test_role_and_attributes__are_those_that_the_authority_wrote() -> None:
    client = issued(MemberRole.CLIENT, {"edgemark.clock": "true", "site": "Zürich"})
    assert client.attributes == {"edgemark.clock": "true", "site": "Zürich"}
    assert client.units == ("client",)
    client.check_attribute("edgemark.clock", "true")
    client.check_attribute("site")
    client.check_unit("client")
    assert issued(MemberRole.ADMIN, {}).attributes == {}


def test_what_a_certificate_has_not__is_refused() -> None:
    client = issued(MemberRole.CLIENT, {"site": "Zürich"})
    for name, value in (("site", "Bern"), ("edgemark.clock", None), ("", "")):
        with pytest.raises(CallRefused, match="has not the attribute"):
            client.check_attribute(name, value)
    with pytest.raises(CallRefused, match="has another role"):
        client.check_unit("admin")


def test_pem_around_a_certificate__changes_nothing() -> None:
    client = issued(MemberRole.CLIENT, {})
    noisy = b"said before\n" + client.certificate_pem.replace(b"\n", b"\r\n") + b"\n\n"
    assert ClientIdentity("Org1MSP", noisy).der == client.der


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"attrs": 1}',
        b'{"attrs": {"a": 1}}',
        b'{"attrs": ["a"]}',
        b"[" * 5_000,
        json.dumps({"attrs": {"a": None}}).encode(),
    ],
)
def test_attributes_that_cannot_be_read__are_refused(raw: bytes) -> None:
    with pytest.raises(CallRefused, match="attributes that cannot be read"):
        with_extension(raw).check_attribute("a")


@pytest.mark.parametrize("raw", [b"", b"PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate__is_refused(raw: bytes) -> None:
    with pytest.raises(CallRefused, match="cannot be read"):
        ClientIdentity("Org1MSP", raw).check_unit("client")


def test_a_certificate_that_is_too_large__is_refused() -> None:
    pem = issued(MemberRole.CLIENT, {}).certificate_pem
    with pytest.raises(CallRefused, match="is too large"):
        ClientIdentity("Org1MSP", pem + b" " * MAX_CERTIFICATE_BYTES).check_unit("client")


@given(st.integers(0, 2_000), st.integers(1, 255))
def test_a_changed_certificate__is_read_or_refused(place: int, change: int) -> None:
    raw = bytearray(_PEM)
    raw[place % len(raw)] ^= change
    client = ClientIdentity("Org1MSP", bytes(raw))
    with suppress(CallRefused):
        assert isinstance(client.attributes, dict) and isinstance(client.units, tuple)


_PEM = issued(MemberRole.CLIENT, {"a": "b"}).certificate_pem
