"""A settlement credential of a file, as evidence has it: in which domain it counts, who signed.

Nothing here takes the file's word: all three signers are recovered over what they signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemark.crypto.ethereum.secp256k1 import BadSignature, recover
from edgemark.errors import PeerFault
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import SettlementPiece
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.station.ledgers.ledger import EvidenceLedger


class OfNoDomainHere(PeerFault):
    """A settlement whose controller signed for no chain that this ledger takes."""


@dataclass(frozen=True)
class SettlementFound:
    """Who signed a settlement, and where.

    Attributes:
        domains: for which all three signed.
        piece: as registries take it.
        signers: payer, seller, controller.
        evidence: under which a registry knows it.
    """

    domains: EvmDomains
    piece: SettlementPiece
    signers: tuple[Address, Address, Address]
    evidence: Hash32


def find_settlement(ledger: EvidenceLedger, kept: KeptSettlement) -> SettlementFound:
    """Recover who signed a settlement, in the domain of the ledger in which its controller did.

    Raises:
        OfNoDomainHere: in none, or it is another controller's.
        BadSignature: a party's signature is none.
    """
    domains = ledger.domains()
    for each in domains:
        try:
            kept.check_issuer(each.of_vouchers, each.of_issuances)
        except BadSignature:
            continue
        return _recover_all(each, kept)
    raise OfNoDomainHere(
        "was signed by its controller for none of the chains that this ledger takes",
        who=f"settlement {kept.credential.digest.hex()}",
        needed=[each.name for each in domains],
    )


def _recover_all(domains: EvmDomains, kept: KeptSettlement) -> SettlementFound:
    said, piece = kept.said, SettlementPiece(kept.claim, kept.signatures)
    voucher = domains.of_vouchers.voucher(said.channel, said.voucher)
    signers = (
        recover(voucher, said.payer_signature),
        recover(voucher, said.seller_signature),
        said.voucher.controller,
    )
    issuance = domains.of_issuances.issuance(kept.claim, voucher)
    return SettlementFound(domains, piece, signers, compute_evidence_id(issuance, signers))


def record_all(ledger: EvidenceLedger, found: Sequence[SettlementFound]) -> int:
    """Record settlements, those of one domain together; how many were new.

    Raises:
        RefusedInput, LedgerUnavailable: as `EvidenceLedger.record_settlements`.
    """
    by_domain: dict[str, list[SettlementFound]] = {}
    for each in found:
        by_domain.setdefault(each.domains.name, []).append(each)
    return sum(
        ledger.record_settlements(some[0].domains, [each.piece for each in some]).new
        for some in by_domain.values()
    )
