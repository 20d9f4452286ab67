"""Four events over three streams, and a listener who is interrupted over the second of them."""

from __future__ import annotations

from pathlib import Path

from tests.offchain.ledger.fabric.client.scripted_gateway import ScriptedGateway, events_of

from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint
from edgemark.ledger.fabric.faults import LedgerSilent


class InterruptedListener:
    """Sees each event; `seen` has the first letter of each one's transaction.

    Args:
        gateway: that tells the events.
        folder: of the checkpoint.
    """

    def __init__(self, gateway: ScriptedGateway, folder: Path) -> None:
        a, b, c, d = (("code", name) for name in "abcd")
        gateway.events = [
            [events_of(3, a, b)],
            [events_of(3, a, b, c)],
            [events_of(3, a, b, c), events_of(7, d)],
        ]
        self.checkpoints = CheckpointFile(folder / "checkpoint")
        self.checkpoints.write(Checkpoint(3))
        self.seen: list[str] = []

    def handle(self, event: ChaincodeEvent) -> None:
        self.seen.append(event.event.transaction_id[0])
        if self.seen == ["a", "b"]:
            raise LedgerSilent("handler was interrupted")
