"""Processes that break the protocol: the transaction fails typed, and the ledger goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.ledger.embedded.endorsing_world import endorsing, package_id_of
from tests.offchain.ledger.embedded.scripted_process import (
    Message,
    Process,
    for_ever,
    meet,
    scripted,
    serve_well,
)

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.link.requests import ANSWERS, INVOKE
from edgemark.ledger.embedded.link.stream import MAX_STRAYS
from edgemark.ledger.embedded.simulation import recording
from edgemark.ledger.embedded.simulation.faults import (
    ChaincodeBroke,
    ChaincodeEnded,
    ChaincodeSilent,
    NotSimulated,
)
from edgemark.ledger.fabric.wire.envelopes import Event, parse_event
from edgemark.ledger.fabric.wire.read_write_sets import parse_results

GET = protocol.GetState(key="k").SerializeToString()
SHORT_S = 0.3


def test_an_unknown_first_message__ends_the_stream(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.send(Message.GET_STATE, payload=GET)
        await for_ever()

    meet(made_organisations, script, ChaincodeBroke, "handshake is wrong")


def test_another_name__is_not_taken(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        name = chaincode_pb2.ChaincodeID(name=package_id_of("other")).SerializeToString()
        await process.send(Message.REGISTER, payload=name)
        await for_ever()

    meet(made_organisations, script, ChaincodeBroke, "registers as another chaincode")


def test_a_first_message_of_rubbish__ends_the_stream(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.send_raw(b"\xff\xff\xff")
        await for_ever()

    meet(made_organisations, script, EdgemarkError, "no message of the protocol")


def test_a_process_that_does_not_register__is_not_waited_for(made_organisations: Path) -> None:
    async def play() -> None:
        async def script(process: Process) -> None:
            await for_ever()

        async with endorsing(made_organisations) as world, scripted(world, script) as port:
            where = {"dial_timeout_s": SHORT_S}
            world.know("bad", f"127.0.0.1:{port}", connection=where)
            with pytest.raises(ChaincodeSilent, match="cannot be reached"):
                await world.endorse("bad", "x")

    asyncio.run(play())


def test_nobody_there__is_said_with_the_address(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world:
            async with scripted(world, serve_well) as port:
                pass
            world.know("bad", f"127.0.0.1:{port}", connection={"dial_timeout_s": SHORT_S})
            with pytest.raises(ChaincodeSilent, match=f"127.0.0.1:{port}"):
                await world.endorse("bad", "x")

    asyncio.run(play())


def test_a_process_that_never_answers__times_out(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        await for_ever()

    words = "timeout expired while executing transaction"
    meet(made_organisations, script, ChaincodeSilent, words, timeout_s=SHORT_S)


@pytest.mark.parametrize("is_abrupt", [False, True])
def test_a_process_that_ends_in_a_transaction__fails_all_of_them(
    made_organisations: Path, is_abrupt: bool
) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        asked = await process.take()
        await process.ask(Message.PUT_STATE, asked, b"\x0a\x01k")
        if is_abrupt:
            await process.context.abort(14, "gone")

    meet(made_organisations, script, ChaincodeEnded, "chaincode stream terminated")


def test_an_answer_for_another_transaction__is_none(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        asked = await process.take()
        await process.complete(asked, txid="f" * 64)
        await process.complete(asked, channel_id="other")
        await for_ever()

    meet(made_organisations, script, ChaincodeSilent, "timeout expired", timeout_s=SHORT_S)


def test_a_second_answer__counts_for_nothing(made_organisations: Path) -> None:
    async def play() -> None:
        async def script(process: Process) -> None:
            await process.shake_hands()
            while True:
                asked = await process.take()
                await process.complete(asked, b"first")
                await process.complete(asked, b"second")

        async with endorsing(made_organisations) as world, scripted(world, script):
            for _ in range(5):
                assert await world.do("bad", "x") == b"first"

    asyncio.run(play())


def test_writes_after_the_answer__are_refused(made_organisations: Path) -> None:
    async def play() -> None:
        heard: list[Any] = []

        async def script(process: Process) -> None:
            await process.shake_hands()
            asked = await process.take()
            put = protocol.PutState(key="k", value=b"v").SerializeToString()
            await process.complete(asked)
            heard.append(await process.ask(Message.PUT_STATE, asked, put))
            await for_ever()

        async with endorsing(made_organisations) as world, scripted(world, script):
            endorsed = await world.endorse("bad", "x")
            held = {each.namespace for each in parse_results(endorsed.simulated.results)}
            assert "bad" not in held
            while not heard:
                await asyncio.sleep(0)
            assert heard[0].type == Message.ERROR

    asyncio.run(play())


def test_a_flood_of_strays__ends_the_stream(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        asked = await process.take()
        for _ in range(MAX_STRAYS + 1):
            await process.complete(asked, txid="f" * 64)
        await for_ever()

    meet(made_organisations, script, ChaincodeBroke, "floods")


def test_a_flood_of_requests__is_bounded_by_what_a_transaction_may_read(
    made_organisations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MAX_KEYS_OF_TRANSACTION", 300)

    async def play() -> None:
        heard: list[Any] = []

        async def script(process: Process) -> None:
            await process.shake_hands()
            asked = await process.take()
            for number in range(1_000):
                key = protocol.GetState(key=f"k{number}").SerializeToString()
                heard.append(await process.ask(Message.GET_STATE, asked, key))
                if heard[-1].type == Message.ERROR:
                    break
            await process.complete(asked)
            await for_ever()

        async with endorsing(made_organisations) as world, scripted(world, script):
            assert await world.do("bad", "x") == b"done"
            assert b"too many keys" in heard[-1].payload
            assert len(heard) == 300  # its own definition is the first

    asyncio.run(play())


@pytest.mark.parametrize("kind", [Message.REGISTER, Message.READY, Message.TRANSACTION, 12, 99])
def test_a_message_that_is_none_of_a_chaincode_s__ends_the_stream(
    made_organisations: Path, kind: int
) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        await process.send(kind, await process.take())
        await for_ever()

    meet(made_organisations, script, ChaincodeBroke, "none of a chaincode's")


def test_an_answer_that_is_no_response__is_refused(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        await process.send(Message.COMPLETED, await process.take(), b"\xff\xff")
        await for_ever()

    meet(made_organisations, script, ChaincodeBroke, "answer is no response")


def test_an_answer_by_error__is_the_failure_it_says(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        await process.send(Message.ERROR, await process.take(), b"as old shims do")
        await for_ever()

    words = "transaction returned with failure: as old shims do"
    meet(made_organisations, script, NotSimulated, words)


def test_an_event__gets_its_chaincode_and_transaction_from_the_ledger(
    made_organisations: Path,
) -> None:
    async def play() -> None:
        async def script(process: Process) -> None:
            await process.shake_hands()
            told = chaincode_event_pb2.ChaincodeEvent(
                event_name="put", payload=b"x", chaincode_id="another", tx_id="another"
            )
            await process.complete(await process.take(), chaincode_event=told)
            await for_ever()

        async with endorsing(made_organisations) as world, scripted(world, script):
            asked = world.ask("bad", "x")
            endorsed = await world.put_to(asked)
            event = Event("bad", asked[0].transaction_id, "put", b"x")
            assert parse_event(endorsed.simulated.event) == event

    asyncio.run(play())


def test_an_event_above_its_bound__is_refused(made_organisations: Path) -> None:
    async def script(process: Process) -> None:
        await process.shake_hands()
        told = chaincode_event_pb2.ChaincodeEvent(event_name="e", payload=b"x" * 1024 * 1024)
        await process.complete(await process.take(), chaincode_event=told)
        await for_ever()

    meet(made_organisations, script, NotSimulated, "event is too long")


KINDS = st.sampled_from([*ANSWERS, INVOKE, Message.COMPLETED, Message.ERROR])
PAYLOADS = st.binary(max_size=30) | st.builds(
    lambda key: protocol.GetState(key=key).SerializeToString(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)


@given(st.lists(st.tuples(KINDS, PAYLOADS, st.booleans()), max_size=12))
def test_any_messages__leave_the_ledger_at_work(
    made_organisations: Path, sent: list[tuple[int, bytes, bool]]
) -> None:
    async def play() -> None:
        async def script(process: Process) -> None:
            await process.shake_hands()
            asked = await process.take()
            for kind, payload, is_ours in sent:
                more = {} if is_ours else {"txid": "e" * 64}
                await process.send(kind, asked, payload, **more)
            await process.complete(asked)
            await for_ever()

        async with endorsing(made_organisations, timeout_s=2) as world:
            async with scripted(world, script) as port:
                try:
                    await world.endorse("bad", "x")
                except EdgemarkError as error:
                    assert str(error)
            async with scripted(world, serve_well, port=port):
                assert await world.do("bad", "x") == b"done"

    asyncio.run(play())
