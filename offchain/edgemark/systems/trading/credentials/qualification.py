"""What a seller is fit for, said by whoever audits sellers (EFSC IV-A, "proof of qualification").

"credentialSubject": {"id": SELLER, "qualification": {"services": ["products of polynomials"]}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.contract.evidence.statements import EvidenceDomain
from edgemark.systems.trading.credentials.payloads import (
    QUALIFICATION,
    PayloadInvalid,
    Period,
    frame,
    party_of,
    subjects_of,
)

PART = "qualification"
MAX_SERVICES = 16
MAX_SERVICE = 128  # characters


@dataclass(frozen=True)
class Qualification:
    """A qualification.

    Attributes:
        issuer: the auditor; in what standing, whoever reads it judges.
        seller: who is fit.
        services: for what.
    """

    issuer: Did
    seller: Did
    services: tuple[str, ...]


def draft_qualification(
    said: Qualification, period: Period, *, status: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """What the auditor signs.

    Args:
        said: what it says.
        period: when it counts.
        status: entries of the auditor's lists.

    Raises:
        PayloadInvalid: no service, too many, or one that is no short text.
    """
    services = _check_services(list(said.services))
    subject = {"id": str(said.seller), PART: {"services": list(services)}}
    return frame(QUALIFICATION, said.issuer, subject, period, status=status)


def read_qualification(signed: SignedCredential) -> Qualification:
    """What an auditor says; signature, period and status are checked apart.

    Raises:
        PayloadInvalid: of another kind, or without services.
    """
    (subject,) = subjects_of(signed, QUALIFICATION, 1)
    part = subject.get(PART)
    services = part.get("services") if isinstance(part, dict) and len(part) == 1 else None
    return Qualification(signed.issuer, party_of(subject), _check_services(services))


def sign_evidence(key: SecretKey, domain: EvidenceDomain, said: Qualification, token: str) -> bytes:
    """The auditor's signature under the evidence that an offer names; 65 bytes.

    Args:
        key: of the account that a demand compares.
        domain: of the registry.
        said: of the credential.
        token: the credential as it was signed.
    """
    return key.sign(domain.qualification(said.seller.identity, digest_of(token)))


def _check_services(services: Any) -> tuple[str, ...]:
    is_list = isinstance(services, list) and 1 <= len(services) <= MAX_SERVICES
    if not is_list or not all(map(_is_service, services)) or len(set(services)) != len(services):
        needed = f"1 to {MAX_SERVICES} services, each once, of 1 to {MAX_SERVICE} characters"
        raise PayloadInvalid("says nothing of services", who="qualification", needed=needed)
    return tuple(services)


def _is_service(text: Any) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= MAX_SERVICE and text.isprintable()
