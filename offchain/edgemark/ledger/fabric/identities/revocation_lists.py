"""Revocation lists: which serial numbers a CA took back, and how much an organisation may list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.wire.limits import MAX_REVOCATIONS_BYTES


class RevocationList(NamedTuple):
    """One list.

    Attributes:
        raw: PEM.
        revoked: when each serial number was taken back.
    """

    raw: bytes
    revoked: dict[int, datetime]


def read_revoked(
    lists: Collection[bytes], roots: Sequence[x509.Certificate], who: str
) -> frozenset[int]:
    """Serial numbers in the revocation lists of an organisation.

    Args:
        lists: PEM, all that it has.
        roots: certificates of its CAs.
        who: the organisation, for the error.

    Raises:
        IdentityRefused: one is no list, is another CA's, or they are too long.
    """
    check_room(lists, who)
    found = [parse_revocation_list(raw, roots, who) for raw in lists]
    return frozenset(serial for each in found for serial in each.revoked)


def check_room(lists: Iterable[bytes], who: object, remedy: str = "") -> None:
    """Check that the lists of an organisation fit into a channel's configuration.

    Args:
        lists: PEM, all that it has.
        who: whose they are, for the error.
        remedy: likewise.

    Raises:
        IdentityRefused: they are too long, all together.
    """
    if (size := sum(map(len, lists))) > MAX_REVOCATIONS_BYTES:
        raise IdentityRefused(
            "revocation lists are too long",
            who=who,
            had=f"{size} bytes",
            needed=f"<= {MAX_REVOCATIONS_BYTES} bytes, all together",
            remedy=remedy,
        )


def parse_revocation_list(
    raw: bytes, roots: Sequence[x509.Certificate], who: object
) -> RevocationList:
    """One list, signed by one of these CAs.

    Args:
        raw: PEM.
        roots: certificates of the organisation's CAs.
        who: whose it is, for the error.

    Raises:
        IdentityRefused: it is none, or another CA's.
    """
    try:
        listed = x509.load_pem_x509_crl(raw)
        is_ours = any(_is_signed_by(listed, root) for root in roots)
        revoked = {each.serial_number: each.revocation_date_utc for each in listed}
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise IdentityRefused("is no revocation list", who=who, needed="X.509 in PEM") from error
    if not is_ours:
        raise IdentityRefused("revocation list is another CA's", who=who, needed="its own")
    return RevocationList(raw, revoked)


def _is_signed_by(listed: x509.CertificateRevocationList, root: x509.Certificate) -> bool:
    return listed.is_signature_valid(root.public_key())  # type: ignore[arg-type]
