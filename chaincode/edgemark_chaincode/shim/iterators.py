"""Rows of ranges and histories, as the peer sends them: page by page, and closed at the end."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from fabric_protos.ledger.queryresult.kv_query_result_pb2 import KV
from fabric_protos.ledger.queryresult.kv_query_result_pb2 import KeyModification as Modification
from fabric_protos.peer import chaincode_shim_pb2 as protocol

from edgemark_chaincode.shim.call import parse_of_peer
from edgemark_chaincode.shim.faults import CallMalformed
from edgemark_chaincode.shim.interface import KeyModification, KeyValue, Timestamp
from edgemark_chaincode.shim.transaction import Transaction

Row = TypeVar("Row")


class RowIterator(Generic[Row]):
    """Rows of one question; `async for`, and `async with` or `aclose` to end it early.

    What is left open is closed at the end of the call.

    Args:
        transaction: that asked.
        answer: the peer's first.
        parse: of a row's bytes.

    Attributes:
        bookmark: with which the next page of a paged question begins; empty behind the last.
        fetched_records_count: rows of this page, of a paged question.
    """

    def __init__(
        self, transaction: Transaction, answer: bytes, parse: Callable[[bytes], Row]
    ) -> None:
        self._transaction = transaction
        self._parse = parse
        self._rows: list[bytes] = []
        self._next = 0
        self._id = ""
        self._is_open = True
        self.bookmark = ""
        self.fetched_records_count = 0
        self._take(answer)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Row:
        while self._next == len(self._rows):
            if not self._is_open:
                raise StopAsyncIteration
            asked = protocol.QueryStateNext(id=self._id).SerializeToString()
            kind = protocol.ChaincodeMessage.QUERY_STATE_NEXT
            self._take(await self._transaction.ask(kind, asked))
        self._next += 1
        return self._parse(self._rows[self._next - 1])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def is_open(self) -> bool:
        """Whether the peer keeps a cursor for it."""
        return self._is_open

    async def aclose(self) -> None:
        """End it; twice does nothing."""
        self._rows, self._next = [], 0
        if self._is_open:
            self._is_open = False
            asked = protocol.QueryStateClose(id=self._id).SerializeToString()
            await self._transaction.ask(protocol.ChaincodeMessage.QUERY_STATE_CLOSE, asked)

    def _take(self, answer: bytes) -> None:
        page = parse_of_peer(protocol.QueryResponse, answer)
        self._rows, self._next = [row.resultBytes for row in page.results], 0
        self._is_open, self._id = page.has_more, page.id
        if not self._rows and self._is_open:
            self._is_open = False
            raise CallMalformed("has no rows and says that more follow", who="page of the peer")
        if page.metadata:
            told = parse_of_peer(protocol.QueryResponseMetadata, page.metadata)
            self.bookmark = told.bookmark
            self.fetched_records_count = told.fetched_records_count


def parse_key_value(raw: bytes) -> KeyValue:
    """A row of a range."""
    row = parse_of_peer(KV, raw)
    return KeyValue(row.key, row.value, row.namespace)


def parse_modification(raw: bytes) -> KeyModification:
    """A row of a history."""
    row = parse_of_peer(Modification, raw)
    at = Timestamp(row.timestamp.seconds, row.timestamp.nanos)
    return KeyModification(row.tx_id, row.value, at, row.is_delete)
