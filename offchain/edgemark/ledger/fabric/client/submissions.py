"""What was prepared and not decided yet, on the disk, and what became of all that had a name.

Law 1: an envelope is written here before it is submitted, and crossed out only when its code is
known. Whoever makes the call of the same name again, in this process or after a crash, goes on with
the same envelope, or is told what became of it.
Law 2: a name that was decided is known as long as its files stand, up to MAX_NAMES_REMEMBERED of
them; then new names are refused, and none is forgotten. A name that was drawn, and told to nobody
while its code was open, is nobody's and is forgotten.
Law 3: what is open takes at most MAX_OPEN_BYTES; the journal is written anew, without what is
decided, before it is longer than twice that and MAX_JOURNAL_SLACK_BYTES.

A code is not waited for: it is written with the next envelope or at the end. Who loses it in a
crash asks the ledger again, which knows it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError, Overloaded, RefusedInput, Unrecoverable
from edgemark.files import make_private_folder
from edgemark.journal.journal import Journal, JournalInUse
from edgemark.ledger.fabric.client.calls import Endorsed
from edgemark.ledger.fabric.client.keeping.grouping import GroupWriter, Ticket
from edgemark.ledger.fabric.client.keeping.names import DecidedNames
from edgemark.ledger.fabric.client.keeping.records import (
    WHO,
    Decided,
    Kept,
    Moved,
    read_records,
    write_identity,
    write_kept,
    write_moved,
)
from edgemark.ledger.fabric.faults import SubmissionDiffers
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_DECIDED_HELD,
    MAX_ENVELOPE_BYTES,
    MAX_JOURNAL_SLACK_BYTES,
    MAX_NAMES_REMEMBERED,
    MAX_OPEN_BYTES,
    MAX_OPEN_SUBMISSIONS,
    MAX_SUBMISSION_NAME,
)
from edgemark.ledger.fabric.wire.messages import encode_text

MOVE_DECIDED = 200  # so many that are decided leave the journal together


def keep(name: str, endorsed: Endorsed) -> Kept:
    """What is written of an endorsed call before it is submitted."""
    asked = endorsed.asked
    return Kept(
        name=name,
        channel=asked.call.channel,
        digest=asked.call.digest,
        transaction_id=asked.transaction_id,
        envelope=endorsed.envelope,
    )


class Submissions(Closing):
    """The submissions of one identity on one ledger; safe for several threads.

    Args:
        journal: opened, of this identity.
        names: decided ones, of this identity.
        whose: digest of the identity, 32 bytes.

    Raises:
        Unrecoverable: it is another identity's, or damaged.
    """

    def __init__(self, journal: Journal, names: DecidedNames, whose: bytes) -> None:
        self._journal = journal
        self._names = names
        self._whose = whose
        self._lock = threading.Lock()  # never held while the disk is at work
        self._writer = GroupWriter(journal, self._written)
        self._by_name: OrderedDict[str, Kept] = OrderedDict()
        self._open: dict[str, int] = {}  # bytes of each, also of one that is being written
        self._open_bytes = 0
        self._under_way: set[str] = set()
        self._fault: EdgemarkError | None = None
        self._read()

    @classmethod
    def open(cls, folder: Path, identity: bytes) -> Submissions:
        """Open or make the files of an identity.

        Args:
            folder: of all such files; it is made.
            identity: `SerializedIdentity`, whose they are.

        Raises:
            Unrecoverable: it is another identity's, or damaged.
            JournalInUse: another process has it open.
        """
        whose = sha256(identity).digest()
        make_private_folder(folder)
        stem = folder / whose.hex()[:16]
        try:
            journal = Journal.open(stem.with_suffix(".journal"))
        except JournalInUse as held:
            held.remedy = (
                "Wait until that process ends: one at a time submits as an identity. Or submit as "
                "another, --msp-folder FOLDER; `query`, `events` and `history` go on meanwhile."
            )
            raise
        try:
            names = DecidedNames(stem.with_suffix(".names"))
        except BaseException:
            journal.close()
            raise
        try:
            return cls(journal, names, whose)
        except BaseException:
            names.close()
            journal.close()
            raise

    def close(self) -> None:
        """Write what is left, and close the files."""
        with suppress(EdgemarkError):  # codes that nobody waits for: the ledger is asked again
            self._writer.write_all()
        self._names.close()
        self._journal.close()

    def find(self, name: str) -> Kept | None:
        """The submission of a name; None for none."""
        with self._lock:
            found = self._by_name.get(name)
        return found or self._names.find(name)

    def open_ones(self) -> list[Kept]:
        """All whose code is not known, oldest first."""
        with self._lock:
            return [each for each in self._by_name.values() if each.is_open]

    def take(self, name: str, digest: bytes, *, is_drawn: bool = False) -> Kept | None:
        """Let one caller alone go on with a name; answers what there is of it.

        Args:
            name: of a submission.
            digest: of the call.
            is_drawn: it was drawn just now, and nobody else has it.

        Raises:
            RefusedInput: somebody goes on with it already, or it is no name.
            SubmissionDiffers: it is the name of another call.
            Overloaded: too many are open, or as many names are known as ever will be.
        """
        encode_text("name of a submission", name)
        if not 1 <= len(name) <= MAX_SUBMISSION_NAME:
            needed = f"1 .. {MAX_SUBMISSION_NAME} letters"
            raise RefusedInput(
                "name of a submission is wrong", who=WHO, had=name[:80], needed=needed
            )
        with self._lock:
            found = self._by_name.get(name)
            if found is None and not is_drawn:
                found = self._names.find(name)
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
                self._check_room(is_drawn)
            self._under_way.add(name)
            return found

    def _check_room(self, is_drawn: bool) -> None:
        had = len(self._open) + len(self._under_way)
        if had >= MAX_OPEN_SUBMISSIONS:
            had = len(self._open.keys() | self._under_way)
        if had >= MAX_OPEN_SUBMISSIONS:
            raise Overloaded(
                "too many are open",
                who=WHO,
                had=had,
                needed=f"< {MAX_OPEN_SUBMISSIONS}",
                remedy="Finish those that were left open: `edgemark ledger finish`; what nobody "
                "will ever order ends by `edgemark ledger finish --give-up NAME`.",
            )
        if self._fault is not None and len(self._by_name) >= MAX_DECIDED_HELD:
            raise copy(self._fault)
        known = self._names.count + len(self._by_name)
        if not is_drawn and known >= MAX_NAMES_REMEMBERED:
            raise Overloaded(
                "as many names are known as are remembered for certain",
                who=WHO,
                had=known,
                needed=f"< {MAX_NAMES_REMEMBERED}",
                remedy="Use another home folder for new names, and keep this one for the old; a "
                "call without a name is taken.",
            )

    def give_back(self, name: str) -> None:
        """Let others go on with a name."""
        with self._lock:
            self._under_way.discard(name)
            found = self._by_name.get(name)
            if found is None or not found.is_open:
                self._hold(name, 0)  # it was never written

    def begin(self, kept: Kept) -> Ticket:
        """Have a submission, or what became of it, written; see `wait` and `write`.

        Raises:
            RefusedInput: it is larger than any ledger takes; nothing was written.
            Overloaded: those that are open are too large together; nothing was written.
        """
        if not kept.is_open:
            with self._lock:
                self._remember(kept)
            ticket = self._writer.add(kept, is_urgent=False)
            return ticket
        size = len(kept.envelope)
        if size > MAX_ENVELOPE_BYTES:
            needed = f"<= {MAX_ENVELOPE_BYTES} bytes"
            raise RefusedInput(
                "is too large", who=f"submission {kept.name}", had=size, needed=needed
            )
        with self._lock:
            had = self._open_bytes - self._open.get(kept.name, 0) + size
            if had > MAX_OPEN_BYTES:
                raise Overloaded(
                    "those that are open are too large together",
                    who=WHO,
                    had=f"{had} bytes",
                    needed=f"<= {MAX_OPEN_BYTES}",
                    remedy="Finish those that were left open: `edgemark ledger finish`.",
                )
            self._hold(kept.name, size)
        return self._writer.add(kept, is_urgent=True)

    def wait(self, ticket: Ticket) -> None:
        """Return when it is on the disk, if somebody has to wait for it.

        Raises:
            JournalDoubtful: the disk refused; whether it is there is seen at the next `open`.
            JournalWriteFailed: the disk refused; it is not there.
        """
        if ticket.is_urgent:
            self._writer.wait(ticket)

    def write(self) -> None:
        """Write what was begun, in whichever thread; each ticket says what became of it."""
        self._writer.write()

    def append(self, kept: Kept) -> None:
        """Write a submission, or what became of it: `begin` and `wait`."""
        self.wait(self.begin(kept))

    def _hold(self, name: str, size: int) -> None:
        self._open_bytes += size - self._open.pop(name, 0)
        if size:
            self._open[name] = size

    def _remember(self, kept: Kept) -> None:
        self._by_name.pop(kept.name, None)
        self._by_name[kept.name] = kept if kept.is_open else replace(kept, envelope=b"")
        self._hold(kept.name, len(kept.envelope) if kept.is_open else 0)

    def _written(self, group: Iterable[Kept]) -> None:
        """These are on the disk; what is decided leaves the journal now and then."""
        with self._lock:
            for each in group:
                if each.is_open:
                    self._remember(each)
            is_long = self._journal.end > 2 * self._open_bytes + MAX_JOURNAL_SLACK_BYTES
            if not is_long and len(self._by_name) - len(self._open) < MOVE_DECIDED:
                return
        try:
            self._move_decided()
            self._fault = None
        except EdgemarkError as error:
            self._fault = error  # it is tried again; what is written stays written

    def _move_decided(self) -> None:
        """First into the file of names, then out of the journal: a crash between loses nothing."""
        with self._lock:
            decided = [each for each in self._by_name.values() if not each.is_open]
        self._names.put(each for each in decided if each.is_named)
        with self._lock:
            opened = [each for each in self._by_name.values() if each.is_open]
        records = (write_kept(each) for each in opened)
        self._journal.rewrite(
            [write_identity(self._whose), write_moved(self._names.count), *records]
        )
        with self._lock:
            for each in decided:
                if self._by_name.get(each.name) is each:
                    del self._by_name[each.name]

    def _read(self) -> None:
        records = self._journal.records()
        first = next(records, None)
        whose = write_identity(self._whose)
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
        if len(self._by_name) - len(self._open) >= MOVE_DECIDED:
            self._move_decided()

    def _take_record(self, record: bytes) -> None:
        try:
            for said in read_records(record):
                match said:
                    case Kept():
                        self._remember(said)
                    case Decided():
                        self._take_code(said)
                    case Moved(names):
                        self._check_names(names)
        except (RefusedInput, ValueError) as error:
            raise Unrecoverable(
                "holds a record that cannot be read", who=self._journal.path, had=str(error)
            ) from error

    def _take_code(self, said: Decided) -> None:
        """One that is not there left the journal before its code was written."""
        found = self._by_name.get(said.name)
        if found is not None:
            decided = replace(
                found,
                code=said.code,
                block=said.block,
                is_named=said.is_named,
                is_given_up=said.code is Code.NOT_VALIDATED,
            )
            self._remember(decided)

    def _check_names(self, names: int) -> None:
        if self._names.count < names:
            raise Unrecoverable(
                "file of decided names is not the one that belongs to it",
                who=self._journal.path.with_suffix(".names"),
                had=f"{self._names.count} names",
                needed=f">= {names}",
                remedy="Restore it from a copy: without it a name that counted may count again.",
            )
