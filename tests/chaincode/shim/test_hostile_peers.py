"""Strangers and peers that break the protocol: no call gets another's answer, no process ends."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaincode.reader import Reader, still_serves
from tests.chaincode.scripted_peer import (
    Message,
    connected,
    peer_of,
    propose,
    respond,
    serving,
    sign_as,
    until,
)

from edgemark_chaincode.shim import stream as stream_module
from edgemark_chaincode.shim.faults import CallMalformed, StreamBroken
from edgemark_chaincode.shim.transaction import Transaction

RUBBISH = [
    b"\xff" * 9,
    Message(type=Message.TRANSACTION, txid="t").SerializeToString(),
    Message(type=Message.READY).SerializeToString(),
    Message(type=Message.RESPONSE, txid="t").SerializeToString(),
    Message(type=Message.REGISTER).SerializeToString(),
]


@pytest.mark.parametrize("first", RUBBISH)
def test_a_stranger_who_speaks_otherwise__is_sent_away(first: bytes) -> None:
    async def play() -> None:
        chaincode = Reader()
        async with serving(chaincode) as (_, address):
            async with connected(address) as peer:
                await peer.receive()
                await peer.send_raw(first)
                assert await peer.wait_for_end() == grpc.StatusCode.FAILED_PRECONDITION
            assert chaincode.begun == 0
            await still_serves(address)

    asyncio.run(play())


def test_a_stranger_who_says_nothing__is_sent_away() -> None:
    async def play() -> None:
        async def silence() -> Any:
            await asyncio.Event().wait()
            yield b""

        async def write(raw: bytes) -> None:
            del raw

        peer = stream_module.PeerStream(Reader(), "kv:1", handshake_s=0.05)
        with pytest.raises(StreamBroken, match="does not speak"):
            await peer.serve(silence(), write)

    asyncio.run(play())


def test_answers_for_others_or_twice__are_nobodys() -> None:
    values = {"a": b"1", "b": b"2"}

    def script(message: Any) -> list[Any]:
        """To the right call last; before it what is another's, and after it the same again."""
        key = protocol.GetState.FromString(message.payload).key
        right = respond(message, values[key])
        other = respond(message, b"WRONG")
        other.txid = "f" * 64
        elsewhere = respond(message, b"WRONG")
        elsewhere.channel_id = "elsewhere"
        return [other, elsewhere, right, *([other] if key == "a" else [respond(message, b"LATE")])]

    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.script = script
            told = await asyncio.gather(*(peer.call("both") for _ in range(8)))
            assert {each.payload for each in told} == {b"1+2"}

    asyncio.run(play())


def test_an_answer_given_twice__harms_no_other_call() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.state = {"a": b"1", "b": b"2"}
            twice = peer.make_call("both")

            def script(message: Any) -> list[Any]:
                answer = peer.answer(message)
                return [answer, answer] if message.txid == twice.txid else [answer]

            peer.script = script
            future = await peer.begin(twice)
            told = await asyncio.gather(*(peer.call("both") for _ in range(20)))
            assert {each.payload for each in told} == {b"1+2"}
            assert (await peer.end_of(future)).status == 200

    asyncio.run(play())


def test_a_call_that_comes_again__is_refused_and_what_ran_is_forgotten() -> None:
    """Its peer gave it up: what ran wrote into a read-write set that is gone."""

    async def play() -> None:
        chaincode = Reader()
        async with peer_of(chaincode) as peer:
            held = peer.hold()
            call = peer.make_call("both")
            future = await peer.begin(call)
            await until(lambda: held)
            peer.go_on()
            await peer.send(call)
            told = await peer.end_of(future)
            assert told.status == 500 and "when it came again" in told.message
            await peer.send(peer.answer(held[0]))  # for the one before
            again = await peer.end_of(await peer.begin(call))
            assert (again.status, again.payload) == (200, b"+")
            assert chaincode.begun == 2 and peer.strays == []
            assert [type(each) for each in chaincode.faults] == [asyncio.CancelledError]

    asyncio.run(play())


def test_a_forgotten_call_that_goes_on__answers_nothing() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            held = peer.hold()
            call = peer.make_call("stubborn")
            future = await peer.begin(call)
            await until(lambda: held)
            await peer.send(call)
            assert (await peer.end_of(future)).status == 500
            peer.go_on()
            for _ in range(5):
                assert (await peer.call("both")).status == 200
            assert peer.strays == []

    asyncio.run(play())


def test_questions_side_by_side_in_one_call__are_asked_one_after_the_other() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.state = {"a": b"1", "b": b"2"}
            assert (await peer.call("side by side")).payload == b"1+2"

    asyncio.run(play())


def test_a_question_that_was_given_up__ends_its_call() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.script = lambda _: []
            told = await peer.call("hasty")
            assert told.status == 500 and "was given up" in told.message

    asyncio.run(play())


