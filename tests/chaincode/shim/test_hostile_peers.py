"""Strangers and peers that break the protocol: no call gets another's answer, no process ends."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaincode.scripted_peer import (
    Message,
    ScriptedPeer,
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
from edgemark_chaincode.shim.interface import Chaincode, Response, success
from edgemark_chaincode.shim.limits import MAX_ITERATORS, MAX_ODD_MESSAGES, MAX_STREAMS
from edgemark_chaincode.shim.server import OPTIONS
from edgemark_chaincode.shim.stub import ChaincodeStub
from edgemark_chaincode.shim.transaction import Transaction


class Reader(Chaincode):
    """Reads two keys, one after the other, and lists."""

    def __init__(self) -> None:
        self.begun = 0
        self.faults: list[BaseException] = []

    async def init(self, stub: ChaincodeStub) -> Response:
        return await self.invoke(stub)

    async def invoke(self, stub: ChaincodeStub) -> Response:
        self.begun += 1
        name = stub.get_args()[0]
        try:
            if name == b"list":
                rows = [row.key async for row in await stub.get_state_by_range("", "")]
                return success(",".join(rows))
            if name == b"open":
                for _ in range(MAX_ITERATORS + 1):
                    await stub.get_state_by_range("", "")
            if name == b"hasty":
                return await self._give_up(stub)
            if name == b"side by side":
                both = await asyncio.gather(stub.get_state("a"), stub.get_state("b"))
                return success(b"+".join(both))
            if name == b"who":
                return success(str(stub.get_creator()["mspid"]))
            return success(await stub.get_state("a") + b"+" + await stub.get_state("b"))
        except BaseException as fault:
            self.faults.append(fault)
            raise

    async def _give_up(self, stub: ChaincodeStub) -> Response:
        try:
            await asyncio.wait_for(stub.get_state("a"), 0.05)
        except TimeoutError:
            return success(await stub.get_state("b"))
        return success()


async def still_serves(address: str) -> None:
    async with connected(address) as peer:
        await peer.shake_hands()
        peer.listen()
        peer.state = {"a": b"1", "b": b"2"}
        assert (await peer.call("both")).payload == b"1+2"


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


def test_more_streams_than_it_takes__are_refused_and_the_first_live_on() -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address):
            channel = grpc.aio.insecure_channel(address, options=OPTIONS)
            peers = [
                ScriptedPeer(channel.stream_stream("/protos.Chaincode/Connect")())
                for _ in range(MAX_STREAMS)
            ]
            for peer in peers:
                await peer.shake_hands()
            late = ScriptedPeer(channel.stream_stream("/protos.Chaincode/Connect")())
            assert await late.wait_for_end() == grpc.StatusCode.RESOURCE_EXHAUSTED
            peers[0].listen()
            assert (await peers[0].call("both")).status == 200
            for peer in peers:
                await peer.close()
            await channel.close()

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


def test_a_call_sent_twice__runs_once() -> None:
    async def play() -> None:
        chaincode = Reader()
        async with peer_of(chaincode) as peer:
            held = peer.hold()
            call = peer.make_call("both")
            future = await peer.begin(call)
            await peer.send(call)
            await until(lambda: held)
            peer.go_on()
            await peer.send(peer.answer(held[0]))
            assert (await peer.end_of(future)).status == 200
            assert (await peer.call("both")).status == 200
            assert chaincode.begun == 2 and peer.strays == []

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


def test_more_open_iterators_than_a_call_may_have__are_refused_and_closed() -> None:
    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.state = {key: b"v" for key in "abcde"}
            told = await peer.call("open")
            assert "are too many" in told.message and peer.open_cursors == 0

    asyncio.run(play())


def test_messages_that_fit_nothing__end_the_stream_when_they_are_many() -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address), connected(address) as peer:
            await peer.shake_hands()
            for number in range(MAX_ODD_MESSAGES):
                await peer.send(Message(type=Message.RESPONSE, txid=str(number)))
            assert await peer.wait_for_end() == grpc.StatusCode.FAILED_PRECONDITION
            await still_serves(address)

    asyncio.run(play())


def test_a_keepalive__is_taken_at_any_time() -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address), connected(address) as peer:
            await peer.receive()
            for kind in (Message.KEEPALIVE, Message.REGISTERED, Message.KEEPALIVE, Message.READY):
                await peer.send(Message(type=kind))
            await peer.send(Message(type=Message.KEEPALIVE))
            peer.listen()
            assert (await peer.call("both")).status == 200

    asyncio.run(play())


def test_more_calls_than_it_takes__are_answered_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_TRANSACTIONS", 2)

    async def play() -> None:
        async with peer_of(Reader()) as peer:
            peer.script = lambda _: []
            held = [await peer.begin(peer.make_call("both")) for _ in range(2)]
            told = await peer.call("both")
            assert told.status == 500 and "as many calls as it takes" in told.message
            assert not any(each.done() for each in held)

    asyncio.run(play())


def test_more_bytes_than_it_takes__are_answered_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_BYTES_IN_HAND", 10_000)

    async def play() -> None:
        async with peer_of(Reader()) as peer:
            assert "as many calls as it takes" in (await peer.call("both", bytes(20_000))).message
            for _ in range(30):  # what is answered is no more in hand
                assert (await peer.call("both", bytes(5_000))).status == 200

    asyncio.run(play())


def test_the_end_of_the_server__lets_calls_end_and_takes_no_new_one() -> None:
    async def play() -> None:
        async with serving(Reader()) as (server, address), connected(address) as peer:
            await peer.shake_hands()
            peer.listen()
            held = peer.hold()
            running = await peer.begin(peer.make_call("both"))
            await until(lambda: held)
            ending = asyncio.create_task(server.stop(30.0))
            await asyncio.sleep(0.05)
            late = await peer.call("both")
            assert late.status == 500 and "is ending" in late.message
            peer.go_on()
            await peer.send(peer.answer(held[0]))
            assert (await peer.end_of(running)).payload == b"+"
            await ending

    asyncio.run(play())


def test_the_end_of_the_server__does_not_wait_for_ever() -> None:
    async def play() -> None:
        async with serving(Reader()) as (server, address), connected(address) as peer:
            await peer.shake_hands()
            peer.listen()
            peer.script = lambda _: []
            await peer.begin(peer.make_call("both"))
            await until(lambda: peer.asked)
            await server.stop(0.05)

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
