"""Certificates of strangers: whatever stands in one, it is read or refused by name."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import example, given
from hypothesis import strategies as st

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import Organisation, read_attributes, read_role
from edgemark.ledger.fabric.identities.signing import make_identity, parse_certificate

MSP_ID = "Org1MSP"
UNIT, YEAR, NAME = b"\x0c\x06client", b"99991231", b"\x82\x02aa"
ONE, OTHER = (ObjectIdentifier(f"1.2.3.{last}") for last in (4, 5))
# What is put in another's place, byte by byte; OpenSSL would make none of them.
STRANGE = {
    "a year that no calendar has": (YEAR, b"00001231"),
    "one extension twice": (b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04"),
    "a name of X.400": (NAME, b"\xa3\x02\x30\x00"),
    "a name of EDI": (NAME, b"\xa5\x02\xa1\x00"),
    "a unit of broken UTF-8": (UNIT, b"\x0c\x06\xff\xfeient"),
    "a unit of bits": (UNIT, b"\x03\x06\x00lient"),
    "a unit that is a number": (UNIT, b"\x02\x06client"),
}


@cache
def made() -> bytes:
    """DER of a certificate in which each of `STRANGE` has its place."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "client")])
    built = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key()
    )
    built = built.serial_number(7).not_valid_before(datetime.now(UTC) - timedelta(days=1))
    built = built.not_valid_after(datetime(9999, 12, 31, tzinfo=UTC))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("aa")]), critical=False)
    for each in (ONE, OTHER):
        built = built.add_extension(x509.UnrecognizedExtension(each, b"x"), critical=False)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def pem_of(der: bytes) -> bytes:
    text = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"


def read_all(der: bytes) -> None:
    """What the doors and validation ask of somebody's certificate."""
    certificate = parse_certificate(pem_of(der), "it")
    read_role(certificate, "it")
    read_attributes(certificate, "it")


def test_certificate_as_it_was_made__is_read() -> None:
    read_all(made())


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_certificate__is_refused(strange: str) -> None:
    had, put = STRANGE[strange]
    assert made().count(had) >= 1
    assert len(had) == len(put)
    der = made().replace(had, put)
    with pytest.raises(IdentityRefused):
        read_all(der)
    root = parse_certificate(pem_of(made()), "its own")
    with pytest.raises(IdentityRefused, match="cannot be read"):
        Organisation(MSP_ID, (root,)).admit(make_identity(MSP_ID, pem_of(der)), at=None)


@example(place=4, put=b"")
@given(place=st.integers(min_value=0), put=st.binary(max_size=4))
def test_certificate_changed_anywhere__is_read_or_refused(place: int, put: bytes) -> None:
    place %= len(made())
    changed = made()[:place] + put + made()[place + len(put) :]
    try:
        read_all(changed)
    except EdgemarkError:
        return
