"""Those who follow blocks hold no more bytes of them at once than there is room for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.offchain.ledger.embedded.consortium import (
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    orderer,
    puts,
)

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.embedded.channel import room
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.ordering import Orderer
from edgemark.ledger.embedded.channel.room import SMALL_BYTES, Room
from edgemark.ledger.fabric.wire.blocks import Block

LARGE = 2 * SMALL_BYTES
FIRST = 2  # of the large blocks


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    with Channel.make(
        tmp_path / "trade.sqlite", configuration_of(*ORGANISATIONS), orderer()
    ) as made:
        define(made)
        for each in range(3):
            made.commit([Draft([puts({f"k{each}": b"v" * LARGE})]).envelope()])
        yield made


def follow(orders: Orderer, number: int) -> AsyncGenerator[Block]:
    return cast(AsyncGenerator[Block], orders.blocks_from(number))


async def settle(*waiting: asyncio.Future[Any]) -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)


@pytest.mark.parametrize("ends", ["goes on", "is cancelled", "leaves"])
def test_reader__waits_while_others_hold_all_the_room__and_goes_on_when_one_is_done(
    channel: Channel, ends: str
) -> None:
    async def scene() -> None:
        shared = Room(3 * LARGE)
        async with Orderer(channel, count=1, timeout_s=0, room=shared) as orders:
            readers = [follow(orders, FIRST) for _ in range(3)]
            held = [await anext(each) for each in readers[:2]]
            assert held[0].to_bytes() == channel.block(FIRST)
            third = asyncio.ensure_future(anext(readers[2]))
            await settle(third)
            small = follow(orders, 0)
            assert (await anext(small)).number == 0  # a small block is not waited for
            if ends == "goes on":
                waiting = asyncio.ensure_future(anext(readers[0]))
                assert (await third).number == FIRST
                await settle(waiting)
                await readers[1].aclose()
                assert (await waiting).number == FIRST + 1
            elif ends == "leaves":
                await readers[0].aclose()
                assert (await third).number == FIRST
            else:
                third.cancel()
                await asyncio.wait([third])
                await readers[1].aclose()
                readers.append(follow(orders, FIRST))
                assert (await anext(readers[-1])).number == FIRST
            for each in (*readers, small):
                await each.aclose()
        assert shared._free == 3 * LARGE

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_block_that_is_larger_than_all_room__is_read_alone(channel: Channel) -> None:
    async def scene() -> None:
        async with Orderer(channel, count=1, timeout_s=0, room=Room(LARGE)) as orders:
            one, other = follow(orders, FIRST), follow(orders, FIRST)
            assert (await anext(one)).number == FIRST
            waiting = asyncio.ensure_future(anext(other))
            await settle(waiting)
            await one.aclose()
            assert (await waiting).number == FIRST
            await other.aclose()

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_reader_that_waits_for_room__is_told_when_its_block_is_taken_back(
    channel: Channel,
) -> None:
    async def scene() -> None:
        async with Orderer(channel, count=1, timeout_s=0, room=Room(LARGE)) as orders:
            one, other = follow(orders, FIRST), follow(orders, FIRST + 2)
            await anext(one)
            waiting = asyncio.ensure_future(anext(other))
            await settle(waiting)
            async with orders.paused():
                channel.revert(FIRST + 1)
            await one.aclose()
            with pytest.raises(LedgerUnavailable, match="took blocks back"):
                await waiting

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_recent_blocks__are_bounded_in_bytes__and_the_newest_stays(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "RECENT_BYTES", 3 * LARGE)

    async def scene() -> None:
        async with Orderer(channel, count=1, timeout_s=0) as orders:
            for size, kept in ((LARGE, 1), (LARGE, 2), (LARGE, 2), (4 * LARGE, 1)):
                draft = Draft([puts({"k": b"v" * size})])
                await orders.submit(draft.envelope())
                block = (await orders.wait_for(draft.transaction_id)).block
                assert [each.number for each in orders._recent.blocks][-1] == block
                assert len(orders._recent.blocks) == kept

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_room__is_all_there_again__whoever_leaves_at_whichever_moment() -> None:
    async def scene() -> None:
        shared, dice = Room(2 * LARGE), random.Random(5)

        async def read() -> None:
            taken = await shared.take(dice.choice((1, LARGE, LARGE + 1, 9 * LARGE)))
            try:
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
                    assert shared._free >= 0
            finally:
                shared.give_back(taken)

        for _ in range(100):
            readers = [asyncio.create_task(read()) for _ in range(6)]
            for each in readers:
                if dice.random() < 0.5:
                    for _ in range(dice.randrange(3)):
                        await asyncio.sleep(0)
                    each.cancel()
            await asyncio.wait(readers)
            assert (shared._free, len(shared._waiting)) == (2 * LARGE, 0)

    asyncio.run(asyncio.wait_for(scene(), 30))
