"""One identity of an organisation's folder, as its certificate says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from edgemark.ledger.embedded.organisations.faults import FolderDamaged
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import MemberRole, read_attributes, read_role


@dataclass(frozen=True)
class Issued:
    """An identity that stands in a folder.

    Attributes:
        name: without the domain.
        role: of its certificate.
        attributes: likewise.
        until: last second at which its certificate is good, with its zone.
        serial: of its certificate, in hex.
        folder: of the identity: msp and tls.
        is_revoked: whether it was taken back.
    """

    name: str
    role: MemberRole
    attributes: Mapping[str, str]
    until: datetime
    serial: str
    folder: Path
    is_revoked: bool

    @classmethod
    def of(cls, folder: Path, certificate: x509.Certificate, *, is_revoked: bool) -> Issued:
        """What a certificate says.

        Args:
            folder: of the identity, `NAME@DOMAIN`.
            certificate: that stands in it.
            is_revoked: whether it was taken back.

        Raises:
            IdentityRefused: of no or two roles, or with attributes that cannot be read.
        """
        return cls(
            name=folder.name.partition("@")[0],
            role=read_role(certificate, folder.name),
            attributes=read_attributes(certificate, folder.name),
            until=certificate.not_valid_after_utc,
            serial=f"{certificate.serial_number:x}",
            folder=folder,
            is_revoked=is_revoked,
        )


@dataclass(frozen=True)
class DamagedIdentity:
    """An identity that stands in a folder and cannot be read.

    Attributes:
        name: without the domain.
        folder: of the identity.
        fault: what is wrong with it.
    """

    name: str
    folder: Path
    fault: FolderDamaged | IdentityRefused


def refuse_name(folder: Path, known: Iterable[Issued | DamagedIdentity]) -> IdentityRefused:
    """What is said to who issues a name that is taken: whether what has it can be used.

    Args:
        folder: of the identity that has it.
        known: those of its organisation.
    """
    found = next((each for each in known if each.folder == folder), None)
    remedy = f"Give another name, or use what stands in {folder / 'msp'}."
    if isinstance(found, Issued) and found.is_revoked:
        remedy = "Give another name: what has this one is revoked, which is for good."
    elif isinstance(found, DamagedIdentity):
        remedy = "Give another name: what has this one cannot be read."
    return IdentityRefused("is taken", who=folder.name, needed="a new name", remedy=remedy)
