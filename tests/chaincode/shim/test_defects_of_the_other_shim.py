"""What PyPI's `fabric-chaincode-python` 2.5.4 does wrong, and this shim does not.

| there | here |
|---|---|
| no chaincode event is sent | `test_an_event__goes_with_the_answer` of the calls |
| an exception is never answered | `test_whatever_is_raised__is_answered` |
| concurrent calls write at once, and replies are lost | `test_many_calls_at_once__...` |
| a peer's ERROR is the value that was read | `test_an_error_of_the_peer__is_raised` |
| no call of another chaincode | `test_another_chaincode__...` of the calls |
| bookmarks of pages are dropped | `test_a_page__has_the_bookmark_of_the_next` of the calls |
| an argument above 4 MiB ends the stream | `test_an_argument_of_5_mib__is_answered` |
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from fabric_protos.peer import proposal_response_pb2
from tests.chaincode.scripted_peer import Message, peer_of, respond

from edgemark.errors import RefusedInput
from edgemark_chaincode.shim.interface import Chaincode, Response, error, success
from edgemark_chaincode.shim.limits import MAX_MESSAGE_BYTES
from edgemark_chaincode.shim.stub import ChaincodeStub


class Unruly(Chaincode):
    """Ends as its first argument says."""

    async def init(self, stub: ChaincodeStub) -> Response:
        raise ValueError("no beginning")

    async def invoke(self, stub: ChaincodeStub) -> Response:
        name = stub.get_args()[0].decode()
        answer: Any = await getattr(self, f"_{name}")(stub)
        return answer  # type: ignore[no-any-return]

    async def _raise(self, stub: ChaincodeStub) -> Response:
        raise KeyError("gone")

    async def _refuse(self, stub: ChaincodeStub) -> Response:
        raise RefusedInput("is too late", who="order 7", needed="before noon")

    async def _recurse(self, stub: ChaincodeStub) -> Response:
        return await self._recurse(stub)

    async def _exit(self, stub: ChaincodeStub) -> Response:
        sys.exit(3)

    async def _cancel(self, stub: ChaincodeStub) -> Response:
        raise asyncio.CancelledError

    async def _nothing(self, stub: ChaincodeStub) -> None:
        return None

    async def _half(self, stub: ChaincodeStub) -> Response:
        return error("half a pair: \ud800")

    async def _half_raised(self, stub: ChaincodeStub) -> Response:
        raise ValueError("half a pair: \ud800")

    async def _half_refused(self, stub: ChaincodeStub) -> Response:
        raise RefusedInput("half a pair: \ud800")

    async def _half_name(self, stub: ChaincodeStub) -> Response:
        return await stub.invoke_chaincode("\ud800", ["get"])

    async def _huge(self, stub: ChaincodeStub) -> Response:
        return success(bytes(MAX_MESSAGE_BYTES))

    async def _huge_question(self, stub: ChaincodeStub) -> Response:
        return await stub.invoke_chaincode("other", [bytes(MAX_MESSAGE_BYTES)])

    async def _zero(self, stub: ChaincodeStub) -> Response:
        return Response(0)

    async def _foreign(self, stub: ChaincodeStub) -> Any:
        return proposal_response_pb2.Response(status=200, payload=b"of another shim")

    async def _read(self, stub: ChaincodeStub) -> Response:
        return success(await stub.get_state("k"))

    async def _caught(self, stub: ChaincodeStub) -> Response:
        try:
            await stub.get_state("k")
        except RefusedInput as fault:
            return error(f"caught: {fault}")
        return success()

    async def _size(self, stub: ChaincodeStub) -> Response:
        return success(str(len(stub.get_args()[1])))

    async def _large(self, stub: ChaincodeStub) -> Response:
        return success(bytes(5 * 1024 * 1024))

    async def _count(self, stub: ChaincodeStub) -> Response:
        key = stub.get_args()[1].decode()
        for number in range(5):
            assert await stub.get_state(key) == (b"%d" % (number - 1) if number else b"")
            await stub.put_state(key, str(number))
        return success(key)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raise", "the chaincode failed: KeyError: gone"),
        ("refuse", "order 7: is too late; needed before noon"),
        ("recurse", "RecursionError"),
        ("exit", "SystemExit: 3"),
        ("cancel", "cancelled itself"),
        ("nothing", "answered with no response"),
        ("zero", "has no status"),
        ("half", "half a pair: ?"),
        ("half_raised", "half a pair: "),
        ("half_refused", "half a pair: "),
        ("half_name", "UnicodeEncodeError"),
        ("huge", "response: is too large"),
        ("huge_question", "question: is too large"),
        ("unheard_of", "AttributeError"),
    ],
)
def test_whatever_is_raised__is_answered(name: str, words: str) -> None:
    async def play() -> None:
        async with peer_of(Unruly()) as peer:
            told = await peer.call(name)
            assert told.status == 500 and words in told.message
            assert (await peer.call("foreign")).payload == b"of another shim"

    asyncio.run(play())


def test_an_exception_of_init__is_answered() -> None:
    async def play() -> None:
        async with peer_of(Unruly()) as peer:
            assert "no beginning" in (await peer.call(kind=Message.INIT)).message

    asyncio.run(play())


def test_many_calls_at_once__are_each_answered_with_their_own() -> None:
    async def play() -> None:
        async with peer_of(Unruly()) as peer:
            told = await asyncio.gather(*(peer.call("count", f"k{n}") for n in range(300)))
            assert [each.payload for each in told] == [f"k{n}".encode() for n in range(300)]
            assert set(peer.state.values()) == {b"4"} and len(peer.state) == 300
            assert peer.strays == []

    asyncio.run(play())


def test_an_error_of_the_peer__is_raised() -> None:
    async def play() -> None:
        async with peer_of(Unruly()) as peer:
            peer.script = lambda message: [respond(message, b"no such channel", Message.ERROR)]
            assert "no such channel" in (await peer.call("read")).message
            assert (await peer.call("read")).payload == b""
            assert (await peer.call("caught")).message == "caught: peer: no such channel"

    asyncio.run(play())


def test_an_argument_of_5_mib__is_answered() -> None:
    async def play() -> None:
        async with peer_of(Unruly()) as peer:
            assert (await peer.call("size", bytes(5 * 1024 * 1024))).payload == b"5242880"
            assert len((await peer.call("large")).payload) == 5 * 1024 * 1024

    asyncio.run(play())
