"""A stage on a consortium ledger of others: whoever comes to it is one identity of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.demo.consortium.ledgers import DevelopmentStaged
from edgemark.demo.consortium.stage import ConsortiumStage
from edgemark.ledger.fabric.settings import LedgerSettings


@dataclass
class NetworkStage(ConsortiumStage):
    """A stage that starts nothing: ledger, chaincode and clocks are there, or they are missing.

    Args:
        access: ledger, channel and identity of everybody here.
    """

    access: LedgerSettings = field(default_factory=LedgerSettings)

    @property
    def development(self) -> DevelopmentStaged | None:
        """None: whatever it is, its process is not the stage's."""
        return None

    def ledger_settings(self, msp_id: str, user: str) -> dict[str, object]:  # noqa: ARG002
        """[ledger] of everybody: the one identity that there is, whoever is asked for."""
        return {
            "ledger.kind": self.access.kind,
            "ledger.channel": self.access.channel,
            "ledger.msp_id": self.access.msp_id,
            "ledger.msp_folder": self.access.msp_folder,
            "ledger.profile": self.access.profile,
        }

    def prepare(self) -> None:
        """A folder for homes; nothing is started."""
        self.folder.mkdir(parents=True, exist_ok=True)
