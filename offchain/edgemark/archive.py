"""Records of jobs that are over: one file a job, out of the way of those that go on.

Law 1: what `put` returned from is on the disk, whole; so the journal may forget it afterwards.
Law 2: putting the same records again changes nothing: a crash between the two only means that it is
done once more.
Law 3: a file that is not as it was written is reported, never half read.

Layout: the magic bytes, SHA-256 of the rest, then each record with its length before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from edgemark.encoding import Reader, Writer
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, write_whole
from edgemark.journal import MAX_RECORD_BYTES

MAGIC = b"EDGEARC1"
DIGEST_BYTES = 32
SUFFIX = ".records"


class ArchiveDamaged(Unrecoverable):
    """A file of the archive is not as it was written."""


class Archive:
    """A folder of finished jobs.

    Args:
        folder: made when missing, for its owner only.

    Raises:
        Unrecoverable: others may enter the folder.
    """

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self._folder = folder

    def put(self, key: bytes, records: Sequence[bytes]) -> None:
        """Keep all records of a job, oldest first, in the place of what is kept of it already.

        Raises:
            Unrecoverable: the disk refuses; what was kept of the job stands.
        """
        writer = Writer()
        for record in records:
            writer.variable(record)
        body = writer.finish()
        content = MAGIC + hashlib.sha256(body).digest() + body
        path = self._path(key)
        try:
            write_whole(path, content, mode=OWNER_ONLY_FILE)
        except OSError as error:
            raise Unrecoverable(
                "finished job could not be archived",
                who=path,
                had=error.strerror,
                remedy="Free space on the disk or replace it, then start again; nothing was lost.",
            ) from error

    def find(self, key: bytes) -> list[bytes] | None:
        """All records of a job; None when it is not here.

        Raises:
            ArchiveDamaged: the file is not as it was written.
        """
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        start = len(MAGIC) + DIGEST_BYTES
        body = content[start:]
        if content[:start] != MAGIC + hashlib.sha256(body).digest():
            raise _damage(path)
        return list(_split(body, path))

    def keys(self) -> list[bytes]:
        """Keys of all jobs here, in no order that means anything."""
        return sorted(
            bytes.fromhex(path.name.removesuffix(SUFFIX))
            for path in self._folder.glob(f"[!.]*{SUFFIX}")
        )

    def __len__(self) -> int:
        return len(self.keys())

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{key.hex()}{SUFFIX}"


def _split(body: bytes, path: Path) -> list[bytes]:
    reader = Reader(body, who=str(path))
    records: list[bytes] = []
    try:
        while reader.left:
            records.append(reader.variable(most=MAX_RECORD_BYTES))
    except RefusedInput as error:
        raise _damage(path) from error
    return records


def _damage(path: Path) -> ArchiveDamaged:
    return ArchiveDamaged(
        "file is damaged",
        who=path,
        needed="the bytes that were written",
        remedy="Restore the file from a copy; without it only this finished job is forgotten.",
    )
