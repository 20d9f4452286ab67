"""What was prepared and not decided yet, on the disk, and what became of the last ones.

Law: an envelope is written here before it is submitted, and crossed out only when its code is
known. Whoever makes the call of the same name again, in this process or after a crash, goes on with
the same envelope, or is told what became of it.

    PREPARED  name, channel, what was asked, transaction id, nothing, envelope, response
    DECIDED   name, code, block
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from edgemark.closing import Closing
from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.errors import Overloaded, RefusedInput, Unrecoverable
from edgemark.files import make_private_folder
from edgemark.journal.journal import MAX_RECORD_BYTES, Journal
from edgemark.ledger.fabric.client.calls import Call, Endorsed, encode_text
from edgemark.ledger.fabric.faults import SubmissionDiffers
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_ENVELOPE_BYTES,
    MAX_NAME,
    MAX_OPEN_SUBMISSIONS,
    MAX_SUBMISSION_NAME,
    MAX_SUBMISSIONS_REMEMBERED,
)

IDENTITY, PREPARED, DECIDED = 1, 2, 3  # first byte of a record
REWRITE_RECORDS = 4_000  # a file with more is written anew when it is opened
VERSION = 1
WHO = "submissions"


@dataclass(frozen=True)
class Kept:
    """One submission, as the journal has it.

    Attributes:
        name: that its caller gave it.
        channel: that it is for.
        digest: of what was asked: channel, chaincode, arguments, organisations.
        transaction_id: of the envelope.
        envelope: signed; empty once the code is known.
        response: what the chaincode answered.
        code: NOT_VALIDATED while it is open.
        block: number of the block.
    """

    name: str
    channel: str
    digest: bytes
    transaction_id: str
    envelope: bytes = field(repr=False)
    response: bytes
    code: Code = Code.NOT_VALIDATED
    block: int = 0

    @property
    def is_open(self) -> bool:
        """Whether its code is not known."""
        return self.code is Code.NOT_VALIDATED


def digest_call(call: Call) -> bytes:
    """32 bytes that tell a call from every other, but for its transient data."""
    writer = Writer().text(call.channel).text(call.chaincode).integer(len(call.arguments), 4)
    for argument in call.arguments:
        writer.variable(argument)
    for organisation in call.organisations:
        writer.text(organisation)
    return sha256(writer.finish()).digest()


def keep(name: str, endorsed: Endorsed) -> Kept:
    """What is written of an endorsed call before it is submitted."""
    asked = endorsed.asked
    return Kept(
        name=name,
        channel=asked.call.channel,
        digest=digest_call(asked.call),
        transaction_id=asked.transaction_id,
        envelope=endorsed.envelope,
        response=endorsed.response,
    )


class Submissions(Closing):
    """The submissions of one identity on one ledger; safe for several threads.

    Args:
        journal: opened, of this identity.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._by_name: OrderedDict[str, Kept] = OrderedDict()
        self._open: set[str] = set()
        self._under_way: set[str] = set()

    @classmethod
    def open(cls, folder: Path, identity: bytes) -> Submissions:
        """Open or make the file of an identity.

        Args:
            folder: of all such files; it is made.
            identity: `SerializedIdentity`,

        Raises:
            Unrecoverable: it is another identity's, or damaged.
            RefusedInput: another process has it open.
        """
        whose = sha256(identity).digest()
        make_private_folder(folder)
        journal = Journal.open(folder / f"{whose.hex()[:16]}.journal")
        try:
            opened = cls(journal)
            opened._read(whose)
        except BaseException:
            journal.close()
            raise
        return opened

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def find(self, name: str) -> Kept | None:
        """The submission of a name; None for none."""
        with self._lock:
            return self._by_name.get(name)

    def open_ones(self) -> list[Kept]:
        """All whose code is not known, oldest first."""
        with self._lock:
            return [each for each in self._by_name.values() if each.is_open]

    def take(self, name: str, digest: bytes) -> Kept | None:
        """Let one caller alone go on with a name; answers what there is of it.

        Raises:
            RefusedInput: somebody goes on with it already, or it is no name.
            SubmissionDiffers: it is the name of another call.
            Overloaded: too many are open.
        """
        if not 1 <= len(name) <= MAX_SUBMISSION_NAME:
            needed = f"1 .. {MAX_SUBMISSION_NAME} letters"
            raise RefusedInput(
                "name of a submission is wrong", who=WHO, had=name[:80], needed=needed
            )
        encode_text("name of a submission", name)
        with self._lock:
            found = self._by_name.get(name)
            if found and found.digest != digest:
                raise SubmissionDiffers(
                    "is the name of another call",
                    who=f"submission {name}",
                    remedy="Give this call its own name, or make the first one as it was.",
                )
            if name in self._under_way:
                raise RefusedInput(
                    "is under way", who=f"submission {name}", remedy="Wait until it has ended."
                )
            if found is None:
                self._check_room()
            self._under_way.add(name)
            return found

    def _check_room(self) -> None:
        had = len(self._open | self._under_way)
        if had >= MAX_OPEN_SUBMISSIONS:
            raise Overloaded(
                "too many are open",
                who=WHO,
                had=had,
                needed=f"< {MAX_OPEN_SUBMISSIONS}",
                remedy="Finish those that were left open: `edgemark ledger finish`.",
            )

    def give_back(self, name: str) -> None:
        """Let others go on with a name."""
        with self._lock:
            self._under_way.discard(name)

    def append(self, kept: Kept) -> None:
        """Write a submission, or what became of it; it is on the disk when this returns.

        Raises:
            RefusedInput: it is larger than any ledger takes; nothing was written.
        """
        size = max(len(kept.envelope), len(kept.response))
        if size > MAX_ENVELOPE_BYTES:
            needed = f"<= {MAX_ENVELOPE_BYTES} bytes"
            raise RefusedInput(
                "is too large", who=f"submission {kept.name}", had=size, needed=needed
            )
        record = _write(kept) if kept.is_open else _write_code(kept)
        with self._lock:
            self._journal.append(record)
            self._remember(kept)

    def _remember(self, kept: Kept) -> None:
        self._by_name.pop(kept.name, None)
        self._by_name[kept.name] = kept if kept.is_open else _without_bytes(kept)
        (self._open.add if kept.is_open else self._open.discard)(kept.name)
        if len(self._by_name) > 2 * MAX_SUBMISSIONS_REMEMBERED:
            self._by_name = self._last_ones()

    def _last_ones(self) -> OrderedDict[str, Kept]:
        """All that are open, and the last decided ones."""
        decided = [name for name, each in self._by_name.items() if not each.is_open]
        gone = set(decided[:-MAX_SUBMISSIONS_REMEMBERED])
        return OrderedDict((name, each) for name, each in self._by_name.items() if name not in gone)

    def _read(self, identity: bytes) -> None:
        records = self._journal.records()
        first = next(records, None)
        whose = Writer().integer(IDENTITY, 1).integer(VERSION, 1).fixed(identity, 32).finish()
        if first is None:
            self._journal.append(whose)
        elif first != whose:
            raise Unrecoverable(
                "belongs to another identity",
                who=self._journal.path,
                remedy="Use one home folder for each identity and ledger.",
            )
        for record in records:
            self._take_record(record)
        self._by_name = self._last_ones()
        if self._journal.count > REWRITE_RECORDS:
            self._journal.rewrite([whose, *self._written()])

    def _written(self) -> Iterator[bytes]:
        for each in self._by_name.values():
            yield _write(each)
            if not each.is_open:
                yield _write_code(each)

    def _take_record(self, record: bytes) -> None:
        try:
            reader = Reader(record, who=str(self._journal.path))
            match reader.integer(1):
                case 2:
                    self._remember(_read_prepared(reader))
                case 3:
                    self._take_code(reader)
                case _:
                    raise MalformedMessage("kind of record is unknown", who=WHO)
        except (RefusedInput, ValueError) as error:
            raise Unrecoverable(
                "holds a record that cannot be read", who=self._journal.path, had=str(error)
            ) from error

    def _take_code(self, reader: Reader) -> None:
        name = reader.text(most=4 * MAX_SUBMISSION_NAME)
        code, block = Code(reader.integer(1)), reader.integer(8)
        reader.finish()
        found = self._by_name.get(name)
        if found is None:
            raise MalformedMessage("code of a submission that is not there", who=WHO, had=name)
        self._remember(replace(found, code=code, block=block))


def _without_bytes(kept: Kept) -> Kept:
    return replace(kept, envelope=b"")


def _write(kept: Kept) -> bytes:
    writer = Writer().integer(PREPARED, 1).text(kept.name).text(kept.channel)
    # Once the proposal stood here; it has what is for endorsers alone, and nobody reads it again.
    writer.fixed(kept.digest, 32).text(kept.transaction_id).variable(b"")
    return writer.variable(kept.envelope).variable(kept.response).finish()


def _read_prepared(reader: Reader) -> Kept:
    name, channel = reader.text(most=4 * MAX_SUBMISSION_NAME), reader.text(most=4 * MAX_NAME)
    digest, transaction_id = reader.fixed(32), reader.text(most=64)
    # More than `append` takes, and all that the journal keeps in one record: a file that holds
    # something too large for the ledger still says what else is open.
    _, envelope, response = (reader.variable(most=MAX_RECORD_BYTES) for _ in range(3))
    reader.finish()
    return Kept(name, channel, digest, transaction_id, envelope, response)


def _write_code(kept: Kept) -> bytes:
    writer = Writer().integer(DECIDED, 1).text(kept.name)
    return writer.integer(kept.code, 1).integer(kept.block, 8).finish()
