"""Threat A60: two organisations' processes that differ in everything answer alike to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from tests.chaincode.clock_certificate import CLOCK
from tests.chaincode.scripted_peer import Message, ScriptedPeer, sign_as
from tests.chaincode.two_processes import calls_of_goods, compare

pytestmark = [pytest.mark.processes, pytest.mark.lasts(5)]


def play(name: str, count: int, seed: int = 60) -> Sequence[bytes]:
    """Functions that are answered differently, over so many calls of a chaincode of goods."""

    def make_calls(peer: ScriptedPeer) -> list[Any]:
        first = peer.make_call("Org1MSP", "Org2MSP", kind=Message.INIT)
        clock = sign_as("Org1MSP", CLOCK)
        return [first, *calls_of_goods(peer, Random(seed), count, clock)]

    return compare(f"tests.chaincode.goods:{name}", make_calls)


def test_a60_two_unlike_processes__answer_alike() -> None:
    assert play("Goods", 200) == []


@pytest.mark.soak
def test_a60_two_unlike_processes__answer_ten_thousand_calls_alike() -> None:
    for seed in range(10):
        assert play("Goods", 1_000, seed) == []


def test_a60_each_carelessness__is_found() -> None:
    assert set(play("CarelessGoods", 200)) == {b"mark", b"before", b"of", b"fail"}
