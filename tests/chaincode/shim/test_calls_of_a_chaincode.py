"""What a chaincode does with its stub, seen by its peer over real gRPC."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2 as rows
from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from tests.chaincode.scripted_peer import CHANNEL, SECONDS, Message, peer_of, respond, sign_as

from edgemark_chaincode.shim.interface import Chaincode, Response, error, success
from edgemark_chaincode.shim.stub import ChaincodeStub


class Shelf(Chaincode):
    """Every function of the stub under a name."""

    async def init(self, stub: ChaincodeStub) -> Response:
        await stub.put_state("begun", stub.get_args()[0])
        return success(b"begun")

    async def invoke(self, stub: ChaincodeStub) -> Response:
        name, rest = stub.get_function_and_parameters()
        answer: Response = await getattr(self, name)(stub, *rest)
        return answer

    async def put(self, stub: ChaincodeStub, key: str, value: str) -> Response:
        await stub.put_state(key, value)
        stub.set_event("put", key)
        return success(b"kept")

    async def get(self, stub: ChaincodeStub, key: str) -> Response:
        return success(await stub.get_state(key))

    async def lacks(self, stub: ChaincodeStub, name: str) -> Response:
        return success(await getattr(stub, name)("collection", "k"))

    async def drop(self, stub: ChaincodeStub, key: str) -> Response:
        await stub.del_state(key)
        return success()

    async def refuse(self, stub: ChaincodeStub) -> Response:
        stub.set_event("never", b"seen")
        return error("no such thing")

    async def list(self, stub: ChaincodeStub, start: str, end: str) -> Response:
        found = [row.key async for row in await stub.get_state_by_range(start, end)]
        return success(",".join(found))

    async def page(self, stub: ChaincodeStub, size: str, bookmark: str) -> Response:
        page = await stub.get_state_by_range_with_pagination("", "", int(size), bookmark)
        keys = ",".join([row.key async for row in page])
        return success(f"{keys};{page.fetched_records_count};{page.bookmark}")

    async def first(self, stub: ChaincodeStub) -> Response:
        async for row in await stub.get_state_by_range("", ""):
            return success(row.key)
        return error("none")

    async def parts(self, stub: ChaincodeStub, kind: str, part: str) -> Response:
        found = await stub.get_state_by_partial_composite_key(kind, [part])
        keys = [stub.split_composite_key(row.key)[1][-1] async for row in found]
        return success(",".join(keys))

    async def past(self, stub: ChaincodeStub, key: str) -> Response:
        found = await stub.get_history_for_key(key)
        lines = [f"{row.tx_id}:{row.value.decode()}:{row.is_delete}" async for row in found]
        return success(",".join(lines))

    async def who(self, stub: ChaincodeStub) -> Response:
        told = stub.get_creator()
        secret = stub.get_transient()["pin"].decode()
        at = stub.get_tx_timestamp()
        words = (told["mspid"], secret, at.seconds, at.nanos, stub.get_channel_id())
        assert len(stub.get_binding()) == 32 and stub.get_signed_proposal().signature
        return success(" ".join(map(str, words)) + f" {stub.get_tx_id()}")

    async def mistake(self, stub: ChaincodeStub, place: str, kind: str) -> Response:
        given: Any = {"number": 5, "list": [1, 2], "nothing": None, "truth": True}[kind]
        match place:
            case "value":
                await stub.put_state("k", given)
            case "argument":
                await stub.invoke_chaincode("other", ["get", given])
            case "event":
                stub.set_event("e", given)
            case "answer":
                return success(given)
        return success(b"went on")

    async def ask(self, stub: ChaincodeStub, other: str) -> Response:
        told = await stub.invoke_chaincode(other, [b"get", "k"], "north")
        return success(f"{told.status}:{told.message}:{told.payload.decode()}")


def test_state__is_written_read_and_deleted() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            assert (await peer.call("put", "k", "v")).payload == b"kept"
            assert peer.state == {"k": b"v"}
            assert (await peer.call("get", "k")).payload == b"v"
            assert (await peer.call("get", "other")).payload == b""
            assert (await peer.call("drop", "k")).status == 200
            assert peer.state == {}

    asyncio.run(play())


@pytest.mark.parametrize("kind", ["number", "list", "nothing", "truth"])
@pytest.mark.parametrize("place", ["value", "argument", "event", "answer"])
def test_what_is_neither_bytes_nor_text__is_refused_by_its_kind(place: str, kind: str) -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            told = await peer.call("mistake", place, kind)
            if place in ("event", "answer") and kind == "nothing":
                assert told.status == 200, "either may be empty"
            else:
                assert told.status == 500
                assert f"{place}: is of another kind" in told.message
            assert peer.state == {}

    asyncio.run(play())


def test_init__is_called_by_its_own_message() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            assert (await peer.call("one", kind=Message.INIT)).payload == b"begun"
            assert peer.state == {"begun": b"one"}

    asyncio.run(play())


def test_an_event__goes_with_the_answer() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            event = (await peer.call("put", "k", "v")).event
            assert (event.event_name, event.payload) == ("put", b"k")
            assert (await peer.call("get", "k")).event is None

    asyncio.run(play())


@pytest.mark.parametrize(
    "name", ["put_private_data", "get_private_data_hash", "set_state_validation_parameter"]
)
def test_what_the_shim_lacks__is_refused_by_name_with_what_to_do(name: str) -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            told = await peer.call("lacks", name)
            assert told.status == 500
            assert told.message.startswith(f"stub.{name}: is not there: this shim has no ")
            assert "put_state" in told.message or "deploy --policy" in told.message

    asyncio.run(play())


def test_an_error__is_an_answer_with_its_words() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            told = await peer.call("refuse")
            assert (told.status, told.message) == (500, "no such thing")

    asyncio.run(play())


def test_a_range__is_read_over_all_its_pages_and_has_no_composite_keys() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            peer.state = {key: b"v" for key in ("\x00task\x00a\x00", "a", "b", "c", "d", "e")}
            assert (await peer.call("list", "", "")).payload == b"a,b,c,d,e"
            assert (await peer.call("list", "b", "d")).payload == b"b,c"
            assert (await peer.call("list", "x", "")).payload == b""
            assert peer.open_cursors == 0

    asyncio.run(play())


def test_a_page__has_the_bookmark_of_the_next() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            peer.state = {key: b"v" for key in "abcde"}
            assert (await peer.call("page", "3", "")).payload == b"a,b,c;3;d"
            assert (await peer.call("page", "3", "d")).payload == b"d,e;2;"

    asyncio.run(play())


def test_an_iterator_left_open__is_closed_before_the_answer() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            peer.state = {key: b"v" for key in "abcde"}
            assert (await peer.call("first")).payload == b"a"
            assert peer.open_cursors == 0
            assert peer.asked[-1].type == Message.QUERY_STATE_CLOSE

    asyncio.run(play())


def test_composite_keys__are_found_by_their_first_parts() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            for kind, *parts in (("task", "a", "1"), ("task", "a", "2"), ("task", "ab", "3")):
                peer.state[ChaincodeStub.create_composite_key(kind, parts)] = b"v"
            assert (await peer.call("parts", "task", "a")).payload == b"1,2"

    asyncio.run(play())


def test_a_history__is_read() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            peer.history = [
                rows.KeyModification(tx_id="3", is_delete=True),
                rows.KeyModification(tx_id="2", value=b"two"),
                rows.KeyModification(tx_id="1", value=b"one"),
            ]
            assert (await peer.call("past", "k")).payload == b"3::True,2:two:False,1:one:False"

    asyncio.run(play())


def test_the_proposal__says_who_asks_and_when() -> None:
    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            call = peer.make_call("who", creator=sign_as("Org2MSP"), transient={"pin": b"1234"})
            told = await peer.end_of(await peer.begin(call))
            assert told.payload.decode() == f"Org2MSP 1234 {SECONDS} 5 {CHANNEL} {call.txid}"

    asyncio.run(play())


def test_another_chaincode__is_called_and_its_answer_read() -> None:
    def answer(message: Message) -> list[Message] | None:
        if message.type != Message.INVOKE_CHAINCODE:
            return None
        spec = chaincode_pb2.ChaincodeSpec.FromString(message.payload)
        assert list(spec.input.args) == [b"get", b"k"]
        told = proposal_response_pb2.Response(status=200, payload=spec.chaincode_id.name.encode())
        completed = Message(type=Message.COMPLETED, payload=told.SerializeToString())
        return [respond(message, completed.SerializeToString())]

    async def play() -> None:
        async with peer_of(Shelf()) as peer:
            peer.script = answer
            assert (await peer.call("ask", "other")).payload == b"200::other/north"

    asyncio.run(play())
