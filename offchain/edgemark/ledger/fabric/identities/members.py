"""Who belongs to an organisation, in which role, with which attributes: what an MSP decides.

A member's certificate is signed by a CA of the organisation (one step: no intermediate CA), has a
key on P-256, and exactly one of the four units client, peer, admin, orderer (NodeOUs). Attributes
stand in Fabric CA's extension. Expiry is checked where `at` is given, at the doors, and never in
validation: else a ledger would find another truth when a certificate has expired.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.signing import parse_identity, public_key_of

MAX_KNOWN = 1024  # members whose certificates were checked, kept
OTHER_CA, REVOKED = "was issued by another CA", "was revoked"
EXPIRED, ROLES = "has expired", "has not one role"
ATTRIBUTES = ObjectIdentifier("1.2.3.4.5.6.7.8.1")


class MemberRole(StrEnum):
    """What a certificate's unit says its holder is."""

    CLIENT = "client"
    PEER = "peer"
    ADMIN = "admin"
    ORDERER = "orderer"


@dataclass(frozen=True)
class Member:
    """Somebody of an organisation.

    Attributes:
        msp_id: of the organisation.
        role: of the certificate.
        certificate: DER; with `msp_id` it tells this member from every other.
        attributes: of the certificate.
    """

    msp_id: str
    role: MemberRole
    certificate: bytes
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Organisation:
    """What an organisation's members have in common.

    Attributes:
        msp_id: its name on the ledger.
        roots: certificates of its CAs.
        revoked: serial numbers that it took back, by its CRLs.
        tls_roots: certificates of the CAs of its servers' TLS.
        revocations: its CRLs, PEM.
    """

    msp_id: str
    roots: tuple[x509.Certificate, ...]
    revoked: frozenset[int] = frozenset()
    tls_roots: tuple[x509.Certificate, ...] = ()
    revocations: tuple[bytes, ...] = ()

    def __hash__(self) -> int:
        """Of its name: two states of one organisation are told apart by what they hold."""
        return hash(self.msp_id)

    def admit(self, identity: bytes, *, at: datetime | None) -> Member:
        """The member that a `SerializedIdentity` names.

        Args:
            identity: as it was sent.
            at: time at which its certificate must not have expired, with its zone; None for any.

        Raises:
            MessageMalformed: it is no identity.
            IdentityRefused: of another organisation or CA, revoked, expired, of no or two roles.
        """
        member, certificate = _admit(self, identity)
        if at is not None:
            _check_valid_at(certificate, at, _who(member.msp_id))
        return member

    def check_issued(self, certificate: x509.Certificate, who: str) -> None:
        """Check that one of its CAs issued a certificate, which is none of a CA.

        Raises:
            IdentityRefused: it is another's.
        """
        for root in self.roots:
            try:
                certificate.verify_directly_issued_by(root)
            except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
                continue
            _check_is_no_authority(certificate, who)
            return
        raise IdentityRefused(OTHER_CA, who=who, needed=f"that of {self.msp_id}")


@lru_cache(maxsize=MAX_KNOWN)
def _admit(organisation: Organisation, identity: bytes) -> tuple[Member, x509.Certificate]:
    """Who that is at any time; each of them speaks many times."""
    msp_id, certificate = parse_identity(identity)
    who = _who(msp_id)
    if msp_id != organisation.msp_id:
        raise IdentityRefused("is of another organisation", who=who, needed=organisation.msp_id)
    public_key_of(certificate, who)
    organisation.check_issued(certificate, who)
    if certificate.serial_number in organisation.revoked:
        serial = f"serial number {certificate.serial_number:x}"
        raise IdentityRefused(REVOKED, who=who, had=serial)
    member = Member(
        msp_id=msp_id,
        role=read_role(certificate, who),
        certificate=certificate.public_bytes(Encoding.DER),
        attributes=read_attributes(certificate, who),
    )
    return member, certificate


def _who(msp_id: str) -> str:
    return f"{msp_id[:64]} certificate"


def _check_is_no_authority(certificate: x509.Certificate, who: str) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return
    except ValueError as error:
        raise IdentityRefused("has an extension that cannot be read", who=who) from error
    if constraints.value.ca:
        raise IdentityRefused("is a CA's own", who=who, needed="a member's")


def has_expired(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether a certificate is no longer good at a peer's door.

    Only the end counts, as for Fabric's peers: a clock that is behind keeps nobody out. In its last
    second it is good; Fabric's orderer takes that for its end.
    """
    return at > certificate.not_valid_after_utc


def _check_valid_at(certificate: x509.Certificate, at: datetime, who: str) -> None:
    if has_expired(certificate, at):
        needed = f"<= {certificate.not_valid_after_utc.isoformat()}"
        raise IdentityRefused(EXPIRED, who=who, had=at.isoformat(), needed=needed)


def read_role(certificate: x509.Certificate, who: str) -> MemberRole:
    """The one role of a certificate.

    Raises:
        IdentityRefused: it has none, or more than one.
    """
    known = {role.value: role for role in MemberRole}
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    roles = [known[str(unit.value)] for unit in units if str(unit.value) in known]
    if len(roles) != 1:
        needed = f"exactly one of {', '.join(known)}"
        had = ", ".join(roles) or "none"
        raise IdentityRefused(ROLES, who=who, had=had, needed=needed)
    return roles[0]


def read_attributes(certificate: x509.Certificate, who: str) -> dict[str, str]:
    """The attributes of a certificate, as Fabric CA writes them: `{"attrs": {name: value}}`.

    Raises:
        IdentityRefused: the extension is there and cannot be read.
    """
    try:
        found = certificate.extensions.get_extension_for_oid(ATTRIBUTES).value
        raw = found.value if isinstance(found, x509.UnrecognizedExtension) else b""
        attributes = json.loads(raw)["attrs"]
        if not all(isinstance(value, str) for value in attributes.values()):
            raise TypeError
    except x509.ExtensionNotFound:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IdentityRefused("has attributes that cannot be read", who=who) from error
    return dict(attributes)
