"""The ledger counts its blocks, also after a moment in which it may not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.errors import Overloaded
from edgemark.ledger.embedded.running.development import DevelopmentLedger
from edgemark.ledger.embedded.state.tables import StoreUnavailable
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


def ledger_of(ordering: Any, noted: list[str], note_block: Callable[[], None]) -> Any:
    ledger: Any = DevelopmentLedger.__new__(DevelopmentLedger)
    ledger.ledger = SimpleNamespace(channels={"c": SimpleNamespace(height=7, agreed=0)})
    ledger.orderers = {"c": ordering}
    ledger._agreed = {"c": 0}
    ledger.instruments = SimpleNamespace(note_transaction=noted.append)
    snapshots = SimpleNamespace(note_block=note_block, close=lambda: None)
    ledger.behind = SimpleNamespace(snapshots={"c": snapshots})
    ledger._servers, ledger._unwatched = {"Org1MSP": None}, {}
    return ledger


async def watch_until(ledger: Any, is_over: Callable[[], bool]) -> None:
    async with asyncio.timeout(20), ledger._watching("c"):
        while not is_over():
            await asyncio.sleep(0.01)


def test_watching__goes_on_after_it_was_refused() -> None:
    noted: list[str] = []
    busy = Busy()
    ledger = ledger_of(busy, noted, lambda: None)
    asyncio.run(watch_until(ledger, lambda: len(noted) >= 2))
    assert busy.asked == [7, 7, 8]


class Steady:
    """An orderer with one block, and no more; a fake as `Busy` is."""

    fault = None

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def blocks_from(self, number: int) -> AsyncIterator[Any]:
        self.asked.append(number)
        if number == 7:
            yield SimpleNamespace(number=7, flags=(Code.VALID,))
        await asyncio.Event().wait()


@pytest.mark.parametrize("fault", [StoreUnavailable("cannot be read"), Overloaded("heights")])
def test_fault_that_passes_while_a_block_is_noted__ends_no_watch_and_counts_it_once(
    fault: Exception,
) -> None:
    noted: list[str] = []
    steady, faults = Steady(), [fault]

    def note_block() -> None:
        if faults:
            raise faults.pop()

    ledger = ledger_of(steady, noted, note_block)
    asyncio.run(watch_until(ledger, lambda: bool(noted)))
    assert (steady.asked, noted) == ([7, 7], ["VALID"])


def test_watch_that_ended__is_a_fault_of_its_channel() -> None:
    def note_block() -> None:
        raise RuntimeError("a mistake")

    async def play() -> None:
        await watch_until(ledger, lambda: bool(told.extend(ledger.find_faults()) or told))

    told: list[str] = []
    ledger = ledger_of(Steady(), [], note_block)
    assert ledger.find_faults() == []
    asyncio.run(play())
    assert told[0].startswith("channel c is not watched")
    assert "a mistake" in told[0]
    assert ledger.find_faults() == []  # a new watch is another
