"""Blocks: header, envelopes, and the flag of each of them.

The flags stand in the metadata, outside of what the hash covers: whoever reads a block computes
them again, or believes the peer that served it.

A *mark* says which block it is of all that ever had its number. A chain of Fabric has one of each,
and no marks. A development ledger takes blocks back and gives their numbers again; the same
transaction may come again too, in a block of that number with others before it. So it tells a mark
with the events of each block, in a field that the protocol does not have and that clients pass
over; who resumes shows it in such a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fabric_protos.common import common_pb2
from google.protobuf.unknown_fields import UnknownFieldSet

from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.canonical import begins_with_its_payload
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.digests import compute_block_hash, compute_data_hash
from edgemark.ledger.fabric.wire.messages import parse

WHO = "block"
METADATA_FIELDS = 5  # signatures, last config, transactions filter, orderer, commit hash
FILTER = 2  # the field of the flags
MARK = 50_000  # the field of a mark: far from those that the protocol has
MAX_MARK_BYTES = 64
_MARK_TAG = b"\x82\xb5\x18"  # of that field, with a length


@dataclass(frozen=True)
class Block:
    """A block.

    Attributes:
        number: >= 0.
        previous_hash: of the block below; empty for the first.
        data_hash: that its header says.
        envelopes: as they were ordered.
        flags: a code each; empty before validation.
        signatures: metadata field 0, of the orderer.
        last_config: metadata field 1.
        orderer: metadata field 3.
        commit_hash: metadata field 4.
    """

    number: int
    previous_hash: bytes
    data_hash: bytes
    envelopes: tuple[bytes, ...]
    flags: tuple[Code, ...] = ()
    signatures: bytes = b""
    last_config: bytes = b""
    orderer: bytes = b""
    commit_hash: bytes = b""

    @property
    def hash(self) -> bytes:
        """Of its header; 32 bytes."""
        return compute_block_hash(self.number, self.previous_hash, self.data_hash)

    @property
    def is_whole(self) -> bool:
        """Whether its envelopes are those of its header; see `has_borders`."""
        return compute_data_hash(self.envelopes) == self.data_hash

    @property
    def has_borders(self) -> bool:
        """Whether no other envelopes, pieces of these or several in one, have the same hash."""
        return all(map(begins_with_its_payload, self.envelopes))

    @property
    def last_config_number(self) -> int:
        """Number of the last block with a configuration, as the metadata say.

        Raises:
            MessageMalformed: they say none.
        """
        value = parse(common_pb2.Metadata, self.last_config, WHO).value
        number: int = parse(common_pb2.LastConfig, value, WHO).index
        return number

    def to_bytes(self) -> bytes:
        """As it is served and kept."""
        header = common_pb2.BlockHeader(
            number=self.number, previous_hash=self.previous_hash, data_hash=self.data_hash
        )
        flags = bytes(self.flags)
        metadata = [self.signatures, self.last_config, flags, self.orderer, self.commit_hash]
        made: bytes = common_pb2.Block(
            header=header,
            data=common_pb2.BlockData(data=list(self.envelopes)),
            metadata=common_pb2.BlockMetadata(metadata=metadata),
        ).SerializeToString()
        return made


def make_block(number: int, previous_hash: bytes, envelopes: Sequence[bytes]) -> Block:
    """A block of these envelopes, not validated yet."""
    return Block(number, previous_hash, compute_data_hash(envelopes), tuple(envelopes))


def parse_block(raw: bytes) -> Block:
    """A block; nothing of it is checked.

    Raises:
        MessageMalformed: it is none, or has a flag of no meaning.
    """
    block = parse(common_pb2.Block, raw, WHO)
    fields = [*block.metadata.metadata, *[b""] * METADATA_FIELDS][:METADATA_FIELDS]
    return Block(
        number=block.header.number,
        previous_hash=block.header.previous_hash,
        data_hash=block.header.data_hash,
        envelopes=tuple(block.data.data),
        flags=parse_flags(fields[FILTER]),
        signatures=fields[0],
        last_config=fields[1],
        orderer=fields[3],
        commit_hash=fields[4],
    )


def parse_flags(raw: bytes) -> tuple[Code, ...]:
    """The codes of a block's transactions; one that has no meaning here is INVALID_OTHER_REASON."""
    known = {code.value: code for code in Code}
    return tuple(known.get(each, Code.INVALID_OTHER_REASON) for each in raw)


def add_mark(message: Any, mark: bytes) -> None:
    """Put a mark beside what a message of the protocol holds.

    Args:
        message: of a block's events, or of who asks for them.
        mark: at most MAX_MARK_BYTES; none where it is empty.
    """
    if mark:
        message.MergeFromString(_MARK_TAG + bytes((len(mark),)) + mark)


def read_mark(message: Any) -> bytes:
    """The mark beside what a message holds; empty where there is none.

    Raises:
        MessageMalformed: there are several, or it is none.
    """
    fields: Any = UnknownFieldSet(message)
    found = [each.data for each in fields if each.field_number == MARK]
    if not found:
        return b""
    mark = found[0]
    if len(found) > 1 or not isinstance(mark, bytes) or not 0 < len(mark) <= MAX_MARK_BYTES:
        raise MessageMalformed(
            "has no mark of a block in the field of one",
            who=message.DESCRIPTOR.name,
            had=len(found),
            needed=f"one, of 1 .. {MAX_MARK_BYTES} bytes",
        )
    return mark
