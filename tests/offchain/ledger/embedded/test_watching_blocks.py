"""The ledger counts its blocks, also after a moment in which it may not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from edgemark.errors import Overloaded
from edgemark.ledger.embedded.running.development import DevelopmentLedger
from edgemark.ledger.fabric.wire.codes import Code


class Busy:
    """An orderer that refuses the first who wait; a fake because all places would be needed."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def blocks_from(self, number: int) -> AsyncIterator[Any]:
        self.asked.append(number)
        if len(self.asked) == 1:
            raise Overloaded("has too many that wait")
        yield SimpleNamespace(number=number, flags=(Code.VALID,))
        if len(self.asked) == 2:
            raise Overloaded("has too many that wait")
        await asyncio.Event().wait()


def test_watching__goes_on_after_it_was_refused() -> None:
    noted: list[str] = []
    busy = Busy()
    ledger: Any = DevelopmentLedger.__new__(DevelopmentLedger)
    ledger.ledger = SimpleNamespace(channels={"c": SimpleNamespace(height=7)})
    ledger.orderers = {"c": busy}
    ledger.instruments = SimpleNamespace(note_transaction=noted.append)
    snapshots = SimpleNamespace(note_block=lambda: None, close=lambda: None)
    ledger.behind = SimpleNamespace(snapshots={"c": snapshots})

    async def play() -> None:
        async with asyncio.timeout(20), ledger._watching("c"):
            while len(noted) < 2:
                await asyncio.sleep(0.01)

    asyncio.run(play())
    assert busy.asked == [7, 7, 8]
