"""What can be wrong with a journal, or with the disk below it."""

from __future__ import annotations

from pathlib import Path

from edgemark.errors import RefusedInput, Unrecoverable


class JournalDamaged(Unrecoverable):
    """Bytes in the middle of a journal are not what was written."""


class JournalInUse(RefusedInput):
    """Another process holds the journal."""


class JournalWriteFailed(Unrecoverable):
    """The record could not be made durable; the journal stands as it was before."""


class JournalDoubtful(JournalWriteFailed):
    """The record could not be made durable, nor taken back: the next `open` may find it."""


class RecordTooLarge(RefusedInput):
    """A record is longer than the journal takes."""


def write_failed(path: Path, error: OSError) -> JournalWriteFailed:
    """What the disk refused; the journal stands as it was before."""
    return JournalWriteFailed(
        "record could not be written",
        who=path,
        had=error.strerror,
        remedy="Free space on the disk or replace it, then start again; nothing was lost.",
    )


def in_doubt(path: Path, error: OSError) -> JournalDoubtful:
    """What the disk refused, and then refused to take back."""
    return JournalDoubtful(
        "record could not be written for certain, nor taken back",
        who=path,
        had=error.strerror,
        remedy="Free space on the disk or replace it, then start again: the journal is read then, "
        "and the record may be in it.",
    )


def damaged_at(path: Path, offset: int, count: int) -> JournalDamaged:
    """Damage at a place, behind so many good records."""
    return JournalDamaged(
        "journal is damaged",
        who=path,
        had=f"a broken record at byte {offset} (after {count} good ones)",
        needed="the bytes that were written",
        remedy="Restore the file from a copy; do not edit it.",
    )


def of_another_version(path: Path, start: bytes, magic: bytes) -> JournalDamaged:
    """A file that begins with other bytes."""
    return JournalDamaged(
        "is not a journal of this version",
        who=path,
        had=start.decode("ascii", "backslashreplace"),
        needed=magic.decode(),
        remedy="Start with the version that wrote it, or move the file away.",
    )
