"""Threat A60: two organisations' processes that differ in everything answer alike to the byte."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from random import Random
from typing import Any

import pytest
from tests.chaincode.scripted_peer import Message, sign_as
from tests.chaincode.test_clock_of_organisations import CLOCK
from tests.chaincode.two_processes import (
    MACHINES,
    calls_of_goods,
    find_difference,
    host_of,
    peer_at,
)

pytestmark = [pytest.mark.processes, pytest.mark.lasts(10)]


def play(chaincode: str, count: int, seed: int = 60) -> Any:
    """The first difference between two processes over so many calls; None when there is none."""

    async def run(addresses: list[str]) -> Any:
        async with AsyncExitStack() as stack:
            peers = [await stack.enter_async_context(peer_at(each)) for each in addresses]
            first = peers[0].make_call("Org1MSP", "Org2MSP", kind=Message.INIT)
            clock = sign_as("Org1MSP", CLOCK)
            calls = calls_of_goods(peers[0], Random(seed), count, clock)
            found = await find_difference(peers, [first, *calls])
            if found is None:
                assert peers[0].state == peers[1].state and len(peers[0].state) > 5
            return found

    with ExitStack() as stack:
        addresses = [stack.enter_context(host_of(chaincode, machine)) for machine in MACHINES]
        return asyncio.run(run(addresses))


def test_a60_two_unlike_processes__answer_alike() -> None:
    assert play("tests.chaincode.goods:Goods", 250) is None


@pytest.mark.soak
def test_a60_two_unlike_processes__answer_ten_thousand_calls_alike() -> None:
    for seed in range(10):
        assert play("tests.chaincode.goods:Goods", 1_000, seed) is None


@pytest.mark.parametrize("careless", ["OfSets", "OfZones", "OfPlaces", "OfAddresses"])
def test_a60_a_careless_chaincode__is_found(careless: str) -> None:
    assert play(f"tests.chaincode.goods:{careless}", 250) is not None
