"""Of two who listen behind one checkpoint at once the second is refused, whichever face it has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.offchain.ledger.fabric.client.scripted_gateway import ScriptedGateway, events_of

from edgemark.files import FileInUse
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient


def test_second_listener__is_refused_while_the_first_one_listens(
    gateway: ScriptedGateway, client: GatewayClient, tmp_path: Path
) -> None:
    gateway.events = [[events_of(3, ("code", "a"))]]
    file, own = (CheckpointFile(tmp_path / name) for name in ("one", "two"))
    for each in (file, own):
        each.write(Checkpoint(3))
    seen: list[ChaincodeEvent] = []

    async def second() -> None:
        async def fails(event: ChaincodeEvent) -> None:
            raise AssertionError(event)

        async with AsyncGatewayClient([gateway.address], client.desk) as other:
            with pytest.raises(FileInUse, match="End the other listener"):
                await other.listen("code", fails, CheckpointFile(file.path), wait_s=5)
            await other.listen("code", fails, own, wait_s=0.2)

    def handle(event: ChaincodeEvent) -> None:
        seen.append(event)
        with pytest.raises(FileInUse, match="End the other listener"):
            client.listen("code", seen.append, CheckpointFile(file.path), wait_s=5)
        asyncio.run(second())

    client.listen("code", handle, file, wait_s=1.5)
    assert len(seen) == 1
    client.listen("code", seen.append, file, wait_s=0.1)  # it is free again
    assert len(seen) == 1
