"""Rows of a range or a history, one after the other; what is consumed of a range is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from edgemark.ledger.embedded.simulation.ground import HistoryRow
from edgemark.ledger.fabric.wire.read_write_sets import RangeRead, Read, Version


@dataclass
class Span:
    """A range as far as it was read.

    Attributes:
        start: first key, included.
        asked_end: where it was asked to end, excluded; empty for open.
        reads: what was seen.
        is_exhausted: whether it was read to its end.
    """

    start: str
    asked_end: str
    reads: list[Read] = field(default_factory=list)
    is_exhausted: bool = False

    def to_read(self) -> RangeRead:
        """As it is signed: a range that was left early ends with the last key that was seen."""
        last = self.reads[-1].key if self.reads else ""
        end = self.asked_end if self.is_exhausted else last
        return RangeRead(self.start, end, self.is_exhausted, tuple(self.reads))


@dataclass(frozen=True)
class Row:
    """A key and its value, as a chaincode gets them."""

    namespace: str
    key: str
    value: bytes


class RangeCursor:
    """Rows of a range: each that is handed out, and its end, goes into the read set.

    Args:
        namespace: that is read.
        rows: of the snapshot.
        span: where to record what is consumed.
        limit: number of rows to hand out, >= 1.
        is_page: whether a chaincode asked for a page of that many.
        on_row: told before each row; may refuse.
    """

    def __init__(
        self,
        namespace: str,
        rows: Iterator[tuple[str, bytes, Version]],
        span: Span,
        limit: int,
        *,
        is_page: bool,
        on_row: Callable[[], None],
    ) -> None:
        self._namespace = namespace
        self._rows = rows
        self._span = span
        self._left = limit
        self._on_row = on_row
        self.is_page = is_page

    def next_row(self) -> Row | None:
        """The next row; None at the end of the range or of what may be handed out."""
        if not self._left:
            return None
        self._on_row()
        found = next(self._rows, None)
        if found is None:
            self._span.is_exhausted = True
            return None
        key, value, version = found
        self._span.reads.append(Read(key, version))
        self._left -= 1
        return Row(self._namespace, key, value)

    def bookmark(self) -> str:
        """The key at which the next page begins; empty at the end. Nothing of it is recorded."""
        found = next(self._rows, None)
        return "" if found is None else found[0]

    def close(self) -> None:
        """End it: an unfinished one would keep the snapshot."""
        _close(self._rows)


class HistoryCursor:
    """What a key was, the newest first; history is never in a read set.

    Args:
        rows: of the snapshot.
        limit: number of rows to hand out, >= 1.
    """

    is_page = False

    def __init__(self, rows: Iterator[HistoryRow], limit: int) -> None:
        self._rows = rows
        self._left = limit

    def next_row(self) -> HistoryRow | None:
        """The next row; None at the end."""
        if not self._left:
            return None
        found = next(self._rows, None)
        if found is not None:
            self._left -= 1
        return found

    def bookmark(self) -> str:
        """None: a history has no pages."""
        return ""

    def close(self) -> None:
        """End it: an unfinished one would keep the snapshot."""
        _close(self._rows)


def _close(rows: Iterator[object]) -> None:
    close = getattr(rows, "close", None)
    if close is not None:
        close()


Cursor = RangeCursor | HistoryCursor
