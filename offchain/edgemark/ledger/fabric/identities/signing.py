"""Signatures of identities: ECDSA on P-256 over SHA-256, DER, with the smaller of the two s.

Of (r, s) and (r, n - s) both verify: if both counted, a stranger could change a signed message's
bytes. Fabric takes the smaller alone, and so does `check_signature`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from fabric_protos.msp import identities_pb2

from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.wire.canonical import IDENTITY, is_in_order
from edgemark.ledger.fabric.wire.limits import MAX_CERTIFICATE_BYTES, MAX_IDENTITY_BYTES
from edgemark.ledger.fabric.wire.messages import parse

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
PEM_BEGINS = b"-----BEGIN"
_HASH = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True)
class Signer:
    """A certificate, its key, and the organisation that it belongs to.

    Attributes:
        msp_id: of the organisation.
        certificate: PEM, as it is sent.
        key: that belongs to it.
    """

    msp_id: str
    certificate: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @cached_property
    def identity(self) -> bytes:
        """`SerializedIdentity`: the creator of a proposal, the endorser of a response."""
        return make_identity(self.msp_id, self.certificate)

    def sign(self, message: bytes) -> bytes:
        """A signature over a message, DER."""
        signature = self.key.sign(message, _HASH)
        r, s = decode_dss_signature(signature)
        return signature if s <= ORDER // 2 else encode_dss_signature(r, ORDER - s)


def make_identity(msp_id: str, certificate: bytes) -> bytes:
    """`SerializedIdentity` of a certificate in PEM."""
    made: bytes = identities_pb2.SerializedIdentity(
        mspid=msp_id, id_bytes=certificate
    ).SerializeToString()
    return made


def parse_identity(raw: bytes) -> tuple[str, x509.Certificate]:
    """Organisation and certificate of a `SerializedIdentity`; whether they belong together is open.

    There is one organisation and one block of PEM in it: of two blocks a chaincode in Go or Node.js
    takes the first whatever it is, and of two organisations no reader shows both. And an endorser's
    identity stands behind what it signs without a border: so it begins with `0x0a` and has it once.

    Raises:
        MessageMalformed: it is none, or has fields out of order, unknown or twice.
        IdentityRefused: it is too long, or holds no certificate, several, or too long a one.
    """
    if len(raw) > MAX_IDENTITY_BYTES:
        had, needed = f"{len(raw)} bytes", f"<= {MAX_IDENTITY_BYTES}"
        raise IdentityRefused("identity is too long", who="identity", had=had, needed=needed)
    identity = parse(identities_pb2.SerializedIdentity, raw, "identity")
    if not is_in_order(raw, IDENTITY):
        needed = "organisation and certificate, once each, in this order"
        raise MessageMalformed("identity has other fields", who="identity", needed=needed)
    if identity.id_bytes.count(PEM_BEGINS) != 1:
        raise IdentityRefused(
            "has not one block of PEM",
            who=f"{identity.mspid[:64]} identity",
            had=identity.id_bytes.count(PEM_BEGINS),
            needed="one certificate, without its CA's",
        )
    return identity.mspid, parse_certificate(identity.id_bytes, identity.mspid)


@lru_cache(maxsize=1024)
def parse_certificate(pem: bytes, who: str) -> x509.Certificate:
    """A certificate in PEM, of which all can be read; `who` is whose it is, for the error.

    Raises:
        IdentityRefused: it is none, too long a one, or holds what nobody can read.
    """
    if len(pem) > MAX_CERTIFICATE_BYTES:
        raise IdentityRefused(
            "certificate is too long",
            who=who,
            had=f"{len(pem)} bytes",
            needed=f"<= {MAX_CERTIFICATE_BYTES}",
        )
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise IdentityRefused("is no certificate", who=who, needed="X.509 in PEM") from error
    _check_readable(certificate, who)
    return certificate


def _check_readable(certificate: x509.Certificate, who: str) -> None:
    """Read all that is asked for later: a certificate is parsed piece by piece, as one asks."""
    try:
        for each in (certificate.subject, certificate.issuer, certificate.extensions):
            list(each)
        _ = certificate.serial_number, certificate.not_valid_before_utc
        _ = certificate.not_valid_after_utc
    except Exception as error:  # a stranger's bytes, and a parser's own errors
        raise IdentityRefused(
            "certificate holds what cannot be read", who=who, had=type(error).__name__
        ) from error


def public_key_of(certificate: x509.Certificate, who: str) -> ec.EllipticCurvePublicKey:
    """Its key, on P-256.

    Raises:
        IdentityRefused: its key is another kind.
    """
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IdentityRefused("certificate has no usable key", who=who, needed="P-256") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityRefused("certificate has another kind of key", who=who, needed="P-256")
    return key


def check_signature(
    certificate: x509.Certificate, message: bytes, signature: bytes, who: str
) -> None:
    """Check a signature by the key of a certificate.

    Raises:
        IdentityRefused: it is another's, over another message, or has the larger s.
    """
    key = public_key_of(certificate, who)
    try:
        _, s = decode_dss_signature(signature)
        is_low = s <= ORDER // 2
        key.verify(signature, message, _HASH)
    except (ValueError, InvalidSignature) as error:
        raise IdentityRefused("signature is wrong", who=who) from error
    if not is_low:
        raise IdentityRefused("signature has the larger s", who=who, needed="the smaller one")


def load_key(pem: bytes, who: str) -> ec.EllipticCurvePrivateKey:
    """A private key in PEM, without a passphrase.

    Raises:
        IdentityRefused: it is none on P-256.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IdentityRefused("is no private key", who=who, needed="PKCS 8 in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityRefused("is another kind of key", who=who, needed="P-256")
    return key
