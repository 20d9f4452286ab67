"""Each type of message that a chaincode sends while it is at work, and what it is answered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fabric_protos.peer import chaincode_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from tests.offchain.ledger.embedded.endorsing_world import endorsing
from tests.offchain.ledger.embedded.scripted_process import (
    Message,
    Process,
    for_ever,
    scripted,
)

from edgemark.ledger.embedded.link.requests import ANSWERS, INVOKE, name_of
from edgemark.ledger.fabric.wire.read_write_sets import Write, parse_results

GET = protocol.GetState(key="k").SerializeToString()
SHORT_S = 0.3

LONG = "k" * 1025
COLLECTION = "secrets"
TABLE = [
    (Message.GET_STATE, protocol.GetState(key="k"), b"v"),
    (Message.GET_STATE, protocol.GetState(key="none"), b""),
    (Message.GET_STATE, protocol.GetState(key=LONG), "a key is too long"),
    (Message.GET_STATE, protocol.GetState(key="k", collection=COLLECTION), "private data"),
    (Message.GET_STATE_METADATA, protocol.GetStateMetadata(key="k"), b""),
    (
        Message.GET_STATE_METADATA,
        protocol.GetStateMetadata(key="k", collection=COLLECTION),
        "private data",
    ),
    (Message.PUT_STATE, protocol.PutState(key="k", value=b"w"), b""),
    (Message.PUT_STATE, protocol.PutState(key="", value=b"w"), "a key is empty"),
    (Message.PUT_STATE, protocol.PutState(key=LONG), "a key is too long"),
    (
        Message.PUT_STATE,
        protocol.PutState(key="k", value=b"x" * (4 * 1024 * 1024 + 1)),
        "value is too long",
    ),
    (Message.PUT_STATE, protocol.PutState(key="k", collection=COLLECTION), "private data"),
    (Message.DEL_STATE, protocol.DelState(key="k"), b""),
    (Message.DEL_STATE, protocol.DelState(key=""), "a key is empty"),
    (Message.DEL_STATE, protocol.DelState(key="k", collection=COLLECTION), "private data"),
    (
        Message.GET_STATE_BY_RANGE,
        protocol.GetStateByRange(collection=COLLECTION),
        "private data",
    ),
    (
        Message.GET_STATE_BY_RANGE,
        protocol.GetStateByRange(metadata=protocol.QueryMetadata(pageSize=-1).SerializeToString()),
        "page size is negative",
    ),
    (Message.GET_STATE_BY_RANGE, protocol.GetStateByRange(metadata=b"\xff"), "no message"),
    (
        Message.GET_QUERY_RESULT,
        protocol.GetQueryResult(query="{}"),
        "ExecuteQuery not supported for leveldb",
    ),
    (
        Message.GET_QUERY_RESULT,
        protocol.GetQueryResult(query="{}", collection=COLLECTION),
        "private data",
    ),
    (Message.GET_HISTORY_FOR_KEY, protocol.GetHistoryForKey(key=""), "a key is empty"),
    (Message.QUERY_STATE_NEXT, protocol.QueryStateNext(id="7"), "query iterator not found"),
    (Message.GET_PRIVATE_DATA_HASH, protocol.GetState(key="k"), "private data"),
    (Message.PURGE_PRIVATE_DATA, protocol.PurgePrivateState(key="k"), "private data"),
    (
        Message.PUT_STATE_METADATA,
        protocol.PutStateMetadata(key="k"),
        "state-based endorsement is not",
    ),
    (Message.WRITE_BATCH_STATE, protocol.WriteBatchState(), "was not offered"),
    (Message.GET_STATE_MULTIPLE, protocol.GetStateMultiple(), "was not offered"),
    (INVOKE, chaincode_pb2.ChaincodeSpec(), "chaincode  has been successfully defined"),
]


def test_each_type_of_message__has_its_answer(made_organisations: Path) -> None:
    heard: list[Any] = []

    async def script(process: Process) -> None:
        await process.shake_hands()
        asked = await process.take()
        for kind, request, _ in TABLE:
            heard.append(await process.ask(kind, asked, request.SerializeToString()))
        heard.append(await process.ask(Message.GET_STATE, asked, b"\x0a\x02\xff\xfe"))
        close = protocol.QueryStateClose(id="7").SerializeToString()
        heard.append(await process.ask(Message.QUERY_STATE_CLOSE, asked, close))
        await process.complete(asked)
        await for_ever()

    async def play() -> None:
        async with endorsing(made_organisations) as world, scripted(world, script):
            for channel in world.channels.values():
                channel.put("bad", "k", b"v")
            endorsed = await world.endorse("bad", "x")
            (held,) = [
                each
                for each in parse_results(endorsed.simulated.results)
                if each.namespace == "bad"
            ]
            assert held.writes == (Write("k", None),)

    asyncio.run(play())
    assert {kind for kind, _, _ in TABLE} >= set(ANSWERS) - {Message.QUERY_STATE_CLOSE}
    for (kind, _, expected), answer in zip(TABLE, heard, strict=False):
        if isinstance(expected, bytes):
            assert (answer.type, answer.payload) == (Message.RESPONSE, expected), name_of(kind)
        else:
            assert answer.type == Message.ERROR
            text = answer.payload.decode()
            assert text.startswith(f"{name_of(kind)} failed: transaction ID: {answer.txid}: ")
            assert expected in text
    assert heard[-2].type == Message.ERROR  # a key that is no UTF-8
    closed = protocol.QueryResponse.FromString(heard[-1].payload)
    assert (closed.id, closed.has_more) == ("7", False)
