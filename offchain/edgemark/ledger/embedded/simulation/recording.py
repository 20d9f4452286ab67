"""What chaincodes read and write in one transaction, on one snapshot, by namespace.

Rule 1: reads see the snapshot, never the transaction's own writes.
Rule 2: every read is recorded with the version that was seen, every range as far as it was read.
Rule 3: a transaction that read a page of a range writes nothing, and one that wrote reads no page:
        what lies behind a page's end is in no read set, so a write that rests on it has no proof.
Rule 4: what writes, and what is endorsed, touches MAX_KEYS_OF_TRANSACTION keys, with the rows of
        its ranges; a mere question reads MAX_ROWS_OF_QUERY rows. None reads more ranges than keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.definitions import field_key, read_definition
from edgemark.ledger.embedded.simulation.cursors import HistoryCursor, RangeCursor, Span
from edgemark.ledger.embedded.simulation.ground import View
from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.ledger.fabric.wire.limits import (
    MAX_ENVELOPE_BYTES,
    MAX_KEY_BYTES,
    MAX_KEYS_OF_TRANSACTION,
    MAX_ROWS_OF_QUERY,
    MAX_VALUE_BYTES,
)
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Read,
    Version,
    Write,
    make_results,
)


@dataclass
class _Recorded:
    reads: dict[str, Version | None] = field(default_factory=dict)
    writes: dict[str, bytes | None] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)


class Simulation:
    """One transaction on one snapshot; the chaincodes that call one another share it.

    Args:
        view: the snapshot; whoever opened it closes it.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._of: dict[str, _Recorded] = {}
        self._keys = 0
        self._rows = 0
        self._ranges = 0
        self._bytes = 0
        self._wrote = False
        self._paged = False

    def get(self, namespace: str, key: str) -> bytes | None:
        """The value of a key in the snapshot; None when there is none.

        Raises:
            RefusedInput: the key is too long, or the transaction read too much.
        """
        _check_length(key)
        found = self._view.get(namespace, key)
        reads = self._recorded(namespace).reads
        if key not in reads:
            self._count()
            reads[key] = None if found is None else found[1]
        return None if found is None else found[0]

    def put(self, namespace: str, key: str, value: bytes) -> None:
        """Write a key; an empty value deletes it, as on a peer of Fabric.

        Raises:
            RefusedInput: key or value are out of bounds, or the transaction read a page.
        """
        if len(value) > MAX_VALUE_BYTES:
            raise RefusedInput(
                "value is too long",
                who=f"key {key[:64]!r}",
                had=f"{len(value)} bytes",
                needed=f"<= {MAX_VALUE_BYTES}",
            )
        self._write(namespace, key, value or None)

    def delete(self, namespace: str, key: str) -> None:
        """Take a key away, also one that is not there.

        Raises:
            RefusedInput: the key is out of bounds, or the transaction read a page.
        """
        self._write(namespace, key, None)

    def range(
        self, namespace: str, start: str, end: str, page_size: int = 0, bookmark: str = ""
    ) -> RangeCursor:
        """Rows of a range; close it.

        Args:
            namespace: to read.
            start: first key, included; empty for the first of all.
            end: excluded; empty for no end.
            page_size: rows of a page; 0 for no pages.
            bookmark: where a page begins, instead of `start`; empty for none.

        Raises:
            RefusedInput: a bound is too long, a page was asked after a write, or there were too
                many ranges.
        """
        is_page = bool(page_size or bookmark)
        begin = bookmark or start
        for each in (begin, end):
            _check_length(each)
        if page_size < 0:
            raise RefusedInput("page size is negative", had=page_size, needed=">= 1")
        if is_page and self._wrote:
            raise RefusedInput(
                "paginated queries are for transactions that only read",
                remedy="Read pages in a query of its own, or the whole range.",
            )
        self._ranges += 1
        if self._ranges > MAX_KEYS_OF_TRANSACTION:
            raise RefusedInput(
                "the transaction reads too many ranges",
                had=self._ranges,
                needed=f"<= {MAX_KEYS_OF_TRANSACTION}",
                remedy="Read wider ranges, or do it in several transactions.",
            )
        self._paged |= is_page
        span = Span(begin, end)
        self._recorded(namespace).spans.append(span)
        limit = min(page_size or MAX_ROWS_OF_QUERY, MAX_ROWS_OF_QUERY)
        rows = self._view.range(namespace, begin, end)
        return RangeCursor(namespace, rows, span, limit, is_page=is_page, on_row=self._count_row)

    def history(self, namespace: str, key: str) -> HistoryCursor:
        """What a key was, the newest first; close it.

        Raises:
            RefusedInput: the key is empty or too long.
        """
        _check_key(key)
        return HistoryCursor(self._view.history(namespace, key), MAX_ROWS_OF_QUERY)

    def definition(self, chaincode: str) -> ChaincodeDefinition | None:
        """The definition of a chaincode; that it was read is recorded, by its sequence.

        So what was endorsed under one definition conflicts under the next.
        """
        self.get(LIFECYCLE, field_key(chaincode, "Sequence"))
        return read_definition(chaincode, self._peek)

    def peek(self, key: str) -> bytes | None:
        """A value of the namespace `LIFECYCLE`, not recorded: for what no transaction rests on."""
        return self._peek(key)

    def sets(self) -> tuple[NamespaceSet, ...]:
        """What was read and written, by namespace."""
        return tuple(_set_of(name, each) for name, each in self._of.items() if _is_used(each))

    @property
    def is_question(self) -> bool:
        """Whether it read more than a transaction may: it is answered, and never endorsed."""
        return self._keys + self._rows > MAX_KEYS_OF_TRANSACTION

    def results(self) -> bytes:
        """`TxReadWriteSet`; empty for what is a question alone."""
        return b"" if self.is_question else make_results(self.sets())

    def _peek(self, key: str) -> bytes | None:
        found = self._view.get(LIFECYCLE, key)
        return None if found is None else found[0]

    def _write(self, namespace: str, key: str, value: bytes | None) -> None:
        _check_key(key)
        if self._paged:
            raise RefusedInput(
                "the transaction has performed a paginated query: writes are not allowed",
                remedy="Read pages in a query of its own, or the whole range.",
            )
        writes = self._recorded(namespace).writes
        held = len(key.encode()) + len(writes[key] or b"") if key in writes else 0
        size = self._bytes - held + len(key.encode()) + len(value or b"")
        if size > MAX_ENVELOPE_BYTES:
            raise RefusedInput(
                "the transaction writes too much",
                had=f"{size} bytes",
                needed=f"<= {MAX_ENVELOPE_BYTES}",
                remedy="Write it in several transactions.",
            )
        if key not in writes:
            self._count(writes=True)
        self._bytes = size
        self._wrote = True
        writes[key] = value

    def _count(self, *, writes: bool = False) -> None:
        keys, rows = self._keys + 1, self._rows if writes or self._wrote else 0
        _check_count(keys + rows, MAX_KEYS_OF_TRANSACTION, "Do it in several transactions.")
        self._keys = keys  # what was refused is not read, and makes no question of a transaction

    def _count_row(self) -> None:
        rows = self._rows + 1
        if self._wrote:
            remedy = "Do it in several transactions."
            _check_count(self._keys + rows, MAX_KEYS_OF_TRANSACTION, remedy)
        _check_count(rows, MAX_ROWS_OF_QUERY, "Ask for pages, each in a query of its own.")
        self._rows = rows

    def _recorded(self, namespace: str) -> _Recorded:
        return self._of.setdefault(namespace, _Recorded())


