"""The shim on real ledgers: the same chaincode, the same calls, the same answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from fabric_protos.peer import (
    chaincode_event_pb2,
    proposal_pb2,
    proposal_response_pb2,
)
from tests.offchain.ledger.embedded.served import (
    ORG1,
    ORG2,
    LedgerWorld,
    User,
    details_of,
    development_ledger,
    fabric_ledger,
)
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.fabric.wire.codes import Code
from edgemark_chaincode.shim.faults import LedgerRefused
from edgemark_chaincode.shim.interface import Response, success
from edgemark_chaincode.shim.limits import MAX_ITERATORS
from edgemark_chaincode.shim.stub import ChaincodeStub

pytestmark = pytest.mark.lasts(6)
ROWS = 250  # more than a ledger sends at once


class Wide(Shelf):
    """And what is seen only with many rows, large arguments, refusals of a ledger."""

    async def fill(self, stub: ChaincodeStub, count: str) -> Response:
        for number in range(int(count)):
            await stub.put_state(f"row{number:04}", str(number))
        return success()

    async def length(self, stub: ChaincodeStub, argument: str) -> Response:
        return success(str(len(argument)))

    async def query(self, stub: ChaincodeStub) -> Response:
        try:
            await stub.get_query_result('{"selector": {}}')
        except LedgerRefused as fault:
            return success(f"refused: {fault.what}")
        return success("answered")

    async def leave_open(self, stub: ChaincodeStub) -> Response:
        for _ in range(20):
            async for row in await stub.get_state_by_range("row", "rox"):
                assert row.key == "row0000"
                break
        return success("left open")

    async def open_many(self, stub: ChaincodeStub, count: str) -> Response:
        opened = [await stub.get_state_by_range("row", "rox") for _ in range(int(count))]
        return success(str(sum(each.is_open for each in opened)))

    async def fail(self, stub: ChaincodeStub) -> Response:
        raise KeyError("of the chaincode")


@pytest.fixture(
    scope="module",
    params=["development", pytest.param("fabric", marks=pytest.mark.fabric)],
)
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LedgerWorld]:
    begin = development_ledger if request.param == "development" else fabric_ledger
    with begin(tmp_path_factory.mktemp("ledger")) as running:
        for name in ("wide", "other"):
            running.deploy(name, {ORG1: Wide(), ORG2: Wide()})
        assert running.user().do("wide", "fill", str(ROWS))[0] is Code.VALID
        yield running


@pytest.fixture
def user(ledger: LedgerWorld) -> User:
    return ledger.user(ORG1)


def ask(user: User, *arguments: str, **how: Any) -> bytes:
    payload: bytes = user.evaluate(user.propose("wide", *arguments, **how)).payload
    return payload


def test_state__is_written_read_and_deleted(user: User, ledger: LedgerWorld) -> None:
    assert user.do("wide", "put", "k", "v")[0] is Code.VALID
    assert ask(ledger.user(ORG2), "get", "k") == b"v"
    assert user.do("wide", "drop", "k")[0] is Code.VALID
    assert ask(user, "get", "k") == b""


def test_iterators__as_many_as_the_shim_allows__are_open_on_the_ledger(user: User) -> None:
    assert ask(user, "open_many", str(MAX_ITERATORS)) == str(MAX_ITERATORS).encode()
    with pytest.raises(grpc.RpcError, match="are too many"):
        ask(user, "open_many", str(MAX_ITERATORS + 1))


def test_a_read__does_not_see_what_the_call_wrote(user: User) -> None:
    assert ask(user, "put_and_get", "fresh", "v") == b""


def test_an_event__stands_in_what_is_endorsed(user: User) -> None:
    proposed = user.propose("wide", "put", "k", "v")
    answer = user.process(proposed)
    signed = proposal_response_pb2.ProposalResponsePayload.FromString(answer.payload)
    action = proposal_pb2.ChaincodeAction.FromString(signed.extension)
    event = chaincode_event_pb2.ChaincodeEvent.FromString(action.events)
    assert (event.event_name, event.payload) == ("put", b"k")
    assert (event.chaincode_id, event.tx_id) == ("wide", proposed.transaction_id)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fail"], "the chaincode failed: KeyError: of the chaincode"),
        (["refuse", "k"], "no such thing"),
        (["unheard_of"], "AttributeError"),
        (["get"], "TypeError"),
        (["get", "\ud7ff" * 2_000], "key: is too long"),
        (["put", "k", ""], "value: has a wrong size"),
    ],
)
def test_whatever_is_raised__reaches_the_client(
    user: User, arguments: list[str], words: str
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        ask(user, *arguments)
    assert refused.value.code() == grpc.StatusCode.UNKNOWN
    assert "chaincode response 500" in refused.value.details() and words in refused.value.details()
    with pytest.raises(grpc.RpcError) as refused:
        user.endorse(user.propose("wide", *arguments))
    assert refused.value.code() == grpc.StatusCode.ABORTED
    assert any(words in said for _, said in details_of(refused.value))


def test_many_calls_at_once__are_each_answered_with_their_own(user: User) -> None:
    with ThreadPoolExecutor(32) as pool:
        asked = [f"row{number:04}" for number in range(ROWS)] * 2
        told = list(pool.map(lambda key: ask(user, "get", key), asked))
    assert told == [str(number).encode() for number in range(ROWS)] * 2


def test_a_range__is_read_over_all_its_pages(user: User) -> None:
    keys = [f"row{number:04}" for number in range(ROWS)]
    assert json.loads(ask(user, "list", "row", "rox")) == keys
    assert json.loads(ask(user, "list", "row0010", "row0012")) == ["row0010", "row0011"]
    assert ask(user, "leave_open") == b"left open"


def test_an_open_range__has_no_composite_keys(user: User) -> None:
    assert user.do("wide", "put_parts", "task", "a", "1")[0] is Code.VALID
    assert user.do("wide", "put_parts", "task", "ab", "2")[0] is Code.VALID
    assert all(not key.startswith("\x00") for key in json.loads(ask(user, "list", "", "")))
    assert json.loads(ask(user, "parts", "task", "a")) == [["a", "1"]]


def test_pages__follow_one_another_by_their_bookmarks(user: User) -> None:
    found: list[str] = []
    bookmark = ""
    while True:
        keys, fetched, bookmark = json.loads(ask(user, "page", "101", bookmark))
        assert len(keys) == fetched
        found += keys
        if not bookmark or not keys:
            break
    assert found == json.loads(ask(user, "list", "", ""))


@pytest.mark.parametrize("function", ["put_and_page", "page_and_put"])
def test_a_page_in_a_call_that_writes__is_refused(user: User, function: str) -> None:
    with pytest.raises(grpc.RpcError):
        user.endorse(user.propose("wide", function))


def test_a_query_of_a_ledger_without_couchdb__is_refused_to_the_chaincode(user: User) -> None:
    assert ask(user, "query").startswith(b"refused: ")


def test_a_history__is_read_newest_first(user: User) -> None:
    writes = [user.do("wide", "put", "aged", value)[1] for value in ("one", "two")]
    writes.append(user.do("wide", "drop", "aged")[1])
    told = json.loads(ask(user, "past", "aged"))
    assert told == [[writes[2], "", True], [writes[1], "two", False], [writes[0], "one", False]]


def test_another_chaincode__is_called_and_writes_under_its_own_name(user: User) -> None:
    assert user.do("wide", "call", "other", "", "put", "theirs", "v")[0] is Code.VALID
    assert user.evaluate(user.propose("other", "get", "theirs")).payload == b"v"
    assert ask(user, "get", "theirs") == b""
    refused = json.loads(ask(user, "call", "other", "", "refuse", "k"))
    assert refused == [500, "no such thing", ""]


def test_a_chaincode_that_is_not_there_or_calls_itself__is_refused(user: User) -> None:
    for name in ("unheard", "wide"):
        with pytest.raises(grpc.RpcError) as refused:
            ask(user, "call", name, "", "get", "k")
        assert refused.value.code() == grpc.StatusCode.UNKNOWN


def test_a_large_argument__is_answered(user: User) -> None:
    assert ask(user, "length", "x" * 3_900_000) == b"3900000"


def test_the_creator_and_what_is_transient__are_told(user: User, ledger: LedgerWorld) -> None:
    other = ledger.user(ORG2)
    proposed = other.propose("wide", "who", transient={"pin": b"1234"})
    told = json.loads(other.evaluate(proposed).payload)
    assert told == [ORG2, "1234", proposed.transaction_id]
