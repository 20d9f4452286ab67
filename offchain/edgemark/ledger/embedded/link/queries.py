"""Open ranges and histories of one chaincode at work: rows by hundreds, until it closes them."""

from __future__ import annotations

from typing import Any

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.simulation.cursors import Cursor, Row
from edgemark.ledger.embedded.simulation.ground import HistoryRow
from edgemark.ledger.fabric.wire.limits import (
    MAX_MESSAGE_BYTES,
    MAX_OPEN_QUERIES,
    MAX_ROWS_OF_QUERY,
    RANGE_PAGE,
)
from edgemark.ledger.fabric.wire.messages import NANOSECONDS

MAX_BATCH_BYTES = MAX_MESSAGE_BYTES // 4  # what one more value of the largest size cannot exceed


class _Open:
    """One query: its rows, and the one that was read ahead to know whether there is more."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.ahead: bytes | None = None
        self.cut_at = ""  # key of the row that a page has no room for


class Queries:
    """The queries of one call that are open."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._made = 0

    def begin(self, cursor: Cursor) -> bytes:
        """`QueryResponse` with the first rows.

        Raises:
            RefusedInput: too many are open, or a row is refused.
        """
        if len(self._open) >= MAX_OPEN_QUERIES:
            cursor.close()
            raise RefusedInput(
                "too many queries are open",
                needed=f"<= {MAX_OPEN_QUERIES}",
                remedy="Close each when it has been read.",
            )
        self._made += 1
        name = str(self._made)
        self._open[name] = _Open(cursor)
        return self.next_rows(name)

    def next_rows(self, name: str) -> bytes:
        """`QueryResponse` with the next rows; the last of them closes the query.

        Raises:
            RefusedInput: no such query is open, or a row is refused.
        """
        one = self._open.get(name)
        if one is None:
            raise RefusedInput("query iterator not found", had=name[:64])
        try:
            answer = chaincode_shim_pb2.QueryResponse(id=name)
            answer.has_more = _fill(answer, one)
            if one.cursor.is_page:
                found = chaincode_shim_pb2.QueryResponseMetadata(
                    fetched_records_count=len(answer.results),
                    bookmark=one.cut_at or one.cursor.bookmark(),
                )
                answer.metadata = found.SerializeToString()
        except RefusedInput:
            self._end(name)
            raise
        if not answer.has_more:
            self._end(name)
        made: bytes = answer.SerializeToString()
        return made

    def close(self, name: str) -> bytes:
        """`QueryResponse` that says it is closed, also of one that was."""
        self._end(name)
        made: bytes = chaincode_shim_pb2.QueryResponse(id=name).SerializeToString()
        return made

    def close_all(self) -> None:
        """End them: the chaincode has answered, or is gone."""
        for name in list(self._open):
            self._end(name)

    def _end(self, name: str) -> None:
        one = self._open.pop(name, None)
        if one is not None:
            one.cursor.close()


def _fill(answer: Any, one: _Open) -> bool:
    """Fill a batch; whether a row is left, read ahead: it is seen, and so it is recorded."""
    size = 0
    most = MAX_ROWS_OF_QUERY if one.cursor.is_page else RANGE_PAGE
    if one.ahead is not None:
        size = len(one.ahead)
        answer.results.add(resultBytes=one.ahead)
        one.ahead = None
    while (found := one.cursor.next_row()) is not None:
        row = _bytes_of(found)
        size += len(row)
        if size <= MAX_BATCH_BYTES and len(answer.results) < most:
            answer.results.add(resultBytes=row)
        elif isinstance(found, Row) and one.cursor.is_page:
            one.cut_at = found.key
            return False
        else:
            one.ahead = row
            return True
    return False


def _bytes_of(row: Row | HistoryRow) -> bytes:
    if isinstance(row, Row):
        message = kv_query_result_pb2.KV(namespace=row.namespace, key=row.key, value=row.value)
    else:
        message = kv_query_result_pb2.KeyModification(
            tx_id=row.transaction_id, value=row.value, is_delete=row.is_delete
        )
        at = message.timestamp
        at.seconds, at.nanos = divmod(row.timestamp_ns, NANOSECONDS)
    made: bytes = message.SerializeToString()
    return made
