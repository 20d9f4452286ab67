"""A settlement, an initiation and a qualification, signed by the people of the channel's tests."""

from __future__ import annotations

from dataclasses import replace

from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, KEYS, key_of

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Tokens, parse_address
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    QualificationPiece,
    SettlementPiece,
)
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.identifiers import ChannelId

DOMAINS = EvmDomains(
    CHAIN_ID, *(parse_address(each) for each in (ESCROW, "0x" + "c0" * 20, "0x" + "e7" * 20))
)
CONTROLLER = key_of("controller of evidence")
ISSUER = key_of("issuer of evidence")
PAYER, SELLER, THIEF = KEYS["payer's key"], KEYS["seller's key"], KEYS["a thief"]


def claim_of(number: int = 1, index: int = 1) -> Claim:
    """Of the channel of this number."""
    voucher = Voucher(
        index, Tokens(100 * index), keccak256(b"settlement template"), CONTROLLER.address
    )
    channel = ChannelId(keccak256(b"channel %d" % number))
    return Claim(channel, voucher, keccak256(b"credential %d %d" % (number, index)))


def settlement(number: int = 1, index: int = 1, domains: EvmDomains = DOMAINS) -> SettlementPiece:
    """Signed by all three, for these domains."""
    claim = claim_of(number, index)
    voucher = domains.of_vouchers.voucher(claim.channel, claim.voucher)
    issuance = domains.of_issuances.issuance(claim, voucher)
    signed = Signatures(PAYER.sign(voucher), SELLER.sign(voucher), CONTROLLER.sign(issuance))
    return SettlementPiece(claim, signed)


def initiation(number: int = 1) -> InitiationPiece:
    """Signed by both."""
    claim = claim_of(number)
    digest = DOMAINS.of_evidence.initiation(claim.channel, claim.credential_hash)
    return InitiationPiece(
        claim.channel, claim.credential_hash, PAYER.sign(digest), SELLER.sign(digest)
    )


def qualification() -> QualificationPiece:
    """Signed by its issuer."""
    hash_ = keccak256(b"qualification")
    digest = DOMAINS.of_evidence.qualification(SELLER.address, hash_)
    return QualificationPiece(SELLER.address, hash_, ISSUER.sign(digest))


def resigned(piece: SettlementPiece, **signatures: bytes) -> SettlementPiece:
    """The same with other signatures."""
    return replace(piece, signatures=replace(piece.signatures, **signatures))
