"""What a peer answers to a chaincode, and what it records, is alike on either ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2 as rows
from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from tests.offchain.ledger.embedded.puppet_chaincode import (
    Message,
    Puppet,
    Told,
    answers_in,
    script_of,
)
from tests.offchain.ledger.embedded.served import (
    ORG1,
    ORG2,
    LedgerWorld,
    development_ledger,
    fabric_ledger,
)

from edgemark.ledger.embedded.definitions import field_key
from edgemark.ledger.fabric.wire.envelopes import make_envelope, parse_transaction
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet, Write, parse_results

LEDGERS = ["development", pytest.param("fabric", marks=pytest.mark.fabric)]
KEYS = [f"k{number:03}" for number in range(150)]
PAGE = protocol.QueryMetadata(pageSize=2).SerializeToString()
Request = tuple[int, Any]


@pytest.fixture(scope="module", params=LEDGERS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LedgerWorld]:
    """A ledger with two puppets, one of which has written keys."""
    make: Callable[..., Any] = {"development": development_ledger, "fabric": fabric_ledger}[
        request.param
    ]
    puppet = Puppet()
    with make(tmp_path_factory.mktemp("ledger")) as running:
        for name in ("puppet", "other"):
            running.deploy(name, {ORG1: puppet.serve, ORG2: puppet.serve})
        puts = [put(key, f"value {key}".encode()) for key in KEYS]
        _, held = endorse(running, *puts)
        assert len(held["puppet"].writes) == len(KEYS)
        user = running.user()
        user.do("puppet", script_of([(kind, each.SerializeToString()) for kind, each in puts]))
        yield running
    puppet.close()


def endorse(
    world: LedgerWorld, *requests: Request, name: str = "puppet"
) -> tuple[list[Told], dict[str, NamespaceSet]]:
    """Answers to requests of one transaction, and what one organisation endorsed: names of
    queries may differ at the other.
    """
    user = world.user()
    script = script_of([(kind, each.SerializeToString()) for kind, each in requests])
    envelope = user.endorse(user.propose(name, script), [ORG1])
    action = parse_transaction(make_envelope(envelope.payload, b"")).action
    held = {each.namespace: each for each in parse_results(action.results)}
    return answers_in(action.response), held


def put(key: str, value: bytes, **more: Any) -> Request:
    return Message.PUT_STATE, protocol.PutState(key=key, value=value, **more)


def get(key: str, **more: Any) -> Request:
    return Message.GET_STATE, protocol.GetState(key=key, **more)


def read_range(start: str, end: str, metadata: bytes = b"") -> Request:
    return Message.GET_STATE_BY_RANGE, protocol.GetStateByRange(
        startKey=start, endKey=end, metadata=metadata
    )


def call(name: str, *arguments: str) -> Request:
    spec = chaincode_pb2.ChaincodeSpec(
        chaincode_id=chaincode_pb2.ChaincodeID(name=name),
        input=chaincode_pb2.ChaincodeInput(args=[each.encode() for each in arguments]),
    )
    return Message.INVOKE_CHAINCODE, spec


def keys_in(told: Told) -> list[str]:
    found = protocol.QueryResponse.FromString(told.payload)
    return [rows.KV.FromString(each.resultBytes).key for each in found.results]


COLLECTION = "secrets"
TABLE: list[tuple[Request, bytes | str]] = [
    (get("k001"), b"value k001"),
    (get("none"), b""),
    (get("k001", collection=COLLECTION), ""),
    ((Message.GET_STATE_METADATA, protocol.GetStateMetadata(key="k001")), b""),
    (put("k001", b"new"), b""),
    (put("k001", b"new", collection=COLLECTION), ""),
    ((Message.DEL_STATE, protocol.DelState(key="k002")), b""),
    (get("k002"), b"value k002"),
    (put("k003", b""), b""),
    ((Message.GET_QUERY_RESULT, protocol.GetQueryResult(query="{}")), "not supported for leveldb"),
    ((Message.QUERY_STATE_NEXT, protocol.QueryStateNext(id="7")), "query iterator not found"),
    (
        (Message.QUERY_STATE_CLOSE, protocol.QueryStateClose(id="7")),
        protocol.QueryResponse(id="7").SerializeToString(),
    ),
    (read_range("a", "z", PAGE), "aginated queries"),
    (call("puppet", "[]"), "exists"),
    (call("none", "[]"), "none"),
    (call("none/nowhere", "[]"), "nowhere"),
]


def test_each_request__is_answered_alike(world: LedgerWorld) -> None:
    told, held = endorse(world, *(request for request, _ in TABLE))
    for (request, expected), answer in zip(TABLE, told, strict=True):
        if isinstance(expected, bytes):
            assert (answer.kind, answer.payload) == (Message.RESPONSE, expected), request
        else:
            assert answer.kind == Message.ERROR, request
            assert expected in answer.words
    writes = held["puppet"].writes
    assert writes == (Write("k001", b"new"), Write("k002", None), Write("k003", None))
    assert [read.key for read in held["puppet"].reads] == ["k001", "k002", "none"]


def test_a_payload_that_is_none__is_answered_by_error_alike(world: LedgerWorld) -> None:
    class Rubbish:
        @staticmethod
        def SerializeToString() -> bytes:  # noqa: N802 (as messages of the protocol call it)
            return b"\xff\xff"

    kinds = (Message.GET_STATE, Message.PUT_STATE, Message.GET_STATE_BY_RANGE, Message.DEL_STATE)
    told, _ = endorse(world, *((kind, Rubbish) for kind in kinds))
    assert [each.kind for each in told] == [Message.ERROR] * len(kinds)


def test_a_range_read_whole__is_recorded_alike(world: LedgerWorld) -> None:
    first, _ = endorse(world, read_range("k", "l"))
    found = protocol.QueryResponse.FromString(first[0].payload)
    assert (found.has_more, len(found.results)) == (True, 100)
    assert keys_in(first[0]) == KEYS[:100]
    _, held = endorse(world, read_range("k050", "k090"))
    ((span,)) = held["puppet"].ranges
    assert (span.start, span.end, span.is_exhausted) == ("k050", "k090", True)
    assert len(span.reads) in (40, 0)  # Fabric hashes what is long


def test_a_range_left_early__ends_with_the_row_read_ahead_alike(world: LedgerWorld) -> None:
    _, held = endorse(world, read_range("k", "l"))
    ((span,)) = held["puppet"].ranges
    assert (span.start, span.end, span.is_exhausted) == ("k", "k100", False)


def test_pages__have_the_same_bookmarks(world: LedgerWorld) -> None:
    told, held = endorse(world, read_range("k", "k003", PAGE))
    found = protocol.QueryResponse.FromString(told[0].payload)
    metadata = protocol.QueryResponseMetadata.FromString(found.metadata)
    assert keys_in(told[0]) == ["k000", "k001"]
    assert (metadata.fetched_records_count, metadata.bookmark) == (2, "k002")
    ((span,)) = held["puppet"].ranges
    assert (span.start, span.end, span.is_exhausted) == ("k", "k001", False)
    following = protocol.QueryMetadata(pageSize=2, bookmark="k002").SerializeToString()
    told, held = endorse(world, read_range("k", "k003", following), put("k", b"v"))
    found = protocol.QueryResponse.FromString(told[0].payload)
    metadata = protocol.QueryResponseMetadata.FromString(found.metadata)
    assert (metadata.fetched_records_count, metadata.bookmark) == (1, "")
    ((span,)) = held["puppet"].ranges
    assert (span.start, span.end, span.is_exhausted) == ("k002", "k003", True)
    assert (told[1].kind, held["puppet"].writes) == (Message.ERROR, ())


def test_a_called_chaincode__is_answered_by_its_whole_message_alike(world: LedgerWorld) -> None:
    inner = script_of([(Message.PUT_STATE, put("k", b"v")[1].SerializeToString())])
    told, held = endorse(world, call("other", inner))
    assert told[0].kind == Message.RESPONSE
    completed = Message.FromString(told[0].payload)
    assert completed.type == Message.COMPLETED
    response = proposal_response_pb2.Response.FromString(completed.payload)
    assert (response.status, answers_in(response.payload)) == (200, [Told(Message.RESPONSE, b"")])
    assert held["other"].writes == (Write("k", b"v"),)
    assert {read.key for read in held[LIFECYCLE].reads} == {
        field_key(each, "Sequence") for each in ("puppet", "other")
    }


def test_a_circle__is_refused_alike(world: LedgerWorld) -> None:
    inner = script_of([(call("puppet", "[]")[0], call("puppet", "[]")[1].SerializeToString())])
    told, _ = endorse(world, call("other", inner))
    response = proposal_response_pb2.Response.FromString(
        Message.FromString(told[0].payload).payload
    )
    ((refused,)) = answers_in(response.payload)
    assert (refused.kind, "exists" in refused.words) == (Message.ERROR, True)
