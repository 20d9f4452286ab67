"""What is written of a submission, and how it is read again.

IDENTITY  version, whose journal it is
PREPARED  name, channel, what was asked, transaction id, envelope
DECIDED   name, code, block; of one that was given up NOT_VALIDATED
TOLD      the same, of a name that was drawn and told to nobody before its code was known
GROUP     records that were written at once
MOVED     number of names that the file of names has at least
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.journal.journal import MAX_RECORD_BYTES
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import MAX_NAME, MAX_SUBMISSION_NAME

IDENTITY, PREPARED, DECIDED, GROUP, TOLD, MOVED = 1, 2, 3, 4, 5, 6  # first byte of a record
VERSION = 1
WHO = "submissions"


@dataclass(frozen=True)
class Name:
    """What a submission is called.

    Attributes:
        text: the name.
        is_drawn: it was drawn for this call, and nobody else has it.
    """

    text: str
    is_drawn: bool = False


@dataclass(frozen=True)
class Kept:
    """One submission, as the journal has it.

    Attributes:
        name: that its caller gave it, or that was drawn.
        channel: that it is for.
        digest: of what was asked: channel, chaincode, arguments, organisations, and whether it
            is marked as the first call.
        transaction_id: of the envelope.
        envelope: signed; empty once the code is known, or it was given up.
        code: NOT_VALIDATED while it is open, and of one that was given up.
        block: number of the block.
        is_named: whether somebody may ask by its name once it is decided.
        is_given_up: nobody sends it again, though it may count: its name stays taken.
    """

    name: str
    channel: str
    digest: bytes
    transaction_id: str
    envelope: bytes = field(repr=False)
    code: Code = Code.NOT_VALIDATED
    block: int = 0
    is_named: bool = True
    is_given_up: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its code is not known, and somebody goes on with it."""
        return self.code is Code.NOT_VALIDATED and not self.is_given_up


@dataclass(frozen=True)
class Decided:
    """What became of a submission.

    Attributes:
        name: of it.
        code: of its transaction.
        block: number of the block.
        is_named: see `Kept`.
    """

    name: str
    code: Code
    block: int
    is_named: bool


@dataclass(frozen=True)
class Moved:
    """Decided names are in a file of their own.

    Attributes:
        names: at least so many.
    """

    names: int


def write_identity(whose: bytes) -> bytes:
    """The first record; `whose` is 32 bytes."""
    return Writer().integer(IDENTITY, 1).integer(VERSION, 1).fixed(whose, 32).finish()


def write_kept(kept: Kept) -> bytes:
    """A submission that is open, or what became of it."""
    if not kept.is_open:
        kind = DECIDED if kept.is_named else TOLD
        writer = Writer().integer(kind, 1).text(kept.name)
        return writer.integer(kept.code, 1).integer(kept.block, 8).finish()
    writer = Writer().integer(PREPARED, 1).text(kept.name).text(kept.channel)
    writer.fixed(kept.digest, 32).text(kept.transaction_id)
    return writer.variable(kept.envelope).finish()


def write_group(records: Sequence[bytes]) -> bytes:
    """Several records, to be written at once; one is itself."""
    if len(records) == 1:
        return records[0]
    writer = Writer().integer(GROUP, 1)
    for record in records:
        writer.variable(record)
    return writer.finish()


def write_moved(names: int) -> bytes:
    """So many names are in their own file."""
    return Writer().integer(MOVED, 1).integer(names, 8).finish()


def read_records(raw: bytes) -> Iterator[Kept | Decided | Moved]:
    """What a record of the journal says, behind the first one.

    Raises:
        MalformedMessage, ValueError: it is none.
    """
    reader = Reader(raw, who=WHO)
    kind = reader.integer(1)
    if kind == PREPARED:
        yield _read_prepared(reader)
    elif kind in (DECIDED, TOLD):
        name = reader.text(most=4 * MAX_SUBMISSION_NAME)
        yield Decided(name, Code(reader.integer(1)), reader.integer(8), kind == DECIDED)
    elif kind == GROUP:
        while reader.left:
            inner = reader.variable(most=MAX_RECORD_BYTES)
            if inner[:1] not in _IN_GROUPS:
                raise MalformedMessage("kind of record is unknown in a group", who=WHO)
            yield from read_records(inner)
    elif kind == MOVED:
        yield Moved(reader.integer(8))
    else:
        raise MalformedMessage("kind of record is unknown", who=WHO)
    reader.finish()


_IN_GROUPS = {bytes((kind,)) for kind in (PREPARED, DECIDED, TOLD)}


def _read_prepared(reader: Reader) -> Kept:
    name, channel = reader.text(most=4 * MAX_SUBMISSION_NAME), reader.text(most=4 * MAX_NAME)
    digest, transaction_id = reader.fixed(32), reader.text(most=64)
    # More than is written, and all that the journal keeps in one record: a file that holds
    # something too large for the ledger still says what else is open.
    envelope = reader.variable(most=MAX_RECORD_BYTES)
    return Kept(name, channel, digest, transaction_id, envelope)
