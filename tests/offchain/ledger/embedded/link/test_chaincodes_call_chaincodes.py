"""Chaincodes that call one another: in the same channel, in another, in a circle, too deep."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.embedded.endorsing_world import (
    CHANNEL,
    ORG1,
    ORG2,
    World,
    client_of,
    endorsing,
)
from tests.offchain.ledger.embedded.kept_channels import KeptView
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf
from tests.offchain.ledger.embedded.stubborn_chaincode import Stubborn

from edgemark.ledger.embedded.definitions import field_key
from edgemark.ledger.embedded.link.requests import Requests
from edgemark.ledger.embedded.simulation.endorsing import Simulated
from edgemark.ledger.fabric.wire.limits import MAX_DEPTH
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet, Write, parse_results

OTHER = "other"


def told(simulated: Simulated) -> Any:
    assert simulated.status == 200, simulated.message
    return json.loads(simulated.response)


def sets_of(simulated: Simulated) -> dict[str, NamespaceSet]:
    return {each.namespace: each for each in parse_results(simulated.results)}


async def shelves(world: World, stack: AsyncExitStack, *names: str, **more: Any) -> None:
    for name in names:
        await stack.enter_async_context(world.running(name, Shelf(), **more))


def test_the_called_one_s_writes__join_under_its_namespace(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, AsyncExitStack() as stack:
            await shelves(world, stack, "a", "b")
            endorsed = await world.endorse("a", "call", "b", "", "put", "k", "v")
            assert told(endorsed.simulated) == [200, "", "kept"]
            held = sets_of(endorsed.simulated)
            assert held["b"].writes == (Write("k", b"v"),)
            assert "a" not in held
            reads = {read.key for read in held[LIFECYCLE].reads}
            assert reads == {field_key(name, "Sequence") for name in "ab"}
            assert endorsed.simulated.event == b""  # the called one's is nobody's

    asyncio.run(play())


def test_the_called_one_s_error__is_the_caller_s_to_judge(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, AsyncExitStack() as stack:
            await shelves(world, stack, "a", "b")
            endorsed = await world.endorse("a", "call", "b", "", "refuse", "k")
            assert told(endorsed.simulated) == [500, "no such thing", ""]
            assert sets_of(endorsed.simulated)["b"].writes == (Write("k", b"x"),)

    asyncio.run(play())


def test_a_circle__is_refused(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, AsyncExitStack() as stack:
            await shelves(world, stack, "a", "b")
            asked = world.ask("a", "call", "b", "", "call", "a", "", "get", "k")
            simulated = (await world.put_to(asked)).simulated
            status, message, _ = told(simulated)
            assert status == 500
            assert f"txid: {asked[0].transaction_id}({CHANNEL}) exists" in message
            itself = (await world.endorse("a", "call", "a", "", "get", "k")).simulated
            assert itself.status == 500
            assert "exists" in itself.message

    asyncio.run(play())


def test_another_channel_s_chaincode__reads_and_does_not_write(made_organisations: Path) -> None:
    async def play() -> None:
        channels = (CHANNEL, OTHER)
        async with (
            endorsing(made_organisations, channels=channels) as world,
            AsyncExitStack() as stack,
        ):
            await shelves(world, stack, "a")
            await shelves(world, stack, "b", channels=(OTHER,))
            world.channels[OTHER].put("b", "k", b"there")
            found = await world.endorse("a", "call", "b", OTHER, "get", "k")
            assert told(found.simulated) == [200, "", "there"]
            wrote = await world.endorse("a", "call", "b", OTHER, "put", "k", "v")
            assert told(wrote.simulated)[0] == 200
            assert set(sets_of(wrote.simulated)) == {LIFECYCLE}
            assert all(view.is_closed for view in world.channels[OTHER].views)

    asyncio.run(play())


def test_another_channel__is_closed_to_whom_it_does_not_know(made_organisations: Path) -> None:
    async def play() -> None:
        channels = (CHANNEL, OTHER)
        async with (
            endorsing(made_organisations, channels=channels) as world,
            AsyncExitStack() as stack,
        ):
            await shelves(world, stack, "a", by=(ORG1, ORG2), channels=channels)
            await shelves(world, stack, "b", by=(ORG1, ORG2), channels=(OTHER,))
            organisations = world.organisations.organisations
            world.channels[OTHER].organisations = {ORG1: organisations[ORG1]}
            stranger = client_of(world.organisations, ORG2)
            call = ("call", "b", OTHER, "get", "k")
            refused = (await world.endorse("a", *call, by=stranger)).simulated
            assert refused.status == 500
            assert "is of another organisation" in refused.message
            absent = (await world.endorse("a", *call, at=ORG2)).simulated
            assert absent.status == 500
            assert "failed to find ledger for channel: other" in absent.message
            nowhere = (await world.endorse("a", "call", "b", "none", "get", "k")).simulated
            assert "failed to find ledger for channel: none" in nowhere.message

    asyncio.run(play())


def test_a_chaincode_that_is_not_defined__is_refused(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, AsyncExitStack() as stack:
            await shelves(world, stack, "a")
            refused = (await world.endorse("a", "call", "none", "", "get", "k")).simulated
            assert refused.status == 500
            assert "chaincode none has been successfully defined" in refused.message

    asyncio.run(play())


def test_depth__has_a_bound(made_organisations: Path) -> None:
    async def play() -> None:
        names = [f"c{number}" for number in range(MAX_DEPTH + 1)]
        async with endorsing(made_organisations) as world, AsyncExitStack() as stack:
            await shelves(world, stack, *names)
            for count, status in ((MAX_DEPTH, 200), (MAX_DEPTH + 1, 500)):
                arguments = [part for name in names[1:count] for part in ("call", name, "")]
                simulated = (await world.endorse("c0", *arguments, "put", "k", "v")).simulated
                assert ("too deep" in f"{simulated.message}{simulated.response!r}") == (
                    status == 500
                )
                assert (names[count - 1] in sets_of(simulated)) == (status == 200)

    asyncio.run(play())


def test_who_goes_away__ends_the_called_one_before_its_state_is_closed(
    made_organisations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    close, close_view = Requests.close, KeptView.close
    monkeypatch.setattr(Requests, "close", lambda one: (ended.append("call"), close(one))[1])
    monkeypatch.setattr(KeptView, "close", lambda one: (ended.append("view"), close_view(one))[1])

    async def play() -> None:
        async with endorsing(made_organisations) as world, AsyncExitStack() as stack:
            await shelves(world, stack, "a")
            await stack.enter_async_context(world.running("b", Stubborn("b")))
            asked = asyncio.create_task(world.endorse("a", "call", "b", "", "hang"))
            await asyncio.sleep(0.5)
            ended.clear()
            asked.cancel()
            await asyncio.wait([asked])
            assert ended == ["call", "call", "view"]

    asyncio.run(play())
