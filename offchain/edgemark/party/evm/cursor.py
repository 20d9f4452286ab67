"""How far a party has read the chain, kept over restarts.

Losing the file, or finding an old one, only means reading some blocks again.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgemark.files import OWNER_ONLY_FILE, write_whole
from edgemark.identifiers import Address

WRITE_EVERY_BLOCKS = 20  # as many are read again after a crash


class Cursor:
    """A file with the number of a block.

    Args:
        path: where it lies; its folder must exist.
        contract: whose events were read; the number of another one's does not count.
    """

    def __init__(self, path: Path, contract: Address) -> None:
        self._path = path
        self._contract = contract
        self._written = 0

    def read(self, first: int) -> int:
        """The block after the one that was noted; `first` when none was."""
        try:
            known = json.loads(self._path.read_text())
            block = int(known["block"]) if known["contract"] == self._contract else first - 1
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return first
        return max(first, block + 1)

    def note(self, block: int) -> None:
        """Everything up to this block was taken and is durable."""
        if block - self._written >= WRITE_EVERY_BLOCKS:
            facts = {"contract": self._contract, "block": block}
            write_whole(self._path, json.dumps(facts).encode(), mode=OWNER_ONLY_FILE)
            self._written = block
