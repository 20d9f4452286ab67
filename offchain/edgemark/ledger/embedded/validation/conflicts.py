"""Checks of what was read: versions, against the state and the block so far, and ranges again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

from edgemark.ledger.embedded.validation.ground import WorldState
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import MAX_ROWS_OF_QUERY
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Version,
    Write,
)

FEW = 4  # reads of most transactions


class BlockSoFar:
    """The state below a block, and above it what counts of the block so far."""

    def __init__(self, state: WorldState) -> None:
        """Nothing of the block counts yet."""
        self.state = state
        self._written: dict[str, dict[str, Version | None]] = {}
        self._sorted: dict[str, list[str]] = {}  # keys of these; made when a range is asked for

    def write(self, each: NamespaceSet, version: Version) -> None:
        """What a transaction that counts wrote, in its version."""
        written = self._written.setdefault(each.namespace, {})
        before = len(written)
        for write in each.writes:
            written[write.key] = _version_of(write, version)
        if len(written) > before:
            self._sorted.pop(each.namespace, None)

    def is_written(self, namespace: str, key: str) -> bool:
        """Whether the block wrote or deleted a key."""
        return key in self._written.get(namespace, ())

    def versions(
        self, namespace: str, start: str, end: str
    ) -> Iterator[tuple[str, Version | None]]:
        """As `WorldState.versions`, with what the block wrote; None for what it deleted."""
        written = self._written.get(namespace, {})
        keys = self._sorted.get(namespace)
        if keys is None:
            # By code point, which is the order of their bytes in UTF-8, as the state has them.
            keys = self._sorted[namespace] = sorted(written)
        place, last = bisect_left(keys, start or "\x01"), len(keys)
        if end:
            last = bisect_left(keys, end, min(place, last))
        for key, version in self.state.versions(namespace, start, end):
            while place < last and keys[place] < key:
                yield keys[place], written[keys[place]]
                place += 1
            if place < last and keys[place] == key:
                continue  # told by what the block wrote
            yield key, version
        for key in keys[place:last]:
            yield key, written[key]


def _version_of(write: Write, version: Version) -> Version | None:
    return None if write.value is None else version


Conflict = Callable[[NamespaceSet, BlockSoFar], Code | None]


def check_reads_in_block(each: NamespaceSet, so_far: BlockSoFar) -> Code | None:
    """No key that was read was written earlier in the block."""
    is_changed = any(so_far.is_written(each.namespace, read.key) for read in each.reads)
    return Code.MVCC_READ_CONFLICT if is_changed else None


def check_reads(each: NamespaceSet, so_far: BlockSoFar) -> Code | None:
    """Every key that was read has the version that was seen."""
    # Few are asked one by one: of many, each question costs more than what it finds.
    if len(each.reads) <= FEW:
        seen = ((read, so_far.state.version(each.namespace, read.key)) for read in each.reads)
        return Code.MVCC_READ_CONFLICT if any(one.version != now for one, now in seen) else None
    now = so_far.state.versions_of(each.namespace, [read.key for read in each.reads])
    is_changed = any(now.get(read.key) != read.version for read in each.reads)
    return Code.MVCC_READ_CONFLICT if is_changed else None


def check_ranges(each: NamespaceSet, so_far: BlockSoFar) -> Code | None:
    """Every range that was read gives the same keys and versions again, and no more.

    Keys that the block deleted are passed over, in all ranges together MAX_ROWS_OF_QUERY of them:
    who makes us look at more, range by range, stops the channel for as long. That conflicts too.
    """
    passed = 0
    for span in each.ranges:
        found = so_far.versions(each.namespace, span.start, _end_of(span))
        seen = iter(span.reads)
        for key, version in found:
            if version is None:
                passed += 1
                if passed > MAX_ROWS_OF_QUERY:
                    return Code.PHANTOM_READ_CONFLICT
                continue
            read = next(seen, None)
            if read is None or (read.key, read.version) != (key, version):
                return Code.PHANTOM_READ_CONFLICT
        if next(seen, None) is not None:
            return Code.PHANTOM_READ_CONFLICT
    return None


def _end_of(span: RangeRead) -> str:
    # Not read to its end, a range ends with the last key that was seen: one just behind it.
    return span.end if span.is_exhausted or not span.end else span.end + "\x00"
