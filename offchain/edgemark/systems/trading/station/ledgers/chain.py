"""Evidence of settlements on a chain: EvidenceRegistry, read by anybody, written by an account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.party.evm.joining import send_as_asked
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.pieces import Recorded, SettlementPiece
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.station.ledgers.ledger import Written
from edgemark.systems.trading.station.station import TradingStation

REMEDY = "What is recorded is not recorded again."


def _cannot_send(call: Call) -> Receipt:
    raise RefusedInput("is only looked at", who=call.function, needed="an account that pays")


@dataclass(frozen=True)
class ChainEvidence:
    """The registry of a chain; see `EvidenceLedger`.

    Attributes:
        own: the chain, and its contracts.
        evidence: the registry.
        send: sends a call and waits until it is final.
    """

    own: EvmDomains
    evidence: EvidenceContract
    send: Callable[[Call], Receipt] = _cannot_send

    @classmethod
    def of(cls, station: TradingStation) -> ChainEvidence:
        """As an account sees it, which pays for what it records."""
        own = domains_of(station)
        return cls(own, station.evidence, lambda call: send_as_asked(station, call, REMEDY))

    @classmethod
    def look(cls, chain: EvmChain, deployment: Deployment) -> ChainEvidence:
        """As anybody sees it."""
        evidence = EvidenceContract(chain, deployment.contract("EvidenceRegistry"))
        names = ("ChannelEscrow", "Controllers")
        addresses = (*(deployment.contract(name).address for name in names), evidence.address)
        return cls(EvmDomains(chain.chain_id, *addresses), evidence)

    @property
    def place(self) -> str:
        """Chain and contract."""
        return f"EvidenceRegistry {self.evidence.address} of chain {self.own.chain_id}"

    def domains(self) -> Sequence[EvmDomains]:
        """Those of its own chain alone."""
        return [self.own]

    def record_settlements(self, domains: EvmDomains, pieces: Sequence[SettlementPiece]) -> Written:
        """Record settlements in one transaction; see `EvidenceLedger`."""
        if domains != self.own:
            raise RefusedInput(
                "is of another chain", who=self.place, had=domains.name, needed=self.own.name
            )
        receipt = self.send(self.evidence.record_settlements(pieces))
        said = decode_logs([self.evidence.contract], receipt.logs)
        new = sum(isinstance(each, EvidenceRecorded) for each in said)
        return Written(new, receipt.tx_hash.hex(), receipt.block_number)

    def recorded(self, evidence: Sequence[Hash32]) -> list[Recorded]:
        """What the chain keeps of these, confirmed."""
        return self.evidence.recorded(evidence)


def domains_of(station: TradingStation) -> EvmDomains:
    """Where everything counts that is signed for a station's chain."""
    contracts = (station.escrow, station.controllers, station.evidence)
    return EvmDomains(station.chain.chain_id, *(each.address for each in contracts))