def test_a_peer_that_never_answers__ends_the_call_in_the_end() -> None:
    async def play() -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        transaction = Transaction("market", "t", send, answer_s=0.05)
        with pytest.raises(StreamBroken, match="has not answered"):
            await transaction.ask(Message.GET_STATE, b"")
        assert not transaction.hear(respond(sent[0], b"late"))
        with pytest.raises(StreamBroken):
            await transaction.ask(Message.GET_STATE, b"")
        assert len(sent) == 1

    asyncio.run(play())


def test_another_chaincode__has_as_long_as_the_peer_gives_it() -> None:
    """It may stand in a debugger; the peer ends what takes too long, and the stream all of it."""

    async def play() -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        transaction = Transaction("market", "t", send, answer_s=0.05)
        asking = asyncio.create_task(transaction.ask(Message.INVOKE_CHAINCODE, b""))
        await asyncio.sleep(0.2)
        assert transaction.hear(respond(sent[0], b"of the other"))
        assert await asking == b"of the other"

    asyncio.run(play())


def test_a_second_answer_before_the_first_is_read__is_nobodys() -> None:
    async def play() -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        transaction = Transaction("market", "t", send)
        asking = asyncio.create_task(transaction.ask(Message.GET_STATE, b""))
        await until(lambda: sent)
        assert transaction.hear(respond(sent[0], b"first"))
        assert not transaction.hear(respond(sent[0], b"second"))
        assert await asking == b"first"
        assert not transaction.hear(respond(sent[0], b"third"))

    asyncio.run(play())


def test_a_peer_that_goes_in_the_middle__ends_its_calls_alone() -> None:
    async def play() -> None:
        chaincode = Reader()
        async with serving(chaincode) as (_, address):
            async with connected(address) as peer:
                await peer.shake_hands()
                peer.listen()
                peer.script = lambda _: []
                await peer.begin(peer.make_call("both"))
                await until(lambda: peer.asked)
            await until(lambda: chaincode.faults)
            assert isinstance(chaincode.faults[0], asyncio.CancelledError)
            await still_serves(address)

    asyncio.run(play())


def test_a_peer_that_goes__is_not_asked_to_close_iterators() -> None:
    async def play() -> None:
        chaincode = Reader()
        async with serving(chaincode) as (server, address):
            async with connected(address) as peer:
                await peer.shake_hands()
                peer.listen()
                peer.state = {key: b"v" for key in "abcde"}
                await peer.begin(peer.make_call("asleep"))
                await until(lambda: peer.open_cursors)
            await until(lambda: chaincode.faults and not server._streams)

    asyncio.run(play())


@pytest.mark.parametrize("kind", [Message.TRANSACTION, Message.INIT])
def test_a_call_that_cannot_be_read__is_answered(kind: int) -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            call = peer.make_call("both", kind=kind)
            call.payload = b"\xff\xff"
            assert "cannot be read" in (await peer.end_of(await peer.begin(call))).message
            call.ClearField("payload")
            call.proposal.proposal_bytes = b"\xff"
            assert "cannot be read" in (await peer.end_of(await peer.begin(call))).message

    asyncio.run(play())


def test_the_proposal_of_another_transaction__is_refused() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            call = peer.make_call("who")
            call.proposal.CopyFrom(propose(sign_as("Org9MSP"), b"another nonce"))
            told = await peer.end_of(await peer.begin(call))
            assert told.status == 500 and "has the proposal of another" in told.message

    asyncio.run(play())


def test_a_call_without_a_proposal__has_no_creator() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            call = peer.make_call("who")
            call.ClearField("proposal")
            told = await peer.end_of(await peer.begin(call))
            assert "came without a proposal" in told.message

    asyncio.run(play())


@pytest.mark.parametrize(
    "payload",
    [b"\xff\xff", protocol.QueryResponse(has_more=True, id="1").SerializeToString()],
)
def test_a_page_that_is_none__ends_its_call_alone(payload: bytes) -> None:
    async def play() -> None:
        chaincode = Reader()
        async with peer_of(chaincode) as peer:
            peer.script = lambda message: [respond(message, payload)]
            assert (await peer.call("list")).status == 500
            assert isinstance(chaincode.faults[0], CallMalformed)
            peer.go_on()
            assert (await peer.call("both")).status == 200

    asyncio.run(play())


MESSAGES = st.builds(
    lambda kind, txid, channel, payload: Message(
        type=kind, txid=txid, channel_id=channel, payload=payload
    ),
    st.sampled_from(sorted(set(Message.Type.values()))),
    st.sampled_from(["", "t", "u", "x" * 300]),
    st.sampled_from(["", "market"]),
    st.binary(max_size=20),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(MESSAGES.map(Message.SerializeToString), st.binary(max_size=30))))
def test_any_messages__leave_a_server_that_serves(messages: list[bytes]) -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address):
            async with connected(address) as peer:
                await peer.shake_hands()
                for raw in messages:
                    try:
                        await peer.send_raw(raw)
                    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                        break
            await still_serves(address)

    asyncio.run(play())
