"""Who waits for what became of which transaction, and who is on the way; for one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edgemark.ledger.embedded.channel.channel import Committed, Status
from edgemark.ledger.fabric.wire.codes import Code


class Expected:
    """Counts transactions that are being endorsed, and so come soon; `with` it for each.

    Args:
        nobody: called when the last of them is through.

    Attributes:
        count: how many.
    """

    def __init__(self, nobody: Callable[[], None]) -> None:
        self.count = 0
        self._nobody = nobody

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1
        if not self.count:
            self._nobody()


class Waits:
    """All who wait on one channel.

    Attributes:
        count: how many.
    """

    def __init__(self) -> None:
        self.count = 0
        self._waiting: dict[str, list[asyncio.Future[Status]]] = {}

    async def wait(self, transaction_id: str) -> Status:
        """Wait until a block holds it.

        Raises:
            EdgemarkError: that the waits were ended with.
        """
        future: asyncio.Future[Status] = asyncio.get_running_loop().create_future()
        others = self._waiting.setdefault(transaction_id, [])
        others.append(future)
        self.count += 1
        try:
            return await future
        finally:
            self.count -= 1
            others.remove(future)
            if not others and self._waiting.get(transaction_id) is others:
                del self._waiting[transaction_id]

    def tell(self, made: Committed) -> None:
        """End those for what a block holds."""
        # Where an id stands twice, the one that counts is what became of it, as in the index.
        for each in sorted(made.entries, key=lambda entry: entry.code is not Code.VALID):
            status = Status(each.code, made.block.number)
            for future in self._waiting.pop(each.transaction_id, ()) if each.transaction_id else ():
                if not future.done():
                    future.set_result(status)

    def end(self, error: Exception) -> None:
        """End all of them with an error."""
        waiting, self._waiting = self._waiting, {}
        for futures in waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)


async def wait_at_most(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for an event, and no longer than that."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
