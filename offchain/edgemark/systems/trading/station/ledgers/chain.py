"""Evidence of settlements on a chain: EvidenceRegistry, by the station's lane."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.identifiers import Hash32
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.party.evm.joining import send_as_asked
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.pieces import Recorded, SettlementPiece
from edgemark.systems.trading.station.ledgers.ledger import Written
from edgemark.systems.trading.station.station import TradingStation

REMEDY = "What is recorded is not recorded again."


class ChainEvidence:
    """The registry of a chain; see `EvidenceLedger`.

    Args:
        station: whose account pays.
    """

    def __init__(self, station: TradingStation) -> None:
        self._station = station

    @property
    def place(self) -> str:
        """Chain and contract."""
        return f"EvidenceRegistry {self._station.evidence.address} of chain {self._chain_id}"

    @property
    def _chain_id(self) -> int:
        return self._station.chain.chain_id

    def domains(self) -> Sequence[EvmDomains]:
        """Those of its own chain alone."""
        station = self._station
        return [
            EvmDomains(
                self._chain_id,
                station.escrow.address,
                station.controllers.address,
                station.evidence.address,
            )
        ]

    def record_settlements(self, domains: EvmDomains, pieces: Sequence[SettlementPiece]) -> Written:  # noqa: ARG002 - it has one
        """Record settlements in one transaction; see `EvidenceLedger`."""
        evidence = self._station.evidence
        receipt = send_as_asked(self._station, evidence.record_settlements(pieces), REMEDY)
        said = decode_logs([evidence.contract], receipt.logs)
        new = sum(isinstance(each, EvidenceRecorded) for each in said)
        return Written(new, receipt.tx_hash.hex(), receipt.block_number)

    def recorded(self, evidence: Sequence[Hash32]) -> list[Recorded]:
        """What the chain keeps of these, confirmed."""
        return self._station.evidence.recorded(evidence)
