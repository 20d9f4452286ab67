"""What every store of content does, wherever it keeps it; a local folder and IPFS behind one face.

What is put is durable when its CID is answered, and what is got hashes to its CID: whoever asks
need not trust a store.
"""

from __future__ import annotations

from typing import Protocol

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.storage.cid import Cid


class ContentMissing(RefusedInput):
    """The store does not have this content; bring it from whoever has."""


class StoreFull(RefusedInput):
    """The store has as much as it may; nothing was put."""


class ContentDamaged(Unrecoverable):
    """What is kept under a CID is not the content of that name."""


class ContentStore(Protocol):
    """Blocks of content by their CIDs."""

    def put(self, content: bytes) -> Cid:
        """Keep a block; it is durable when this returns, also if it was there before.

        Raises:
            ContentTooLarge: more than one block.
            StoreFull: it has as much as it may.
        """
        ...

    def get(self, cid: Cid) -> bytes:
        """The block of this name, once its digest was checked.

        Raises:
            ContentMissing: it is not there.
            ContentDamaged: what is there is something else.
        """
        ...
