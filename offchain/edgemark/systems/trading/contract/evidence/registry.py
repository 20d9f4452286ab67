"""EvidenceRegistry on one chain: what was recorded and anchored, and the calls that do so."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.evm.client import ContractClient
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.answers import member_of
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    Piece,
    QualificationPiece,
    Recorded,
    Root,
    RootProof,
    SettlementPiece,
)
from edgemark.systems.trading.contract.evidence.records import (
    MAX_CID_BYTES,
    MAX_PIECES,
    Claim,
    EvidenceKind,
    Signatures,
)
from edgemark.systems.trading.contract.evidence.statements import EvidenceDomain
from edgemark.systems.trading.contract.records import check_list

MAX_LEAVES = 65_536


class EvidenceContract(ContractClient):
    """Reads at confirmed depth, and makes calls for a lane to send.

    Args:
        chain: where the contract is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        super().__init__(chain, contract)
        self.domain = EvidenceDomain(chain.chain_id, contract.address)

    def recorded(
        self, evidence: Sequence[Hash32], *, block: int | str = "confirmed"
    ) -> list[Recorded]:
        """What is kept of these; ids as of `statements.compute_evidence_id`."""
        calls = [self._call("evidenceOf", each) for each in evidence]
        return [
            Recorded(member_of(EvidenceKind, found.kind), Timestamp(found.recorded_at))
            for found in self._chain.call_many(calls, self._number_of(block))
        ]

    def root(self, controller: Address, root: Hash32, *, block: int | str = "confirmed") -> Root:
        """What is kept of a root that a controller anchored."""
        found = self._chain.call(self.contract, "rootOf", controller, root, block=block)
        leaves, anchored_at = found
        return Root(int(leaves), Timestamp(anchored_at))

    def verify(
        self,
        proof: RootProof,
        claim: Claim,
        signatures: Signatures,
        *,
        block: int | str = "confirmed",
    ) -> tuple[Address, ...]:
        """Payer, seller and controller, recovered, of a settlement under an anchored root.

        Raises:
            ContractRefused: it does not stand there, or the controller did not sign it.
        """
        asked = (proof.as_abi(), claim.as_abi(), signatures.as_abi())
        found: tuple[Address, ...] = self._chain.call(self.contract, "verify", *asked, block=block)
        return found

    def record_initiations(self, pieces: Sequence[InitiationPiece]) -> Call:
        """Record initiation credentials; those that are there are passed over in a longer list."""
        return self._list("recordInitiations", pieces)

    def record_settlements(self, pieces: Sequence[SettlementPiece]) -> Call:
        """Record settlement credentials; as before."""
        return self._list("recordSettlements", pieces)

    def record_qualifications(self, pieces: Sequence[QualificationPiece]) -> Call:
        """Record qualification credentials; as before."""
        return self._list("recordQualifications", pieces)

    def anchor_root(self, root: Hash32, leaves: int, cid: str) -> Call:
        """Anchor the root of many settlements, by a controller in good standing.

        Raises:
            RefusedInput: no leaves, too many, or no name of their list.
        """
        fits = 1 <= leaves <= MAX_LEAVES and 1 <= len(cid.encode()) <= MAX_CID_BYTES
        if not fits:
            raise RefusedInput(
                "is no root that can be anchored",
                who="root",
                had=f"{leaves} leaves, {len(cid.encode())} bytes of a CID",
                needed=f"1..{MAX_LEAVES} leaves, 1..{MAX_CID_BYTES} bytes",
            )
        return self._call("anchorRoot", root, leaves, cid)

    def _list(self, function: str, pieces: Sequence[Piece]) -> Call:
        check_list(function, pieces, MAX_PIECES)
        return self._call(function, [each.as_abi() for each in pieces])
