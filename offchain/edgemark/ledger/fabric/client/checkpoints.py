"""Where a listener was when it ended, in a file of its own."""

from __future__ import annotations

import json
from pathlib import Path

from edgemark.errors import Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, read_limited, write_whole
from edgemark.ledger.fabric.client.events import Checkpoint

MAX_BYTES = 1024
MAX_BLOCK = 2**64 - 1


class CheckpointFile:
    """One listener's checkpoint; whoever keeps it in another place does the same two things.

    Args:
        path: of the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Checkpoint | None:
        """Where it was; None for a listener that handled nothing yet.

        Raises:
            Unrecoverable: the file holds something else.
        """
        if not self.path.exists():
            return None
        raw = read_limited(self.path, MAX_BYTES)
        try:
            held = json.loads(raw)
            block, transaction_id = held["block"], held["transaction_id"]
        except (ValueError, TypeError, KeyError) as error:
            raise self._damage() from error
        is_block = type(block) is int and 0 <= block <= MAX_BLOCK
        if not is_block or not isinstance(transaction_id, str):
            raise self._damage()
        return Checkpoint(block, transaction_id)

    def write(self, checkpoint: Checkpoint) -> None:
        """Keep it, whole and durably."""
        held = {"block": checkpoint.block, "transaction_id": checkpoint.transaction_id}
        write_whole(self.path, json.dumps(held).encode(), mode=OWNER_ONLY_FILE)

    def _damage(self) -> Unrecoverable:
        return Unrecoverable(
            "is no checkpoint",
            who=self.path,
            remedy="Put back the one before, or remove it: what is committed from then on is told, "
            "and older events from a block that is named.",
        )
