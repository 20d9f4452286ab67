"""TLS keys: P-256, self-signed, pinned by the hash of the public key.

No certificate authority takes part: the chain says which key a server shows. The pin is the
SHA-256 of the SubjectPublicKeyInfo (RFC 7469), so a new certificate with the same key still fits.
"""

from __future__ import annotations

import datetime
import hmac
import os
import ssl
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgemark.errors import Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, write_new, write_whole
from edgemark.identifiers import Hash32
from edgemark.transport.faults import WrongCertificate

OUR_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edgemark server")])
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
NOT_BEFORE = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
NOT_AFTER = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)  # RFC 5280 4.1.2.5: no end


class TlsKey:
    """A server's P-256 key and its certificate; the key never prints.

    Attributes:
        certificate: what is shown to everybody, DER.
        pin: SHA-256 of its SubjectPublicKeyInfo.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate
        self.certificate = certificate.public_bytes(serialization.Encoding.DER)
        self.pin = spki_pin(self.certificate)

    def __repr__(self) -> str:
        return f"TlsKey(pin={self.pin.hex()})"

    @classmethod
    def generate(cls) -> TlsKey:
        """A fresh key with a self-signed certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(OUR_NAME)
            .issuer_name(OUR_NAME)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOT_BEFORE)
            .not_valid_after(NOT_AFTER)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @classmethod
    def load(cls, path: Path) -> TlsKey:
        """Read what `save_new` wrote.

        Raises:
            Unrecoverable: the file holds no P-256 key with its certificate, or one was changed.
        """
        raw = path.read_bytes()
        try:
            key = serialization.load_pem_private_key(raw, password=None)
            certificate = x509.load_pem_x509_certificate(raw)
            if isinstance(key, ec.EllipticCurvePrivateKey) and _belong(key, certificate):
                return cls(key, certificate)
        except (*UNREADABLE, InvalidSignature):
            pass
        raise Unrecoverable(
            "holds no P-256 key with its certificate",
            who=path,
            remedy="It was changed, or is another file: restore it.",
        )

    def save(self, path: Path) -> None:
        """Write key and certificate, for the owner only, in place of what is there."""
        write_whole(path, self._pem(), mode=OWNER_ONLY_FILE)

    def save_new(self, path: Path) -> bool:
        """Write key and certificate, for the owner only; False when a file is there already."""
        return write_new(path, self._pem(), mode=OWNER_ONLY_FILE)

    def server_context(self) -> ssl.SSLContext:
        """TLS 1.3 with this key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # The API takes a path: memory that has one, so that the key is never on a disk twice.
        memory = os.memfd_create("tls", os.MFD_CLOEXEC)
        try:
            os.write(memory, self._pem())
            context.load_cert_chain(f"/proc/self/fd/{memory}")
        finally:
            os.close(memory)
        return context

    def _pem(self) -> bytes:
        secret = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return secret + self._certificate.public_bytes(serialization.Encoding.PEM)


def _belong(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bool:
    """Whether this is a P-256 key and its certificate.

    Raises:
        InvalidSignature: a certificate of ours is not as its key signed it. Others: as `spki_pin`.
    """
    if not isinstance(key.curve, ec.SECP256R1) or certificate.public_key() != key.public_key():
        return False
    if OUR_NAME in (certificate.issuer, certificate.subject):
        certificate.verify_directly_issued_by(certificate)
    return True


def spki_pin(certificate_der: bytes) -> Hash32:
    """SHA-256 of the SubjectPublicKeyInfo of a certificate.

    Raises:
        ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion: not a readable one.
    """
    public = x509.load_der_x509_certificate(certificate_der).public_key()
    spki = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Hash32(sha256(spki).digest())


def check_pin(certificate_der: bytes | None, pin: bytes, who: str) -> None:
    """Check that a server showed the key that it registered.

    Raises:
        WrongCertificate: another key, or none that can be read.
    """
    try:
        shown = spki_pin(certificate_der or b"")
    except UNREADABLE:
        shown = None
    if shown is None or not hmac.compare_digest(shown, pin):
        raise WrongCertificate(
            "shows another TLS key than the one it registered",
            who=who,
            had="no readable certificate" if shown is None else shown.hex(),
            needed=bytes(pin).hex(),
            remedy="Nothing was sent. Look whether the server rotated its key.",
        )
