"""Evidence as calls take it, and what a registry keeps of it, on whatever ledger. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.systems.trading.contract.evidence.records import Claim, EvidenceKind, Signatures
from edgemark.systems.trading.identifiers import ChannelId


class Piece(Protocol):
    """Evidence as a call takes it."""

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""


@dataclass(frozen=True)
class InitiationPiece:
    """`Initiation` of a channel, signed by both parties."""

    channel: ChannelId
    credential_hash: Hash32
    payer_signature: bytes = field(repr=False)
    seller_signature: bytes = field(repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        signed = (self.payer_signature, self.seller_signature)
        return (self.channel, self.credential_hash, *signed)


@dataclass(frozen=True)
class SettlementPiece:
    """A settlement credential, signed by all three."""

    claim: Claim
    signatures: Signatures = field(repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return (self.claim.as_abi(), self.signatures.as_abi())


@dataclass(frozen=True)
class QualificationPiece:
    """`Qualification` of a holder, signed by its issuer."""

    holder: Address
    credential_hash: Hash32
    issuer_signature: bytes = field(repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return (self.holder, self.credential_hash, self.issuer_signature)


@dataclass(frozen=True)
class Recorded:
    """What is kept of a piece of evidence; kind NONE and time 0 of what was never recorded."""

    kind: EvidenceKind
    recorded_at: Timestamp


@dataclass(frozen=True)
class Root:
    """What is kept of an anchored root; zeros of one that never was anchored."""

    leaves: int
    anchored_at: Timestamp


@dataclass(frozen=True)
class RootProof:
    """Where a settlement stands under an anchored root, in the order of `IEvidenceRegistry.Proof`.

    Attributes:
        controller: that anchored it.
        position: of the leaf, from 0.
        branch: see `edgemark.crypto.ethereum.merkle`.
    """

    controller: Address
    root: Hash32
    position: int
    branch: tuple[Hash32, ...]

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return (self.controller, self.root, self.position, list(self.branch))
