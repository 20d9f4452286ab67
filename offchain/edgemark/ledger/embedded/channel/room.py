"""How many bytes of blocks those who follow hold at once: readers that are slow share one bound.

A block is read once there is room for it, and gives its room back when its reader asks for the
next. Whoever takes an answer too slowly is cut off by the doors, so room comes free.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from edgemark.ledger.fabric.wire.blocks import Block

RECENT = 64  # blocks kept in memory for those who follow
RECENT_BYTES = 8 * 1024 * 1024  # of them, but for the newest
SMALL_BYTES = 64 * 1024  # a block below this is never waited for: as many may be open as streams


def size_of(block: Block) -> int:
    """Bytes of a block, but for its metadata."""
    return sum(map(len, block.envelopes))


class Recent:
    """The newest blocks of a channel, in memory; all who follow share them."""

    def __init__(self) -> None:
        self.blocks: deque[Block] = deque(maxlen=RECENT)

    def find(self, number: int) -> Block | None:
        """A block; None for one that is not kept."""
        return next((each for each in self.blocks if each.number == number), None)

    def keep(self, block: Block) -> None:
        """Keep the newest one, and of those before as many as there is room for."""
        self.blocks.append(block)
        while len(self.blocks) > 1 and sum(map(size_of, self.blocks)) > RECENT_BYTES:
            self.blocks.popleft()


class Room:
    """Room for blocks; for one loop. Who came first has it first.

    Args:
        most: bytes of all that are held at once, but for small ones.
    """

    def __init__(self, most: int) -> None:
        self._most = self._free = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> int:
        """Wait until there is room for so many bytes; one that is larger than all waits for all.

        Returns:
            What is to be given back when the block is not held any more.
        """
        wanted = min(size, self._most) if size >= SMALL_BYTES else 0
        if not wanted or (not self._waiting and self._free >= wanted):
            self._free -= wanted
            return wanted
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it was given just now
                self.give_back(wanted)
            else:
                with suppress(ValueError):  # it was passed over just now
                    self._waiting.remove((wanted, waiter))
                self.give_back(0)
            raise
        return wanted

    def give_back(self, taken: int) -> None:
        """A block is not held any more."""
        self._free += taken
        while self._waiting and self._free >= self._waiting[0][0]:
            wanted, waiter = self._waiting.popleft()
            if not waiter.done():  # its reader may have left just now
                self._free -= wanted
                waiter.set_result(None)
