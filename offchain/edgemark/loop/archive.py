"""Records of matters that are over: one file a matter, out of the way of those that go on.

Law 1: what `put` returned from is on the disk, whole; so the journal may forget it afterwards.
Law 2: putting the same records again changes nothing: a crash between the two only means that it is
done once more.
Law 3: a file that is not as it was written is reported, never half read.

Layout: the magic bytes, each record with its length before it, then SHA-256 of all that.
A matter may be large: records come and go one by one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from edgemark.errors import Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, write_parts

MAGIC = b"EDGEARC2"
DIGEST_BYTES = 32
LENGTH_BYTES = 4
SUFFIX = ".records"
LOOK_EVERY = 32  # matters put, between two looks at how much there is


class ArchiveDamaged(Unrecoverable):
    """A file of the archive is not as it was written."""


class ArchiveWriteFailed(Unrecoverable):
    """A finished matter could not be kept; what was kept of it stands."""


@dataclass(frozen=True)
class Room:
    """What an archive may hold; of more, or when the disk is full, what was put first goes.

    Args:
        files, total_bytes: at most, to within `LOOK_EVERY` matters.
    """

    files: int
    total_bytes: int


class Archive:
    """A folder of finished matters.

    Args:
        folder: made when missing, for its owner only.
        room: bounds it; None keeps every matter, for who orders its matters itself.

    Raises:
        Unrecoverable: others may enter the folder.
    """

    def __init__(self, folder: Path, room: Room | None = None) -> None:
        make_private_folder(folder)
        self._folder = folder
        self._room = room
        self._puts = 0

    def put(self, key: bytes, records: Iterable[bytes]) -> int:
        """Keep all records of a matter, oldest first, in the place of what is kept of it already.

        Returns:
            Their length in bytes.

        Raises:
            ArchiveWriteFailed: the disk refuses; what was kept of the matter stands.
        """
        path, length = self._path(key), 0

        def weighed() -> Iterator[bytes]:
            nonlocal length
            for record in records:
                length += len(record)
                yield record

        try:
            write_parts(path, _content_of(weighed()), mode=OWNER_ONLY_FILE)
        except OSError as error:
            raise ArchiveWriteFailed(
                "what is over could not be archived",
                who=path,
                had=error.strerror,
                remedy="Free space on the disk or replace it, then start again; nothing was lost.",
            ) from error
        if self._room is not None and self._puts % LOOK_EVERY == 0:
            self._make_room(self._room)
        self._puts += 1
        return length

    def make_free(self, wanted: int) -> int:
        """Free bytes of the disk; if that helps, the matters that were put first have gone for it.

        Those of an archive without bounds stay.
        """
        free = self._count_free()
        if free >= wanted or self._room is None:
            return free
        files = self._files()
        if free + sum(stat.st_size for _, stat in files) < wanted:
            return free
        for path, _ in files:
            path.unlink(missing_ok=True)
            if (free := self._count_free()) >= wanted:
                break
        return free

    def _count_free(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """Those that were put first before the others; what goes meanwhile is left out."""
        files = []
        for path in self._folder.glob(f"[!.]*{SUFFIX}"):
            with suppress(FileNotFoundError):
                files.append((path, path.stat()))
        return sorted(files, key=lambda file: file[1].st_mtime_ns)

    def _make_room(self, room: Room) -> None:
        files = self._files()
        count, total = len(files), sum(stat.st_size for _, stat in files)
        for path, stat in files:
            if count <= room.files and total <= room.total_bytes:
                return
            path.unlink(missing_ok=True)
            count, total = count - 1, total - stat.st_size

    def find(self, key: bytes) -> list[bytes] | None:
        """All records of a matter; None when it is not here.

        Raises:
            ArchiveDamaged: the file is not as it was written.
        """
        path = self._path(key)
        try:
            with path.open("rb") as file:
                return _read_all(file, path)
        except FileNotFoundError:
            return None

    def holds(self, key: bytes) -> bool:
        """Whether a matter is here; nothing of it is read."""
        return self._path(key).exists()

    def keys(self) -> list[bytes]:
        """Keys of all matters here, in no order that means anything."""
        return sorted(
            bytes.fromhex(path.name.removesuffix(SUFFIX))
            for path in self._folder.glob(f"[!.]*{SUFFIX}")
        )

    def __len__(self) -> int:
        return len(self.keys())

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{key.hex()}{SUFFIX}"


def _content_of(records: Iterable[bytes]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for part in chain((MAGIC,), chain.from_iterable(map(_framed, records))):
        digest.update(part)
        yield part
    yield digest.digest()


def _framed(record: bytes) -> tuple[bytes, bytes]:
    return len(record).to_bytes(LENGTH_BYTES, "big"), record


def _read_all(file: BinaryIO, path: Path) -> list[bytes]:
    left = os.fstat(file.fileno()).st_size - DIGEST_BYTES
    digest = hashlib.sha256()

    def take(length: int) -> bytes:
        nonlocal left
        if length > left:
            raise _damage(path)
        left -= length
        part = file.read(length)
        digest.update(part)
        return part

    if (magic := take(len(MAGIC))) != MAGIC:
        raise ArchiveDamaged(
            "is no archive of this version",
            who=path,
            had=magic.decode("ascii", "backslashreplace"),
            needed=MAGIC.decode(),
            remedy="Read it with the version that wrote it.",
        )
    records: list[bytes] = []
    while left:
        records.append(take(int.from_bytes(take(LENGTH_BYTES), "big")))
    if file.read() != digest.digest():
        raise _damage(path)
    return records


def _damage(path: Path) -> ArchiveDamaged:
    return ArchiveDamaged(
        "file is damaged",
        who=path,
        needed="the bytes that were written",
        remedy="Restore the file from a copy; without it only what is over is forgotten.",
    )
