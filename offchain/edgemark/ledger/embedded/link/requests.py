"""What a chaincode asks while it is at work, and what it is answered; no stream in sight.

`ANSWERS` is the table: a message that is not in it ends the stream, as on a peer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.link.queries import Queries
from edgemark.ledger.embedded.simulation.calls import Call
from edgemark.ledger.embedded.simulation.recording import Simulation
from edgemark.ledger.fabric.wire.limits import MAX_REQUESTS_OF_TRANSACTION
from edgemark.ledger.fabric.wire.messages import parse

WHO = "chaincode"
Kind = chaincode_shim_pb2.ChaincodeMessage.Type
INVOKE = chaincode_shim_pb2.ChaincodeMessage.INVOKE_CHAINCODE


def name_of(kind: int) -> str:
    """Name of a message's type."""
    try:
        name: str = Kind.Name(kind)
    except ValueError:
        return f"TYPE_{kind}"
    return name


class Requests:
    """Answers one chaincode at work.

    Args:
        call: it.
    """

    def __init__(self, call: Call) -> None:
        if call.simulation is None:
            raise RefusedInput("no ledger context", who=f"chaincode {call.chaincode}")
        self.call = call
        self._simulation: Simulation = call.simulation
        self._queries = Queries()
        self._count = 0

    def answer(self, kind: int, payload: bytes) -> bytes:
        """The payload of the RESPONSE.

        Raises:
            RefusedInput: it cannot be done; the chaincode is told why.
            MessageMalformed: the payload is no such message.
        """
        self.count()
        return ANSWERS[kind](self, payload)

    def count(self) -> None:
        """Count a request.

        Raises:
            RefusedInput: the chaincode asks too much in one transaction.
        """
        self._count += 1
        if self._count > MAX_REQUESTS_OF_TRANSACTION:
            raise RefusedInput(
                "the transaction asks too much", needed=f"<= {MAX_REQUESTS_OF_TRANSACTION} requests"
            )

    async def invoke(self, payload: bytes) -> bytes:
        """What another chaincode answers: the message COMPLETED.

        Raises:
            EdgemarkError: it did not run.
        """
        self.count()
        spec = parse(chaincode_pb2.ChaincodeSpec, payload, WHO)
        arguments = tuple(spec.input.args)
        call, completion = await self.call.invoke(self.call, spec.chaincode_id.name, arguments)
        return completion.to_message(call.channel, call.transaction_id)

    def close(self) -> None:
        """Give back what it read from: the transaction is over for it."""
        self._queries.close_all()

    def get_state(self, payload: bytes) -> bytes:
        """GET_STATE: the value, empty for none."""
        asked = _parse(chaincode_shim_pb2.GetState, payload)
        return self._simulation.get(self.call.chaincode, asked.key) or b""

    def get_metadata(self, payload: bytes) -> bytes:
        """GET_STATE_METADATA: none, and the key counts as read."""
        asked = _parse(chaincode_shim_pb2.GetStateMetadata, payload)
        self._simulation.get(self.call.chaincode, asked.key)
        made: bytes = chaincode_shim_pb2.StateMetadataResult().SerializeToString()
        return made

    def put_state(self, payload: bytes) -> bytes:
        """PUT_STATE."""
        asked = _parse(chaincode_shim_pb2.PutState, payload)
        self._simulation.put(self.call.chaincode, asked.key, asked.value)
        return b""

    def delete_state(self, payload: bytes) -> bytes:
        """DEL_STATE."""
        asked = _parse(chaincode_shim_pb2.DelState, payload)
        self._simulation.delete(self.call.chaincode, asked.key)
        return b""

    def get_range(self, payload: bytes) -> bytes:
        """GET_STATE_BY_RANGE: `QueryResponse`."""
        asked = _parse(chaincode_shim_pb2.GetStateByRange, payload)
        page = parse(chaincode_shim_pb2.QueryMetadata, asked.metadata, WHO)
        cursor = self._simulation.range(
            self.call.chaincode, asked.startKey, asked.endKey, page.pageSize, page.bookmark
        )
        return self._queries.begin(cursor)

    def get_history(self, payload: bytes) -> bytes:
        """GET_HISTORY_FOR_KEY: `QueryResponse`."""
        asked = parse(chaincode_shim_pb2.GetHistoryForKey, payload, WHO)
        return self._queries.begin(self._simulation.history(self.call.chaincode, asked.key))

    def next_rows(self, payload: bytes) -> bytes:
        """QUERY_STATE_NEXT: `QueryResponse`."""
        return self._queries.next_rows(parse(chaincode_shim_pb2.QueryStateNext, payload, WHO).id)

    def close_query(self, payload: bytes) -> bytes:
        """QUERY_STATE_CLOSE: `QueryResponse`."""
        return self._queries.close(parse(chaincode_shim_pb2.QueryStateClose, payload, WHO).id)

    def refuse_rich_query(self, payload: bytes) -> bytes:
        """GET_QUERY_RESULT: as a peer on LevelDB."""
        asked = _parse(chaincode_shim_pb2.GetQueryResult, payload)
        raise RefusedInput(
            "ExecuteQuery not supported for leveldb",
            had=asked.query[:64],
            remedy="Read a range of keys: the development ledger has no rich queries.",
        )

    def refuse_private_data(self, payload: bytes) -> bytes:
        """GET_PRIVATE_DATA_HASH, PURGE_PRIVATE_DATA."""
        del payload
        raise _no_private_data("")

    def refuse_metadata(self, payload: bytes) -> bytes:
        """PUT_STATE_METADATA: endorsement policies of single keys."""
        _parse(chaincode_shim_pb2.PutStateMetadata, payload)
        raise RefusedInput(
            "state-based endorsement is not in the development ledger",
            remedy="Give the whole chaincode the policy that the key needs, or use Fabric itself.",
        )

    def refuse_batch(self, payload: bytes) -> bytes:
        """WRITE_BATCH_STATE, GET_STATE_MULTIPLE: READY did not offer them."""
        del payload
        raise RefusedInput(
            "was not offered when the stream began",
            remedy="Send keys one by one.",
        )


