"""Checks of what was read: versions, against the state and the block so far, and ranges again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edgemark.ledger.embedded.validation.ground import WorldState
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Read,
    Version,
    Write,
)


class BlockSoFar:
    """The state below a block, and above it what counts of the block so far."""

    def __init__(self, state: WorldState) -> None:
        """Nothing of the block counts yet."""
        self.state = state
        self._written: dict[str, dict[str, Version | None]] = {}

    def write(self, each: NamespaceSet, version: Version) -> None:
        """What a transaction that counts wrote, in its version."""
        written = self._written.setdefault(each.namespace, {})
        for write in each.writes:
            written[write.key] = _version_of(write, version)

    def is_written(self, namespace: str, key: str) -> bool:
        """Whether the block wrote or deleted a key."""
        return key in self._written.get(namespace, ())

    def versions(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, Version]]:
        """As `WorldState.versions`, with what the block wrote."""
        first, last = start.encode() or b"\x01", end.encode() or None
        written = {
            key: version
            for key, version in self._written.get(namespace, {}).items()
            if first <= key.encode() and (last is None or key.encode() < last)
        }
        ours = iter(sorted(written.items(), key=lambda one: one[0].encode()))
        mine = next(ours, None)
        for key, version in self.state.versions(namespace, start, end):
            while mine is not None and mine[0].encode() < key.encode():
                if mine[1] is not None:
                    yield mine[0], mine[1]
                mine = next(ours, None)
            if key not in written:
                yield key, version
        while mine is not None:
            if mine[1] is not None:
                yield mine[0], mine[1]
            mine = next(ours, None)


def _version_of(write: Write, version: Version) -> Version | None:
    return None if write.value is None else version


Conflict = Callable[[NamespaceSet, BlockSoFar], Code | None]


def check_reads_in_block(each: NamespaceSet, so_far: BlockSoFar) -> Code | None:
    """No key that was read was written earlier in the block."""
    is_changed = any(so_far.is_written(each.namespace, read.key) for read in each.reads)
    return Code.MVCC_READ_CONFLICT if is_changed else None


def check_reads(each: NamespaceSet, so_far: BlockSoFar) -> Code | None:
    """Every key that was read has the version that was seen."""
    is_changed = any(
        so_far.state.version(each.namespace, read.key) != read.version for read in each.reads
    )
    return Code.MVCC_READ_CONFLICT if is_changed else None


def check_ranges(each: NamespaceSet, so_far: BlockSoFar) -> Code | None:
    """Every range that was read gives the same keys and versions again, and no more."""
    for span in each.ranges:
        if not _is_same(span, each.namespace, so_far):
            return Code.PHANTOM_READ_CONFLICT
    return None


def _is_same(span: RangeRead, namespace: str, so_far: BlockSoFar) -> bool:
    # Not read to its end, a range ends with the last key that was seen: one just behind it.
    end = span.end if span.is_exhausted or not span.end else span.end + "\x00"
    found = so_far.versions(namespace, span.start, end)
    for seen in span.reads:
        if next(found, None) != (seen.key, _seen_version(seen)):
            return False
    return next(found, None) is None


def _seen_version(read: Read) -> Version | None:
    return read.version
