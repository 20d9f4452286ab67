"""A folder of blocks, each in a file that is called by its CID.

It is there for whatever a chain has the hash of alone: the texts of templates, when they are
registered and looked up on a chain.

Rule 1: a file is whole or not there; it is on the disk, and its name too, before `put` answers.
Rule 2: what is read is checked against its name; what is not as it was is told, never handed out.
Rule 3: nothing outside the folder is read or written: names are CIDs, and no link is followed.
Rule 4: the folder holds at most so many bytes and files; whoever puts holds it, so that several
        processes may.

A block that is damaged is written anew when the same content is put again.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.files import (
    OWNER_ONLY_FILE,
    UNFINISHED,
    check_private,
    hold_folder,
    make_private_folder,
    sync_folder,
    write_new,
)
from edgemark.storage.cid import MAX_BLOCK_BYTES, Cid, check_block, cid_of
from edgemark.storage.content import ContentDamaged, ContentMissing, StoreFull

MOST_BYTES = 2**28  # a thousand blocks of the largest size; templates have a few KiB each
MOST_FILES = 4096  # looked at, one by one, with every block that is put


class LocalStore:
    """Blocks in a folder of one machine.

    Args:
        folder: of the blocks; made for its owner only when something is put.
        most_bytes: that it holds.
        most_files: that it holds.

    Raises:
        Unrecoverable: the folder is a link, somebody else's, or open to others.
    """

    def __init__(
        self, folder: Path, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES
    ) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._most_files = most_files
        if os.path.lexists(folder):
            check_private(folder, "Use another folder.")

    def put(self, content: bytes) -> Cid:
        """As `ContentStore.put`; `StoreFull` names what there is and what there may be."""
        check_block(content)
        cid = cid_of(content)
        make_private_folder(self._folder)
        with hold_folder(self._folder):
            if self._has(cid):
                sync_folder(self._folder)  # whoever wrote it may have died before that
                return cid
            self._check_room(len(content))
            self._write(cid, content)
        return cid

    def get(self, cid: Cid) -> bytes:
        """As `ContentStore.get`."""
        content = self._read(cid)
        if cid_of(content) != cid:
            raise self._damaged(cid, "other bytes")
        return content

    def _has(self, cid: Cid) -> bool:
        """Whether the block is there; one that is damaged is taken away."""
        try:
            self.get(cid)
        except ContentMissing:
            return False
        except ContentDamaged:
            self._discard(cid)
            return False
        return True

    def _discard(self, cid: Cid) -> None:
        """Take a name away: of a link, not of what it leads to."""
        try:
            self._path_of(cid).unlink()
        except OSError as error:
            raise self._damaged(cid, error.strerror or "what cannot be removed") from error

    def _write(self, cid: Cid, content: bytes) -> None:
        if not write_new(self._path_of(cid), content, mode=OWNER_ONLY_FILE):
            # Nobody else puts while the folder is held: it is a stranger's file.
            raise self._damaged(cid, "a file that somebody else made just now")

    def _read(self, cid: Cid) -> bytes:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            handle = os.open(self._path_of(cid), flags)
        except FileNotFoundError:
            raise ContentMissing(
                "is not there",
                who=f"content {cid}",
                had=f"a store in {self._folder} without it",
                needed="the content",
                remedy="Put it there, from whoever has it.",
            ) from None
        except OSError as error:
            raise self._damaged(cid, error.strerror) from error
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise self._damaged(cid, "no file")
            return self._read_block(cid, handle)
        except OSError as error:
            raise self._damaged(cid, error.strerror) from error
        finally:
            os.close(handle)

    def _read_block(self, cid: Cid, handle: int) -> bytes:
        parts, left = [], MAX_BLOCK_BYTES + 1
        while left and (part := os.read(handle, left)):
            parts.append(part)
            left -= len(part)
        if not left:
            raise self._damaged(cid, f"more than {MAX_BLOCK_BYTES} bytes")
        return b"".join(parts)

    def _check_room(self, more: int) -> None:
        files, used = 0, 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(UNFINISHED):
                    continue  # of a process that was killed: it goes with the next block
                with contextlib.suppress(FileNotFoundError):
                    used += entry.stat(follow_symlinks=False).st_size
                    files += 1
        if files >= self._most_files:
            raise self._full(f"{files} files", f"< {self._most_files}")
        if used + more > self._most_bytes:
            raise self._full(f"{used} bytes and {more} more", f"<= {self._most_bytes}")

    def _path_of(self, cid: Cid) -> Path:
        return self._folder / str(cid)

    def _damaged(self, cid: Cid, had: str | None) -> ContentDamaged:
        return ContentDamaged(
            "is not what its name says",
            who=self._path_of(cid),
            had=had,
            needed="the content of this CID",
            remedy="Look at the disk; put the content again, from whoever has it.",
        )

    def _full(self, had: str, needed: str) -> RefusedInput:
        return StoreFull(
            "holds as much as it may",
            who=self._folder,
            had=had,
            needed=needed,
            remedy="Remove files of content that nobody needs any more.",
        )
