"""Who gives way, who is next, and what a disk has room for."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgemark.errors import Overloaded
from edgemark.transport.limits import DISK_RESERVE_BYTES, GIVEN_RESERVE_BYTES, ServerLimits
from edgemark.transport.serving.bodies import Spool
from edgemark.transport.serving.loading import Memory
from edgemark.transport.serving.outgoing import Outgoing
from edgemark.transport.serving.room import count_room, find_greediest


def test_greediest__is_none_when_the_asker_would_hold_most() -> None:
    held = {(True, "a"): 5, (False, "b"): 1}
    assert find_greediest(held, (True, "c"), 1) == (False, "b")
    assert find_greediest(held, (False, "c"), 1) is None
    assert find_greediest({(True, "a"): 5}, (True, "c"), 5) is None
    assert find_greediest({(True, "a"): 5}, (True, "c"), 4) == (True, "a")
    assert find_greediest({(True, "a"): 5}, (True, "a"), 4) is None
    assert find_greediest({}, (True, "a"), 4) is None


def test_memory__of_one_party__is_half_or_one_body() -> None:
    async def play() -> None:
        memory = Memory(10, 8)
        for _ in range(2):
            await memory.take("payer", 2, patience_s=0.0)
        waits = asyncio.create_task(memory.take("payer", 2, patience_s=60.0))
        await asyncio.sleep(0)
        await memory.take("node", 6, patience_s=0.0)  # passes the one that waits for itself
        assert not waits.done()
        waits.cancel()

    asyncio.run(play())


def test_f4_a_disk_that_is_nearly_full__keeps_its_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=DISK_RESERVE_BYTES + 5)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert count_room(tmp_path, 100, 3, DISK_RESERVE_BYTES) == 8
    usage.free = DISK_RESERVE_BYTES - 5
    assert count_room(None, 100, 3, DISK_RESERVE_BYTES) == 3
    usage.free = 2**40
    assert count_room(tmp_path, 100, 3, DISK_RESERVE_BYTES) == 100


def test_what_waits__takes_nothing_of_what_is_promised_but_what_was_promised_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promised = 1000
    usage = SimpleNamespace(free=DISK_RESERVE_BYTES + promised + 5)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    spool = Spool(tmp_path, ServerLimits(), lambda: promised)
    with spool.open("payer", 5, "function"), pytest.raises(Overloaded):
        spool.open("payer", 6, "another")
    spool.open("payer", promised, "task", is_promised=True).close()
    usage.free = GIVEN_RESERVE_BYTES + promised + 5
    outgoing = Outgoing(tmp_path, 2**20, lambda: promised)
    outgoing.hold(bytes(5), (True, "payer")).close()
    with pytest.raises(Overloaded, match="no room"):
        outgoing.hold(bytes(6), (True, "payer"))
