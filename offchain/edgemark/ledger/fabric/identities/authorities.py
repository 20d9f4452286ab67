"""A certificate authority on P-256: its own certificate, those that it issues, its revocations."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import ATTRIBUTES, MemberRole
from edgemark.ledger.fabric.wire.limits import MAX_CERTIFICATE_BYTES

LIFETIME = timedelta(days=3650)  # as cryptogen's
CLOCKS_DIFFER = timedelta(minutes=5)  # a certificate is good at once, also by a clock that is late
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_CHARS = 256
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
TLS_USES = (CLIENT, SERVER)


@dataclass(frozen=True)
class Authority:
    """A certificate authority.

    Attributes:
        certificate: its own.
        key: what it signs with.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def make(cls, name: str, domain: str, at: datetime) -> Authority:
        """A new one.

        Args:
            name: common name, as `ca.org1.example.com`.
            domain: of the organisation.
            at: the time now, with its zone.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name_of(name, organisation=domain)
        usage = _usage(certificates=True)
        first = at - CLOCKS_DIFFER
        builder = _begin(subject, subject, key.public_key(), first, first + LIFETIME)
        builder = (
            builder.add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage(TLS_USES), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_identifier_of(key.public_key()), critical=False)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    def issue(
        self,
        name: str,
        public_key: ec.EllipticCurvePublicKey,
        role: MemberRole,
        at: datetime,
        attributes: Mapping[str, str] | None = None,
        lasts: timedelta = LIFETIME,
    ) -> x509.Certificate:
        """The certificate of an identity.

        Args:
            name: common name.
            public_key: of the identity.
            role: becomes its one unit.
            at: the time now, with its zone.
            attributes: by name; written as Fabric CA writes them.
            lasts: how long it is good, >= 0; its CA's own end comes before.

        Raises:
            IdentityRefused: too many attributes, or too long ones.
        """
        subject = _name_of(name, unit=role.value)
        builder = self._begin_issued(subject, public_key, at, lasts)
        builder = builder.add_extension(_usage(), critical=True)
        if attributes:
            _check_attributes(attributes, name)
            raw = json.dumps({"attrs": dict(attributes)}, separators=(",", ":")).encode()
            builder = builder.add_extension(
                x509.UnrecognizedExtension(ATTRIBUTES, raw), critical=False
            )
        return self._sign(builder, name)

    def issue_tls(
        self,
        name: str,
        public_key: ec.EllipticCurvePublicKey,
        hosts: Sequence[str],
        at: datetime,
        uses: Sequence[x509.ObjectIdentifier] = TLS_USES,
    ) -> x509.Certificate:
        """The certificate of a TLS server or client.

        Args:
            name: common name.
            public_key: of it.
            hosts: names and addresses by which it is reached; none for a client.
            at: the time now, with its zone.
            uses: as what it counts, of TLS_USES.
        """
        builder = (
            self._begin_issued(_name_of(name), public_key, at)
            .add_extension(_usage(enciphers=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host_of(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return self._sign(builder, name)

    def list_revoked(self, revoked: Mapping[int, datetime], at: datetime) -> bytes:
        """A revocation list, PEM.

        Args:
            revoked: when each serial number was taken back.
            at: the time now, with its zone.
        """
        entries = [
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            for serial, when in sorted(revoked.items())
        ]
        # All at once: one that is added to a builder copies those before it.
        builder = x509.CertificateRevocationListBuilder(revoked_certificates=entries)
        builder = (
            builder.issuer_name(self.certificate.subject)
            .last_update(at)
            .next_update(at + LIFETIME)
            .add_extension(_issuer_of(self.certificate), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _begin_issued(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        at: datetime,
        lasts: timedelta = LIFETIME,
    ) -> x509.CertificateBuilder:
        own = self.certificate
        # One that begins before its CA does is refused by Fabric's peers, for ever.
        first = max(at - CLOCKS_DIFFER, own.not_valid_before_utc)
        last = min(first + lasts, own.not_valid_after_utc)
        builder = _begin(subject, own.subject, public_key, first, last)
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        return builder.add_extension(constraints, critical=True).add_extension(
            _issuer_of(self.certificate), critical=False
        )

    def _sign(self, builder: x509.CertificateBuilder, name: str) -> x509.Certificate:
        certificate = builder.sign(self.key, hashes.SHA256())
        size = len(certificate.public_bytes(Encoding.PEM))
        if size > MAX_CERTIFICATE_BYTES:
            needed = f"<= {MAX_CERTIFICATE_BYTES}"
            raise IdentityRefused(
                "certificate is too long", who=name, had=f"{size} bytes", needed=needed
            )
        return certificate


def pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PKCS 8 in PEM, without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem_of(certificate: x509.Certificate) -> bytes:
    """A certificate in PEM."""
    return certificate.public_bytes(Encoding.PEM)


def read_request(pem: bytes, who: str) -> ec.EllipticCurvePublicKey:
    """The key of a certificate request whose holder has shown that it has the private one.

    Raises:
        IdentityRefused: it is none, of another kind of key, or not signed by its own key.
    """
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        is_signed = request.is_signature_valid
    except (ValueError, TypeError) as error:
        needed = "a certificate request (PKCS 10) in PEM"
        raise IdentityRefused("is no request", who=who, needed=needed) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityRefused("asks for another kind of key", who=who, needed="P-256")
    if not is_signed:
        raise IdentityRefused("is not signed by its own key", who=who)
    return key


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    first: datetime,
    last: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
    )


def _name_of(name: str, *, organisation: str = "", unit: str = "") -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, organisation), (NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    said = [x509.NameAttribute(which, value) for which, value in parts if value]
    return x509.Name([*said, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, certificates: bool = False, enciphers: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=enciphers or certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _identifier_of(key: ec.EllipticCurvePublicKey) -> x509.SubjectKeyIdentifier:
    """SHA-256 of the point, by which Fabric's clients name a key."""
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return x509.SubjectKeyIdentifier(sha256(point).digest())


def _issuer_of(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound as error:
        name = certificate.subject.rfc4514_string()
        raise IdentityRefused("names no key of its own", who=name, needed="SKI") from error
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _host_of(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _check_attributes(attributes: Mapping[str, str], who: str) -> None:
    longest = max((len(text) for pair in attributes.items() for text in pair), default=0)
    if len(attributes) > MAX_ATTRIBUTES or longest > MAX_ATTRIBUTE_CHARS or "" in attributes:
        raise IdentityRefused(
            "attributes are too many, too long or without a name",
            who=who,
            had=f"{len(attributes)}, the longest text of {longest} characters",
            needed=f"<= {MAX_ATTRIBUTES}, of 1 .. {MAX_ATTRIBUTE_CHARS} characters",
        )
