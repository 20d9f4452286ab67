"""What a simulation read and wrote, by namespace: the bytes that endorsers sign.

Equal sets have equal bytes: namespaces by name, reads and writes by key, ranges as they were asked.
Reads carry the version that was seen, (block, position); a key that was not there has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2 as kv_pb2

from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.messages import parse

WHO = "read-write set"
MAX_KEPT_BYTES = 4096  # of a set that is kept taken apart


class Version(NamedTuple):
    """Of a value: where the transaction stands that wrote it."""

    block: int
    position: int


@dataclass(frozen=True)
class Read:
    """A key and the version that was seen; None where there was none."""

    key: str
    version: Version | None


@dataclass(frozen=True)
class RangeRead:
    """A range that was read: what was seen, and how far.

    Attributes:
        start: first key, included.
        end: where it ends: excluded when `is_exhausted`, else the last key that was seen, included.
        is_exhausted: whether it was read to its end.
        reads: what was seen, by key.
    """

    start: str
    end: str
    is_exhausted: bool
    reads: tuple[Read, ...]


@dataclass(frozen=True)
class Write:
    """A key and its new value; None deletes it, as an empty one does on Fabric."""

    key: str
    value: bytes | None


@dataclass(frozen=True)
class NamespaceSet:
    """Of one chaincode.

    Attributes:
        namespace: its name.
        reads, writes: by key, each key once.
        ranges: as they were asked.
        has_more: something of it this ledger does not do: collections of private data, metadata.
    """

    namespace: str
    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    ranges: tuple[RangeRead, ...] = ()
    has_more: bool = False


def make_results(sets: Iterable[NamespaceSet]) -> bytes:
    """`TxReadWriteSet`, the same bytes for equal sets; for each namespace one set."""
    results = rwset_pb2.TxReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.KV)
    for each in sorted(sets, key=lambda one: one.namespace):
        raw = _message_of(each).SerializeToString()
        results.ns_rwset.add(namespace=each.namespace, rwset=raw)
    made: bytes = results.SerializeToString()
    return made


def parse_results(raw: bytes) -> tuple[NamespaceSet, ...]:
    """The sets of `TxReadWriteSet`, as they stand there: no order or uniqueness is checked.

    Raises:
        MessageMalformed: it is none.
    """
    return _parse_kept(raw) if len(raw) <= MAX_KEPT_BYTES else _parse(raw)


def _parse(raw: bytes) -> tuple[NamespaceSet, ...]:
    results = parse(rwset_pb2.TxReadWriteSet, raw, WHO)
    if results.data_model != rwset_pb2.TxReadWriteSet.KV:
        raise MessageMalformed("data model is unknown", who=WHO, had=results.data_model)
    return tuple(_set_of(each) for each in results.ns_rwset)


# The same bytes are asked for at a door, by the orderer and by validation: what they hold is no
# verdict, and does not change.
_parse_kept = lru_cache(maxsize=256)(_parse)


def _message_of(each: NamespaceSet) -> kv_pb2.KVRWSet:
    message = kv_pb2.KVRWSet()
    for read in sorted(each.reads, key=lambda one: one.key.encode()):
        _fill_read(message.reads.add(), read)
    for span in each.ranges:
        query = message.range_queries_info.add(
            start_key=span.start, end_key=span.end, itr_exhausted=span.is_exhausted
        )
        query.raw_reads.SetInParent()
        for read in span.reads:
            _fill_read(query.raw_reads.kv_reads.add(), read)
    for write in sorted(each.writes, key=lambda one: one.key.encode()):
        message.writes.add(key=write.key, is_delete=write.value is None, value=write.value or b"")
    return message


def _fill_read(message: kv_pb2.KVRead, read: Read) -> None:
    message.key = read.key
    if read.version is not None:
        message.version.SetInParent()
        message.version.block_num, message.version.tx_num = read.version


def _set_of(each: rwset_pb2.NsReadWriteSet) -> NamespaceSet:
    message = parse(kv_pb2.KVRWSet, each.rwset, WHO)
    has_hashes = any(query.HasField("reads_merkle_hashes") for query in message.range_queries_info)
    return NamespaceSet(
        namespace=each.namespace,
        reads=tuple(map(_read_of, message.reads)),
        writes=tuple(
            Write(one.key, None if one.is_delete or not one.value else one.value)
            for one in message.writes
        ),
        ranges=tuple(map(_range_of, message.range_queries_info)),
        has_more=bool(each.collection_hashed_rwset or message.metadata_writes or has_hashes),
    )


def _read_of(message: kv_pb2.KVRead) -> Read:
    version = message.version
    is_there = message.HasField("version")
    return Read(message.key, Version(version.block_num, version.tx_num) if is_there else None)


def _range_of(query: kv_pb2.RangeQueryInfo) -> RangeRead:
    reads = tuple(map(_read_of, query.raw_reads.kv_reads))
    return RangeRead(query.start_key, query.end_key, query.itr_exhausted, reads)
