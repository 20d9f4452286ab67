"""Write-ahead journal: what is in it has happened, whatever happens next.

Law 1: `append` returns only when the record is on the disk (fsync), so an effect that follows it
never runs for an event that a crash can forget. Many events may be one record: one fsync for all.
Law 2: a record that a crash cut short was never acknowledged; it is dropped on the next `open`.
Law 3: damage anywhere else is reported, never repaired by guessing.
Law 4: one journal belongs to one process at a time.

Layout: the magic bytes, then records as in `edgemark.journal.framing`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError
from edgemark.files import OWNER_ONLY_FILE, let_go, sync_folder
from edgemark.journal.faults import (
    JournalDamaged,
    JournalDoubtful,
    JournalInUse,
    JournalWriteFailed,
    RecordTooLarge,
    damaged_at,
    in_doubt,
    of_another_version,
    write_failed,
)
from edgemark.journal.framing import (
    HEADER_BYTES,
    is_length_sound,
    is_torn,
    length_in,
    make_header,
)
from edgemark.journal.place import (
    explained,
    fresh_path,
    lock_alone,
    open_file,
    open_to_look,
    remove_unfinished,
    write_at,
)

__all__ = [
    "MAGIC",
    "MAX_RECORD_BYTES",
    "Journal",
    "JournalDamaged",
    "JournalDoubtful",
    "JournalInUse",
    "JournalWriteFailed",
    "RecordTooLarge",
]
MAGIC = b"EDGEJRN2"
MAX_RECORD_BYTES = 128 * 2**20  # each system's largest record is below it, which a test says
WRITE_BYTES = 1 << 20  # at a time


class Journal(Closing):
    """An append-only file of records; made by `open`, safe for one thread at a time.

    Args:
        path: where it lies.
        handle: descriptor of the journal, open for reading and writing.
        lock: descriptor that holds the exclusive lock.
        most: longest payload in bytes.
    """

    def __init__(self, path: Path, handle: int, lock: int, most: int) -> None:
        self.path = path
        self.count = 0
        self._handle = handle
        self._lock = lock
        self._most = most
        self._end = len(MAGIC)
        self._broken = False
        self._successor: Journal | None = None

    @property
    def end(self) -> int:
        """Where the last whole record ends, in bytes from the start of the file."""
        return self._end

    @property
    def is_broken(self) -> bool:
        """Whether it takes no more records until it is opened anew."""
        return self._broken

    @classmethod
    def open(cls, path: Path, *, max_record_bytes: int = MAX_RECORD_BYTES) -> Journal:
        """Open or create a journal, owner-only, checking every record in it.

        Args:
            path: the file; its folder must exist.
            max_record_bytes: longest payload, 1 .. 2^32 - 1.

        Raises:
            JournalInUse: another process (or another part of this one) has it open.
            JournalDamaged: a record that is not the last one is not as it was written.
            Unrecoverable: others may read or write the file, it cannot be opened, or the disk
                refuses to read it or to keep it as it is.
        """
        lock, was_left = lock_alone(path)
        handle = -1
        try:
            handle = open_file(path)
            journal = cls(path, handle, lock, max_record_bytes)
            remove_unfinished(path)
            with explained(path):
                journal._check_all(may_change=True)
                if was_left:
                    journal._keep()
        except BaseException:
            if handle >= 0:
                os.close(handle)
            os.close(lock)
            raise
        return journal

    @classmethod
    def look_at(cls, path: Path) -> Journal:
        """The whole records of a journal as they stand, to read only and without its lock.

        Another process may be appending to it: a record that is half there is left out.

        Raises:
            RefusedInput: there is no such file.
            JournalDamaged, Unrecoverable: as `open`.
        """
        with explained(path):
            journal = cls(path, open_to_look(path), -1, 0)
        try:
            with explained(path):
                journal._check_all(may_change=False)
        except BaseException:
            journal.close()
            raise
        return journal

    def append(self, payload: bytes) -> int:
        """Write one record and wait until it is on the disk.

        Returns:
            Its number, counted from 1.

        Raises:
            RecordTooLarge: longer than the limit; nothing was written.
            JournalWriteFailed: the disk refused; the journal is as before and takes the next
                record when there is space again (after a failed fsync: only once reopened).
            JournalDoubtful: the disk refused that, too: whether the record is there is seen when
                the journal is opened anew.
        """
        if self._broken or self._handle < 0:
            raise JournalWriteFailed(
                "is closed after a failed write", who=self.path, remedy="Start the process again."
            )
        try:
            end = self._write(payload)
            self._sync()
        except EdgemarkError:
            raise
        except BaseException:  # who is interrupted leaves nothing behind the next record
            self._undo()
            raise
        self._end, self.count = end, self.count + 1
        return self.count

    def check_length(self, length: int) -> None:
        """Check that the journal takes a record of so many bytes.

        Raises:
            RecordTooLarge: it does not.
        """
        if length > self._most:
            raise RecordTooLarge(
                "record too long", who=self.path, had=length, needed=f"<= {self._most} bytes"
            )

    def records(self) -> Iterator[bytes]:
        """All payloads, oldest first, as they stand now.

        Raises:
            JournalDamaged: the file changed since it was opened.
        """
        return (payload for _, payload in self.walk())

    def walk(self, begin: int = len(MAGIC)) -> Iterator[tuple[int, bytes]]:
        """Like `records`, each with its place, which `record_at` takes until the next `rewrite`.

        Args:
            begin: place of the first, or `end`.
        """
        offset, end = begin, self._end
        while offset < end:
            payload = self._read_within(offset, end)
            yield offset, payload
            offset += HEADER_BYTES + len(payload)

    def record_at(self, place: int) -> bytes:
        """One payload.

        Raises:
            JournalDamaged: the file changed since it was opened.
        """
        return self._read_within(place, self._end)

    def _read_within(self, offset: int, end: int) -> bytes:
        with explained(self.path):
            payload = self._read_record(offset, end)
        if payload is None:
            raise damaged_at(self.path, offset, self.count)
        return payload

    def rewrite(self, payloads: Iterable[bytes]) -> None:
        """Put these records in the place of all that is there, at once or not at all.

        The payloads may come from `records` of this very journal.

        Raises:
            RecordTooLarge: a payload is too long; nothing changed.
            JournalWriteFailed: the disk refused; nothing changed.
        """
        fresh = self.begin_successor()
        try:
            for payload in payloads:
                fresh.add(payload)
            self.become(fresh)
        finally:
            self.drop_successor()  # unless it became this one

    def begin_successor(self) -> Journal:
        """An empty journal beside this one, which may `become` it; one at a time.

        Until then this one takes records as before, and a crash or `close` leaves nothing of it.

        Raises:
            JournalWriteFailed: the disk refused.
        """
        self.drop_successor()
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            handle = os.open(fresh_path(self.path), flags, OWNER_ONLY_FILE)
            self._successor = Journal(self.path, handle, -1, self._most)
            os.pwrite(handle, MAGIC, 0)
        except OSError as error:
            self.drop_successor()
            raise write_failed(self.path, error) from error
        return self._successor

    def add(self, payload: bytes) -> None:
        """Write one record that need not be on the disk yet: for a successor.

        Raises:
            RecordTooLarge, JournalWriteFailed: as `append`.
        """
        self._end = self._write(payload)
        self.count += 1

    def sync(self) -> None:
        """Wait until all that was added is on the disk, or raise `JournalWriteFailed`."""
        try:
            os.fsync(self._handle)
        except OSError as error:
            self._broken = True
            raise write_failed(self.path, error) from error

    def become(self, fresh: Journal) -> None:
        """Have the records of the successor in the place of one's own, at once or not at all.

        Raises:
            JournalWriteFailed: the disk refused; nothing changed.
        """
        try:
            fresh.sync()  # until the new file has its name nobody relies on it
            os.replace(fresh_path(self.path), self.path)
        except OSError as error:
            raise write_failed(self.path, error) from error
        os.close(self._handle)
        self._handle, self._end, self.count = fresh._handle, fresh._end, fresh.count
        self._successor = None
        self._sync_name()

    def drop_successor(self) -> None:
        """Give up what was begun, and the room that it took."""
        fresh, self._successor = self._successor, None
        if fresh is not None:
            fresh.close()
            with contextlib.suppress(OSError):
                os.unlink(fresh_path(self.path))

    def _sync_name(self) -> None:
        """Make the new name durable; before that a crash brings back the old file, whole."""
        try:
            sync_folder(self.path.parent)
        except OSError as error:
            self._broken = True  # a record appended now could be lost with the name
            raise write_failed(self.path, error) from error

    def close(self) -> None:
        """Give the journal free for another process."""
        self.drop_successor()
        if self._handle >= 0:
            os.close(self._handle)
            if self._lock >= 0:
                (os.close if self._broken else let_go)(self._lock)
            self._handle = self._lock = -1

    def _write(self, payload: bytes) -> int:
        """Put a record at the end of the file, not yet durable; where it ends."""
        self.check_length(len(payload))
        start = make_header(self._end, payload) + payload[:WRITE_BYTES]
        rest = memoryview(payload)[WRITE_BYTES:]
        try:
            at = write_at(self._handle, self._end, start)
            for begin in range(0, len(rest), WRITE_BYTES):
                at = write_at(self._handle, at, rest[begin : begin + WRITE_BYTES])
        except OSError as error:
            self._undo()
            raise write_failed(self.path, error) from error
        return at

    def _sync(self) -> None:
        try:
            os.fsync(self._handle)
        except OSError as error:
            # After a failed fsync the kernel may have dropped the pages: only a fresh look at the
            # file tells what is on the disk.
            self._broken = True
            explain = write_failed if self._undo() else in_doubt
            raise explain(self.path, error) from error

    def _undo(self) -> bool:
        """Take back what was written of a record; whether it is gone, whatever happens next.

        Where it is not, what was written in part is dropped as torn by the next `open`, and a whole
        record is taken for one that happened.
        """
        try:
            os.ftruncate(self._handle, self._end)
            os.fsync(self._handle)
        except OSError:
            self._broken = True
            return False
        return True

    def _check_all(self, *, may_change: bool) -> None:
        size = os.fstat(self._handle).st_size
        start = os.pread(self._handle, len(MAGIC), 0)
        if start != MAGIC:
            if size > len(MAGIC) or not MAGIC.startswith(start.rstrip(b"\0")):
                raise of_another_version(self.path, start, MAGIC)
            size = len(MAGIC)
            if may_change:
                self._start_file()
        while self._end < size:
            payload = self._read_record(self._end, size)
            if payload is None:
                self._check_torn(size)
                if may_change:
                    os.ftruncate(self._handle, self._end)
                    os.fsync(self._handle)
                break
            self._end += HEADER_BYTES + len(payload)
            self.count += 1

    def _keep(self) -> None:
        """Have on the disk what is read: who wrote it may have been killed before, or refused."""
        os.fsync(self._handle)
        sync_folder(self.path.parent)

    def _start_file(self) -> None:
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, MAGIC, 0)
            self._keep()
        except OSError as error:
            raise write_failed(self.path, error) from error

    def _read_record(self, offset: int, size: int) -> bytes | None:
        """The payload at `offset`, or None when the bytes are no whole record."""
        header = os.pread(self._handle, HEADER_BYTES, offset)
        length = length_in(header)
        if len(header) < HEADER_BYTES or not is_length_sound(offset, header):
            return None
        if offset + HEADER_BYTES + length > size:
            return None
        payload = os.pread(self._handle, length, offset + HEADER_BYTES)
        return payload if header == make_header(offset, payload) else None

    def _check_torn(self, size: int) -> None:
        """Check that what follows the whole records can be the rest of one interrupted append."""
        if not is_torn(self._handle, self._end, size, self._most or MAX_RECORD_BYTES):
            raise damaged_at(self.path, self._end, self.count)