def _check_count(had: int, most: int, remedy: str) -> None:
    if had > most:
        what = "the transaction reads and writes too many keys"
        raise RefusedInput(what, had=had, needed=f"<= {most}", remedy=remedy)


def _check_key(key: str) -> None:
    if not key:
        raise RefusedInput("a key is empty", needed="at least one character")
    _check_length(key)


def _check_length(key: str) -> None:
    size = len(key.encode())
    if size > MAX_KEY_BYTES:
        raise RefusedInput(
            "a key is too long",
            who=f"key {key[:64]!r}",
            had=f"{size} bytes",
            needed=f"<= {MAX_KEY_BYTES}",
        )


def _is_used(each: _Recorded) -> bool:
    return bool(each.reads or each.writes or each.spans)


def _set_of(namespace: str, each: _Recorded) -> NamespaceSet:
    spans: dict[tuple[str, str, bool], RangeRead] = {}
    for span in map(Span.to_read, each.spans):
        if not span.reads and not span.is_exhausted:
            continue  # nothing was seen
        spans.setdefault((span.start, span.end, span.is_exhausted), span)
    return NamespaceSet(
        namespace=namespace,
        reads=tuple(Read(key, version) for key, version in each.reads.items()),
        writes=tuple(Write(key, value) for key, value in each.writes.items()),
        ranges=tuple(spans.values()),
    )
