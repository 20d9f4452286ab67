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
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import (
    OWNER_ONLY_FILE,
    FileInUse,
    hold_lock,
    sync_folder,
)
from edgemark.journal.framing import (
    HEADER_BYTES,
    is_length_sound,
    is_torn,
    length_in,
    make_header,
)
from edgemark.journal.place import fresh_path, open_file, open_to_look, remove_unfinished, write_at

MAGIC = b"EDGEJRN2"
MAX_RECORD_BYTES = 128 * 2**20  # each system's largest record is below it, which a test says
WRITE_BYTES = 1 << 20  # at a time


class JournalDamaged(Unrecoverable):
    """Bytes in the middle of a journal are not what was written."""


class JournalInUse(RefusedInput):
    """Another process holds the journal."""


class JournalWriteFailed(Unrecoverable):
    """The record could not be made durable; the journal stands as it was before."""


class RecordTooLarge(RefusedInput):
    """A record is longer than the journal takes."""


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
            Unrecoverable: others may read or write the file, or it cannot be opened.
        """
        lock = _lock(path)
        handle = -1
        try:
            handle = open_file(path)
            journal = cls(path, handle, lock, max_record_bytes)
            remove_unfinished(path)
            journal._check_all(may_change=True)
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
        journal = cls(path, open_to_look(path), -1, 0)
        try:
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
        """
        if self._broken or self._handle < 0:
            raise JournalWriteFailed(
                "is closed after a failed write", who=self.path, remedy="Start the process again."
            )
        end = self._write(payload)
        self._sync()
        self._end = end
        self.count += 1
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
        payload = self._read_record(offset, end)
        if payload is None:
            raise self._damage(offset)
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
            raise self._write_failed(error) from error
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
        self._sync()

    def become(self, fresh: Journal) -> None:
        """Have the records of the successor in the place of one's own, at once or not at all.

        Raises:
            JournalWriteFailed: the disk refused; nothing changed.
        """
        try:
            fresh.sync()  # until the new file has its name nobody relies on it
            os.replace(fresh_path(self.path), self.path)
        except OSError as error:
            raise self._write_failed(error) from error
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
            raise self._write_failed(error) from error

    def close(self) -> None:
        """Give the journal free for another process."""
        self.drop_successor()
        if self._handle >= 0:
            os.close(self._handle)
            if self._lock >= 0:
                os.close(self._lock)
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
            raise self._write_failed(error) from error
        return at

    def _sync(self) -> None:
        try:
            os.fsync(self._handle)
        except OSError as error:
            # After a failed fsync the kernel may have dropped the pages: only a fresh look at the
            # file tells what is on the disk.
            self._broken = True
            self._undo()
            raise self._write_failed(error) from error

    def _undo(self) -> None:
        try:
            os.ftruncate(self._handle, self._end)
            os.fsync(self._handle)
        except OSError:
            self._broken = True  # what is left of the record will be dropped as torn on `open`

    def _write_failed(self, error: OSError) -> JournalWriteFailed:
        return JournalWriteFailed(
            "record could not be written",
            who=self.path,
            had=error.strerror,
            remedy="Free space on the disk or replace it, then start again; nothing was lost.",
        )

    def _check_all(self, *, may_change: bool) -> None:
        size = os.fstat(self._handle).st_size
        start = os.pread(self._handle, len(MAGIC), 0)
        if start != MAGIC:
            if size > len(MAGIC) or not MAGIC.startswith(start.rstrip(b"\0")):
                raise JournalDamaged(
                    "is not a journal of this version",
                    who=self.path,
                    had=start.decode("ascii", "backslashreplace"),
                    needed=MAGIC.decode(),
                    remedy="Start with the version that wrote it, or move the file away.",
                )
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

    def _start_file(self) -> None:
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, MAGIC, 0)
            os.fsync(self._handle)
            sync_folder(self.path.parent)
        except OSError as error:
            raise self._write_failed(error) from error

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
            raise self._damage(self._end)

    def _damage(self, offset: int) -> JournalDamaged:
        return JournalDamaged(
            "journal is damaged",
            who=self.path,
            had=f"a broken record at byte {offset} (after {self.count} good ones)",
            needed="the bytes that were written",
            remedy="Restore the file from a copy; do not edit it.",
        )


def _lock(path: Path) -> int:
    try:
        return hold_lock(path)
    except FileInUse as held:
        raise JournalInUse(
            held.what, who=path, had=held.had, needed="one process per journal", remedy=held.remedy
        ) from held
