"""What the evidence registry of a consortium ledger keeps, and tells by events. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.systems.trading.contract.evidence.records import EvidenceKind


@dataclass(frozen=True)
class Found:
    """A piece of evidence whose signers were recovered.

    Attributes:
        evidence: its id, of digest and signers.
        kind: of the piece.
        subject: channel; of a qualification its holder, as the contract has it: 32 bytes.
        index: of the voucher; 0 of other kinds.
        credential_hash: of the credential.
        digest: what is told apart: of a settlement the issuance's.
        signers: payer, seller, controller; of an initiation the first two; the issuer.
    """

    evidence: Hash32
    kind: EvidenceKind
    subject: Hash32
    index: int
    credential_hash: Hash32
    digest: Hash32
    signers: tuple[Address, ...]


@dataclass(frozen=True)
class Kept:
    """A piece of evidence as it is kept, and told by an event.

    Attributes:
        found: what it is and who signed it.
        domain: name of the domains in which they signed.
        told_at: time of the transaction, as its client says.
    """

    found: Found
    domain: str
    told_at: Timestamp


@dataclass(frozen=True)
class AnchoredRoot:
    """What is kept of it.

    Attributes:
        root: of the tree over so many leaves.
        cid: of the list of all leaves.
        controller: for whom.
        organisation: whose member anchored it.
        anchored_at: by the organisations' clocks, where they decided; else 0.
        told_at: time of the transaction, as its client says.
    """

    root: Hash32
    leaves: int
    cid: str
    controller: Address
    organisation: str
    anchored_at: Timestamp
    told_at: Timestamp