_M = chaincode_shim_pb2.ChaincodeMessage
ANSWERS: dict[int, Callable[[Requests, bytes], bytes]] = {
    _M.GET_STATE: Requests.get_state,
    _M.GET_STATE_METADATA: Requests.get_metadata,
    _M.PUT_STATE: Requests.put_state,
    _M.DEL_STATE: Requests.delete_state,
    _M.GET_STATE_BY_RANGE: Requests.get_range,
    _M.GET_HISTORY_FOR_KEY: Requests.get_history,
    _M.QUERY_STATE_NEXT: Requests.next_rows,
    _M.QUERY_STATE_CLOSE: Requests.close_query,
    _M.GET_QUERY_RESULT: Requests.refuse_rich_query,
    _M.GET_PRIVATE_DATA_HASH: Requests.refuse_private_data,
    _M.PURGE_PRIVATE_DATA: Requests.refuse_private_data,
    _M.PUT_STATE_METADATA: Requests.refuse_metadata,
    _M.WRITE_BATCH_STATE: Requests.refuse_batch,
    _M.GET_STATE_MULTIPLE: Requests.refuse_batch,
}


def _parse(kind: type[Any], payload: bytes) -> Any:
    asked = parse(kind, payload, WHO)
    if asked.collection:
        raise _no_private_data(asked.collection)
    return asked


def _no_private_data(collection: str) -> RefusedInput:
    return RefusedInput(
        "private data is not in the development ledger",
        who=f"collection {collection[:64]!r}" if collection else None,
        remedy="Keep it off the ledger and write its hash, or use Fabric itself.",
    )
