"""The orderer: blocks cut by count and time, waits that end, bounds, and what a cancel leaves."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from tests.offchain.ledger.embedded.channel.small_orders import drafts, play
from tests.offchain.ledger.embedded.consortium import (
    firm,
)

from edgemark.errors import Overloaded
from edgemark.ledger.embedded.channel import ordering
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.ordering import Orderer
from edgemark.ledger.embedded.state.store import MAX_HEIGHTS
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.codes import Code


def test_envelopes__are_cut_by_count__and_their_waits_end(channel: Channel) -> None:
    async def scene() -> None:
        many = drafts(7)
        async with Orderer(channel, count=3, timeout_s=0.05) as ordering:
            waits = [asyncio.create_task(ordering.wait_for(each.transaction_id)) for each in many]
            for each in many:
                await ordering.submit(each.envelope())
            found = await asyncio.gather(*waits)
            assert [each.block for each in found] == [2, 2, 2, 3, 3, 3, 4]
            assert {each.code for each in found} == {Code.VALID}
            assert await ordering.wait_for(many[0].transaction_id) == found[0]

    play(scene())


def test_block__is_cut_by_time__when_few_come(channel: Channel) -> None:
    async def scene() -> None:
        (one,) = drafts(1)
        async with Orderer(channel, count=100, timeout_s=0.01) as ordering:
            await ordering.submit(one.envelope())
            assert (await ordering.wait_for(one.transaction_id)).block == 2

    play(scene())


def test_transactions_that_come_one_by_one__wait_for_nobody__but_for_as_long_as_was_said(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def wait(_: asyncio.Event, timeout_s: float) -> None:
        waited.append(timeout_s)

    monkeypatch.setattr(ordering, "wait_at_most", wait)

    async def scene(timeout_s: float) -> list[int]:
        """How often somebody had waited: after one alone, again, after two at once, and behind."""
        seen = []
        waited.clear()
        async with Orderer(channel, count=100, timeout_s=timeout_s) as one:
            for count in (1, 1, 2, 1, 1):
                many = drafts(count)
                for each in many:
                    await one.submit(each.envelope())
                for each in many:
                    await one.wait_for(each.transaction_id)
                seen.append(len(waited))
        return seen

    async def scenes() -> None:
        assert await scene(ordering.SHORT_S) == [0, 0, 1, 2, 2]
        assert await scene(2 * ordering.SHORT_S) == [1, 2, 3, 4, 5]

    play(scenes())


def test_transactions_that_come_together__wait_for_those_being_endorsed__and_no_longer(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "GATHER_S", 60.0)

    async def scene() -> None:
        first, second, third = drafts(3)
        async with Orderer(channel, count=100, timeout_s=ordering.SHORT_S) as one:
            with one.expected:
                with one.expected:
                    await one.submit(first.envelope())
                    await one.submit(second.envelope())
                await asyncio.sleep(5 * ordering.SHORT_S)
                await one.submit(third.envelope())
                assert await asyncio.to_thread(channel.status, first.transaction_id) is None
            blocks = {(await one.wait_for(each.transaction_id)).block for each in (first, third)}
            assert blocks == {2}

    play(scene())


def test_followers__see_every_block_once__in_order__those_to_come_too(channel: Channel) -> None:
    async def follow(ordering: Orderer, start: int, seen: list[Block]) -> None:
        async for block in ordering.blocks_from(start):
            seen.append(block)
            if block.number == 7:
                return

    async def scene() -> None:
        async with Orderer(channel, count=1, timeout_s=0) as ordering:
            starts = (0, 1, 2, 5)
            seen: list[list[Block]] = [[] for _ in starts]
            following = [
                asyncio.create_task(follow(ordering, start, into))
                for start, into in zip(starts, seen, strict=True)
            ]
            await asyncio.sleep(0)
            for each in drafts(6):
                await ordering.submit(each.envelope())
            await asyncio.gather(*following)
            for start, into in zip(starts, seen, strict=True):
                assert [each.number for each in into] == list(range(start, 8))
                assert [each.to_bytes() for each in into] == [
                    channel.block(number) for number in range(start, 8)
                ]

    play(scene())


def test_client_that_stops_waiting__takes_nothing_back(channel: Channel) -> None:
    async def scene() -> None:
        (one,) = drafts(1)
        async with Orderer(channel, count=10, timeout_s=0.05) as ordering:
            await ordering.submit(one.envelope())
            waiting = asyncio.create_task(ordering.wait_for(one.transaction_id))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert (await ordering.wait_for(one.transaction_id)).code is Code.VALID
            assert not ordering._waits._waiting
            assert ordering._waits.count == 0

    play(scene())


def test_closing__commits_what_was_taken__and_ends_other_waits(channel: Channel) -> None:
    async def scene() -> None:
        many = drafts(5)
        async with Orderer(channel, count=2, timeout_s=10) as ordering:
            for each in many:
                await ordering.submit(each.envelope())
            never = asyncio.create_task(ordering.wait_for("0" * 64))
            await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="closing"):
            await never
        with pytest.raises(Overloaded):
            await ordering.submit(many[0].envelope())
        assert all(channel.has_transaction(each.transaction_id) for each in many)

    play(scene())


def test_queue__is_bounded__by_number_and_by_bytes(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "MAX_QUEUED", 3)
    monkeypatch.setattr(ordering, "MAX_QUEUED_BYTES", 1000)

    async def scene() -> None:
        one = Orderer(channel, count=100, timeout_s=60)  # it does not run: nothing leaves the queue
        for _ in range(3):
            await one.submit(b"x")
        with pytest.raises(Overloaded, match="3 envelopes"):
            await one.submit(b"x")
        other = Orderer(channel, count=100, timeout_s=60)
        await other.submit(b"x" * 1000)
        with pytest.raises(Overloaded, match="1000 bytes"):
            await other.submit(b"x")

    play(scene())


def test_waits__are_bounded(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "MAX_WAITING", 2)

    async def scene() -> None:
        async with Orderer(channel, count=1, timeout_s=0) as one:
            waits = [asyncio.create_task(one.wait_for(f"{each}" * 64)) for each in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded, match="too many"):
                await one.wait_for("2" * 64)
            followed = [one.blocks_from(0) for _ in range(3)]  # who waits takes no place of theirs
            assert [(await anext(each)).number for each in followed[:2]] == [0, 0]
            with pytest.raises(Overloaded, match="too many"):
                await anext(followed[2])
            for other in followed:
                await other.aclose()  # type: ignore[attr-defined]
            for each in waits:
                each.cancel()
            await asyncio.wait(waits)
            assert (await anext(one.blocks_from(0))).number == 0

    play(scene())


def test_heights_that_others_hold__keep_no_block_from_being_made(channel: Channel) -> None:
    async def scene() -> None:
        many = drafts(MAX_HEIGHTS + 6)
        async with Orderer(channel, count=1, timeout_s=0) as one:
            with ExitStack() as held:
                for place, each in enumerate(many):
                    if place < MAX_HEIGHTS:
                        held.enter_context(channel.view())
                    waiting = asyncio.create_task(one.wait_for(each.transaction_id))
                    await one.submit(each.envelope())
                    assert (await waiting).code is Code.VALID
                with pytest.raises(Overloaded, match="too many heights"):
                    channel.view()
                assert channel.status(many[-1].transaction_id) == (Code.VALID, 1 + len(many))
                with pytest.raises(Overloaded, match="too many heights"):
                    channel.view()
                channel.revert(2)
                assert channel.height == 2
            await one.submit(many[0].envelope())
            assert (await one.wait_for(many[0].transaction_id)).block == 2
            with channel.view() as view:
                assert view.height == 3

    play(scene())


def test_new_configuration__is_told_to_followers__and_counts_from_the_next_block(
    channel: Channel,
) -> None:
    async def scene() -> None:
        async with Orderer(channel, count=1, timeout_s=0) as one:
            follower = asyncio.create_task(anext(one.blocks_from(2)))
            await asyncio.sleep(0)
            new = channel.configuration.with_organisation(firm("Org2MSP").organisation)
            block = await one.reconfigure(new)
            assert (await follower).to_bytes() == block.to_bytes()
            assert channel.configuration.sequence == 1

    play(scene())


def test_pause__commits_what_was_taken__and_lets_blocks_be_taken_back(channel: Channel) -> None:
    async def scene() -> None:
        first, later, again = drafts(3)
        async with Orderer(channel, count=10, timeout_s=5) as one:
            await one.submit(first.envelope())
            async with one.paused():
                assert channel.has_transaction(first.transaction_id)
                await one.submit(later.envelope())
                channel.revert(2)
            async with one.paused():
                assert not channel.has_transaction(first.transaction_id)
                assert channel.status(later.transaction_id) == (Code.VALID, 2)
            await one.submit(again.envelope())
            assert (await anext(one.blocks_from(2))).number == 2

    play(scene())


def test_pause_that_ends_in_an_error__forgets_blocks_that_are_gone(channel: Channel) -> None:
    async def scene() -> None:
        first, other = drafts(2)
        async with Orderer(channel, count=1, timeout_s=0) as one:
            await one.submit(first.envelope())
            await one.wait_for(first.transaction_id)
            with pytest.raises(OSError, match="half-way"):
                async with one.paused():
                    channel.revert(2)
                    raise OSError("half-way")
            await one.submit(other.envelope())
            await one.wait_for(other.transaction_id)
            block = await anext(one.blocks_from(2))
            assert block.to_bytes() == channel.block(2)

    play(scene())
