"""Certificates of a chaincode's callers, as a clock's: with attributes, or without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from edgemark_chaincode.clock import ATTRIBUTE
from edgemark_chaincode.shim.creator import ATTRIBUTES


def certify(attributes: Mapping[str, str] | None, unit: str = "client") -> bytes:
    """A certificate; who issued it is the peer's to check, so it issues itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "a clock"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        ]
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    if attributes is not None:
        raw = json.dumps({"attrs": attributes}).encode()
        made = made.add_extension(x509.UnrecognizedExtension(ATTRIBUTES, raw), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


CLOCK = certify({ATTRIBUTE: "true"})
