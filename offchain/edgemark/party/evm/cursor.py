"""How far a party has read the chain, kept over restarts.

Losing the file, or finding an old one, only means reading some blocks again. So does one that was
changed: a number that is too high would pass over events, so its checksum is compared.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgemark.files import OWNER_ONLY_FILE, write_whole
from edgemark.identifiers import Address
from edgemark.logs import get_logger
from edgemark.untrusted.checksum import with_checksum
from edgemark.untrusted.fields import BadFile, parse_json

WRITE_EVERY_BLOCKS = 20  # as many are read again after a crash

_log = get_logger("cursor")


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
        """The block after the one that was noted; `first` when none was, or not as it was noted."""
        try:
            known = parse_json(self._path.read_bytes(), str(self._path))
            is_ours = known.text("contract") == self._contract
            block = known.whole("block") if is_ours else first - 1
        except FileNotFoundError:
            return first
        except (OSError, BadFile) as error:
            _log.warning("blocks are read again", file=str(self._path), error=str(error))
            return first
        return max(first, block + 1)

    def note(self, block: int) -> None:
        """Everything up to this block was taken and is durable."""
        if block - self._written >= WRITE_EVERY_BLOCKS:
            facts = {"contract": self._contract, "block": block}
            raw = json.dumps(with_checksum(facts)).encode()
            write_whole(self._path, raw, mode=OWNER_ONLY_FILE)
            self._written = block
