"""The clocks: never back, never ahead of their transaction, and the lower median of all."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chaincode.clock_certificate import CLOCK, certify
from tests.chaincode.scripted_peer import Message, ScriptedPeer, peer_of, sign_as

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark_chaincode.clock import (
    ATTRIBUTE,
    Clock,
    Clocks,
    ClockWrong,
    NoClock,
    Tick,
    admit,
    answer_clock,
    check_organisations,
    clock_key,
    compute_now,
    parse_seconds,
)
from edgemark_chaincode.records import encode_record
from edgemark_chaincode.shim.interface import Chaincode, Response, error, success
from edgemark_chaincode.shim.stub import ChaincodeStub

SECONDS = st.integers(0, 2**33).map(Timestamp)
T = 1_800_000_000


class Dated(Chaincode):
    async def init(self, stub: ChaincodeStub) -> Response:
        await Clocks(stub).name_organisations(stub.get_string_args())
        return success()

    async def invoke(self, stub: ChaincodeStub) -> Response:
        return await answer_clock(stub) or error("another function")


def tick(msp_id: str, at: int, transaction_at: int = T) -> Tick:
    return Tick(msp_id, Timestamp(at), Timestamp(transaction_at))


def test_a_clock__goes_on_up_to_its_transaction() -> None:
    assert admit(None, tick("Org1", T), ["Org1"]) == Clock(Timestamp(T))
    assert admit(Clock(Timestamp(T - 30)), tick("Org1", T - 5), ["Org1"]).at == T - 5
    assert admit(Clock(Timestamp(T)), tick("Org1", T), ["Org1"]).at == T


@pytest.mark.parametrize(
    ("record", "request_", "fault"),
    [
        (Clock(Timestamp(T)), tick("Org1", T - 1), ClockWrong),
        (None, tick("Org1", T + 1), ClockWrong),
        (None, tick("Org3", T), NoClock),
    ],
)
def test_a_wrong_tick__is_refused(
    record: Clock | None, request_: Tick, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        admit(record, request_, ["Org1", "Org2"])


@given(st.lists(st.tuples(SECONDS, SECONDS), max_size=30))
def test_a_clock__never_goes_back_nor_ahead_whatever_is_asked(
    ticks: list[tuple[Timestamp, Timestamp]],
) -> None:
    record, latest = None, 0
    for at, transaction_at in ticks:
        before = record
        try:
            record = admit(record, Tick("Org1", at, transaction_at), ["Org1"])
        except ClockWrong:
            assert at > transaction_at or (before is not None and at < before.at)
            continue
        latest = max(latest, transaction_at)
        assert record.at == at <= latest and (before is None or record.at >= before.at)


@given(st.lists(SECONDS, min_size=1, max_size=9), st.randoms())
def test_now__is_shown_or_passed_by_half_and_no_order_changes_it(
    times: list[Timestamp], chance: object
) -> None:
    now = compute_now(times)
    assert now in times
    assert 2 * sum(time >= now for time in times) >= len(times)
    assert 2 * sum(time <= now for time in times) >= len(times)
    assert compute_now(list(reversed(times))) == now


def test_now__of_two_is_the_slower_one() -> None:
    assert compute_now([Timestamp(T), Timestamp(0)]) == 0
    assert compute_now([Timestamp(T), Timestamp(T - 7)]) == T - 7
    with pytest.raises(NoClock):
        compute_now([])


@given(st.lists(SECONDS, min_size=1, max_size=4), st.lists(SECONDS, max_size=3))
def test_now__cannot_be_moved_ahead_by_a_minority(
    honest: list[Timestamp], liars: list[Timestamp]
) -> None:
    few = liars[: len(honest) - 1]
    assert compute_now([*honest, *few]) <= max(honest)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "01", " 1", "1e9", "\u0661", "9" * 13, "x"])
def test_a_time_that_is_none__is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        parse_seconds(text)
    assert parse_seconds("0") == 0 and parse_seconds(str(T)) == T


@pytest.mark.parametrize(
    "names", [[], [""], ["A", "A"], ["A\n"], ["A" * 65], [f"O{n}" for n in range(65)]]
)
def test_organisations_that_are_none__are_refused(names: list[str]) -> None:
    with pytest.raises(RefusedInput):
        check_organisations(names)
    assert check_organisations(["B", "A"]).msp_ids == ("A", "B")


async def ask_now(peer: ScriptedPeer) -> bytes:
    return (await peer.call("clock/now")).payload


def test_ticks_of_both__move_the_time_of_the_chaincode() -> None:
    async def play() -> None:
        async with peer_of(Dated()) as peer:
            assert (await peer.call("clock/now")).status == 500
            await peer.call("Org2", "Org1", kind=Message.INIT)
            assert await ask_now(peer) == b"0"
            one, two = sign_as("Org1", CLOCK), sign_as("Org2", CLOCK)
            assert (await peer.call("clock/tick", str(T), creator=one)).status == 200
            assert await ask_now(peer) == b"0"
            told = await peer.call("clock/tick", str(T - 3), creator=two)
            assert (told.status, await ask_now(peer)) == (200, str(T - 3).encode())
            assert peer.state[clock_key("Org2")] == encode_record(Clock(Timestamp(T - 3)))
            listed = (await peer.call("clock/list")).payload
            assert listed == f'{{"Org1":{T},"Org2":{T - 3}}}\n'.encode()

    asyncio.run(play())


def test_a_tick_to_the_same_second__writes_nothing() -> None:
    async def play() -> None:
        async with peer_of(Dated()) as peer:
            await peer.call("Org1", kind=Message.INIT)
            for _ in range(2):
                told = await peer.call("clock/tick", str(T), creator=sign_as("Org1", CLOCK))
                assert told.status == 200
            writes = [each for each in peer.asked if each.type == Message.PUT_STATE]
            assert len(writes) == 2  # of init and of the first tick

    asyncio.run(play())


@pytest.mark.parametrize(
    ("creator", "arguments", "words"),
    [
        (sign_as("Org1", certify(None)), ["clock/tick", str(T)], "has not the attribute"),
        (sign_as("Org1", certify({})), ["clock/tick", str(T)], "has not the attribute"),
        (
            sign_as("Org1", certify({ATTRIBUTE: "false"})),
            ["clock/tick", str(T)],
            "has not the attribute",
        ),
        (sign_as("Org1", b"no PEM"), ["clock/tick", str(T)], "cannot be read"),
        (sign_as("Org9", CLOCK), ["clock/tick", str(T)], "has no clock here"),
        (sign_as("Org1", CLOCK), ["clock/tick", str(T + 1)], "goes ahead"),
        (sign_as("Org1", CLOCK), ["clock/tick", "soon"], "is no time"),
        (sign_as("Org1", CLOCK), ["clock/tick"], "has other arguments"),
        (sign_as("Org1", CLOCK), ["clock/now", "1"], "has other arguments"),
    ],
)
def test_a_tick_by_another__is_refused_and_writes_nothing(
    creator: bytes, arguments: list[str], words: str
) -> None:
    async def play() -> None:
        async with peer_of(Dated()) as peer:
            await peer.call("Org1", "Org2", kind=Message.INIT)
            before = dict(peer.state)
            told = await peer.call(*arguments, creator=creator)
            assert told.status == 500 and words in told.message
            assert peer.state == before

    asyncio.run(play())
