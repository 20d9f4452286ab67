"""What an auditor puts on the chain: evidence that it signed a qualification of a seller."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.party.evm.joining import send_as_asked
from edgemark.systems.trading.contract.evidence.pieces import QualificationPiece
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.credentials.qualification import (
    Qualification,
    read_qualification,
    sign_evidence,
)
from edgemark.systems.trading.station.station import TradingStation


class NotTheIssuer(RefusedInput):
    """A qualification that another account said."""


@dataclass(frozen=True)
class Audited:
    """Evidence of a qualification.

    Attributes:
        said: of the credential.
        credential_hash: that an offer names, beside the auditor's account.
        evidence: under which the chain has it.
    """

    said: Qualification
    credential_hash: Hash32
    evidence: Hash32


def record_qualification(station: TradingStation, signed: SignedCredential) -> Audited:
    """Sign evidence of a qualification with this account, and record it; offers name it then.

    Args:
        station: of the auditor.
        signed: the credential, which this account's identity issued.

    Raises:
        PayloadInvalid: it is no qualification.
        NotTheIssuer: another identity issued it.
        RefusedInput: the registry refuses it: it is recorded.
    """
    said = read_qualification(signed)
    if said.issuer.identity != station.address:  # on whichever chain its identity is
        raise NotTheIssuer(
            "was issued by another", who="qualification", had=said.issuer, needed=station.address
        )
    key, domain, holder = station.keys.account, station.evidence_domain, said.seller.identity
    signature = sign_evidence(key, domain, said, signed.token)
    credential_hash = digest_of(signed.token)
    piece = QualificationPiece(holder, credential_hash, signature)
    call = station.evidence.record_qualifications([piece])
    send_as_asked(station, call, "What is recorded is not recorded again.")
    digest = domain.qualification(holder, credential_hash)
    return Audited(said, credential_hash, compute_evidence_id(digest, [key.address]))
