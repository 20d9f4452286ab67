"""What whoever records and checks evidence of settlements asks of a ledger, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edgemark.identifiers import Hash32
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import Recorded, SettlementPiece


@dataclass(frozen=True)
class Written:
    """Evidence that was written, for good.

    Attributes:
        new: how many pieces were not there before.
        transaction: of the ledger, in its own form.
        block: number of its block.
    """

    new: int
    transaction: str
    block: int


class EvidenceLedger(Protocol):
    """A registry of evidence."""

    @property
    def place(self) -> str:
        """Where it is, in words."""

    def domains(self) -> Sequence[EvmDomains]:
        """Chains and contracts whose statements it takes."""

    def record_settlements(self, domains: EvmDomains, pieces: Sequence[SettlementPiece]) -> Written:
        """Record settlements; those that are there are passed over where several come.

        Raises:
            RefusedInput: the registry refuses them, or one that comes alone is there.
            LedgerUnavailable: it does not answer; asked again, nothing is done twice.
        """

    def recorded(self, evidence: Sequence[Hash32]) -> list[Recorded]:
        """What is kept of these ids; kind NONE of what never was recorded."""
