"""Judges that never registered, refuse or stay mute stand first: the honest ones are asked too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing.cast import (
    DOMAIN,
    JUDGE_ADDRESSES,
    NODE_ADDRESSES,
    key_of_role,
    right_answer,
    small_order,
)

from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import Address, ShareIndex
from edgemark.identity.registry import EndpointInvalid
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.station import EvmStation
from edgemark.party.inquiry import ask_each, ask_until_one
from edgemark.party.standing import Standing
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.refusals import RefusedAnswers
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.transport.asking.line import wanted

ORDER, ONE = small_order(), ShareIndex(1)
JOB = DeviceJob(order=ORDER)
TASK, ANSWER = ORDER.tasks[0], right_answer(ORDER, 1)
FIRST, LAST = JUDGE_ADDRESSES[0], JUDGE_ADDRESSES[-1]
BAD_ENTRIES = {
    "never registered": RefusedInput("is no registered server", had="NONE"),
    "registered no endpoint that is one": EndpointInvalid("registered an endpoint that is none"),
}


def _nothing(*_: object, **__: object) -> None:
    """Says nothing."""


def station_where(bad: Exception, answer: bytes, account: object = None) -> Any:
    """A station that asks as the real one does; the entry of every judge but the last is bad."""
    station: Any = SimpleNamespace(
        chain=SimpleNamespace(now=lambda: 1_000),
        settlement=SimpleNamespace(
            domain=DOMAIN, index=lambda *_, **__: SimpleNamespace(committed=False)
        ),
        keys=SimpleNamespace(account=account),
        visitor=SimpleNamespace(card_for=lambda _: ""),
        client=SimpleNamespace(request=lambda *_, **__: answer),
        standing=Standing(),
    )

    def entry(judge: Address) -> object:
        if judge != LAST:
            raise bad
        return SimpleNamespace(endpoint="https://x", pin=b"")

    station.server = entry
    station.ask = lambda *words, **rest: EvmStation.ask(station, *words, **rest)
    return station


def node_at(station: Any) -> Any:
    node: Any = ComputeNode.__new__(ComputeNode)
    node.station, node.log = station, SimpleNamespace(debug=_nothing)
    return node


def summoned() -> Any:
    offer = SimpleNamespace(
        job=ORDER.job, index=ONE, terms=ORDER.terms, root=ORDER.root, judges=JUDGE_ADDRESSES
    )
    return SimpleNamespace(known=offer, deadline=lambda _: 70.0)


@pytest.mark.parametrize("entry", BAD_ENTRIES)
def test_a_node__gets_its_task_from_the_last_judge(entry: str) -> None:
    station = station_where(BAD_ENTRIES[entry], TASK.to_wire(), key_of_role("node 1"))
    assert node_at(station)._fetch_task(summoned()) == TASK


@pytest.mark.parametrize("entry", BAD_ENTRIES)
def test_a_device__gets_the_answer_from_the_last_judge(entry: str) -> None:
    device: Any = Device.__new__(Device)
    device.station = station_where(BAD_ENTRIES[entry], ANSWER.to_wire())
    device.log, device.refusals = SimpleNamespace(debug=_nothing), RefusedAnswers()
    assert device._fetch_from_judges(JOB, ONE) == ANSWER


def test_the_planted_loop__stops_at_a_judge_that_never_registered() -> None:
    station = station_where(BAD_ENTRIES["never registered"], b"")

    def fetch() -> bytes:  # as both loops were: only what a peer says wrong leads to the next one
        for judge in JUDGE_ADDRESSES:
            try:
                raw: bytes = station.ask(judge, "/v1/tasks/read", b"", most=10)
            except PeerFault:
                continue
            return raw
        raise TryAgain("no judge gave the task")

    with pytest.raises(TryAgain, match="is no registered server"):
        fetch()


# --- whoever says nothing -----------------------------------------------------------------------


def mute_until(released: threading.Event, *talking: Address) -> Callable[[Address], Address]:
    def ask(peer: Address) -> Address:
        if peer not in talking:
            assert released.wait(60)
            raise TryAgain("too slow")
        return peer

    return ask


def test_mute_peers__hold_up_neither_the_first_answer_nor_one_another() -> None:
    released = threading.Event()
    try:
        ask = mute_until(released, LAST)
        found = ask_until_one(JUDGE_ADDRESSES, ask, what="none", who="x", pause_s=0.001)
        assert found == LAST
    finally:
        released.set()


def test_an_answer_that_comes_late__is_still_taken() -> None:
    everybody_asked, order = threading.Event(), list[Address]()

    def ask(peer: Address) -> Address:
        order.append(peer)
        if peer == LAST:
            everybody_asked.set()
            raise EndpointInvalid("none")
        assert everybody_asked.wait(60)
        if peer != FIRST:
            raise TryAgain("has none")
        return peer

    assert ask_until_one(JUDGE_ADDRESSES, ask, what="none", who="x", pause_s=0.001) == FIRST
    count = len(JUDGE_ADDRESSES)
    assert order[:count] == list(JUDGE_ADDRESSES)
    assert FIRST not in order[count:]  # where the first is slow to end, the others are asked again


def test_a_chain_that_does_not_answer__is_no_peers_fault() -> None:
    def ask(_: Address) -> None:
        raise LedgerUnavailable("no chain")

    with pytest.raises(LedgerUnavailable):
        ask_until_one(JUDGE_ADDRESSES, ask, what="none", who="x")
    with pytest.raises(LedgerUnavailable):
        ask_each(JUDGE_ADDRESSES, ask)
    with pytest.raises(TryAgain, match="nobody"):
        ask_until_one([], ask, what="nobody had it", who="x")


def test_the_last_round_before_decoding__asks_all_nodes_at_once() -> None:
    """Each node answers only when all of them were asked; one after the other none would."""
    together = threading.Barrier(len(ORDER.nodes))

    def fetch(_: object, index: ShareIndex) -> Any:
        together.wait(60)
        if index == 2:
            raise TryAgain("too slow")
        if index == 3:
            raise RefusedInput("is no registered server")
        return right_answer(ORDER, index)

    device: Any = Device.__new__(Device)
    device._fetch_answer = fetch
    silent = [ShareIndex(j) for j in range(1, len(NODE_ADDRESSES) + 1)]
    found = device._ask_again(JOB, silent)
    assert [answer.index for answer in found] == [1, 4, 5, 6]


def test_who_has_not_had_its_turn_when_another_gave_it__is_not_asked() -> None:
    gave, looked, was_wanted = threading.Event(), threading.Event(), list[bool]()

    def ask(peer: Address) -> Address:
        if peer == FIRST:
            gave.wait(10)
            return peer
        was_wanted.append(wanted.get()())
        gave.set()
        while wanted.get()():
            time.sleep(0.001)
        looked.set()
        raise PeerFault("had no turn")

    found = ask_until_one(JUDGE_ADDRESSES[:2], ask, what="nobody", who="index 1", pause_s=0.01)
    assert found == FIRST
    assert looked.wait(10)
    assert was_wanted == [True]
    assert wanted.get()()
