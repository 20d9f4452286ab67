"""The revocation lists of an organisation: files that are read together and changed one at a time.

Whatever ends a change half way, no revocation is lost by it: what is new is written, whole, before
anything is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from edgemark.errors import RefusedInput
from edgemark.files import hold_folder, read_limited, sync_folder, write_whole
from edgemark.ledger.embedded.organisations.faults import RESTORE, FolderDamaged
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.authorities import Authority
from edgemark.ledger.fabric.identities.revocation_lists import (
    RevocationList,
    check_room,
    parse_revocation_list,
)
from edgemark.ledger.fabric.wire.limits import MAX_REVOCATIONS_BYTES

NAME = "revoked"  # of the first file; others have a number behind it
MAX_FILES = 64  # of lists
FULL = (
    "Nothing was taken back. What expires by itself needs no list (`identity issue --days`); a new "
    "folder (`edgemark ledger init`) has new authorities, and empty lists."
)


@dataclass(frozen=True)
class Revocations:
    """All lists of an organisation.

    Attributes:
        folder: `msp/crls` of it, which need not be there.
        root: certificate of the authority that signs them.
    """

    folder: Path
    root: x509.Certificate

    @property
    def path(self) -> Path:
        """The list that has what is revoked here."""
        return self._path_of(0)

    def read(self) -> list[RevocationList]:
        """Those that say what no other one says, as they are at one moment.

        Raises:
            FolderDamaged: one is none of this organisation's authority, or they are too long.
        """
        if not self.folder.is_dir():
            return []
        with hold_folder(self.folder):
            return self._read()

    def revoke(self, serial: int, authority: Authority, at: datetime) -> bytes:
        """Take a certificate back too; answers the list that says so, PEM, with all of the others.

        Raises:
            FolderDamaged: see `read`.
            IdentityRefused: the list would be too long for a channel.
        """
        with self._changing():
            listed = authority.list_revoked({serial: at, **_together(self._read())}, at)
            check_room([listed], self.folder, FULL)
            write_whole(self._path_of(0), listed)
        return listed

    def add(self, listed: Iterable[bytes]) -> None:
        """Have at least what these lists, PEM, take back.

        Raises:
            FolderDamaged: see `read`.
            IdentityRefused: all together would be too long for a channel.
        """
        wanted = self._needed(listed)
        if not wanted or _covers(self.read(), wanted):
            return
        with self._changing():
            check_room((each.raw for each in _drop_covered([*self._read(), *wanted])), self.folder)
            for each in wanted:
                if not _covers(self._read(), [each]):
                    paths = (self._path_of(number) for number in range(len(self._paths()) + 1))
                    write_whole(next(path for path in paths if not path.exists()), each.raw)

    def put(self, listed: Iterable[bytes]) -> None:
        """Have just what these lists, PEM, take back, though it is less than before.

        Raises:
            FolderDamaged: one of them is none of this organisation's authority.
        """
        wanted = self._needed(listed)
        if not wanted and not self.folder.is_dir():
            return
        with self._changing():
            kept = [self._path_of(number) for number in range(len(wanted))]
            for path, each in zip(kept, wanted, strict=True):
                write_whole(path, each.raw)
            for path in self._paths():
                if path not in kept:
                    path.unlink()
            sync_folder(self.folder)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        if not self.folder.is_dir():
            self.folder.mkdir(exist_ok=True)
            sync_folder(self.folder.parent)
        with hold_folder(self.folder):
            yield

    def _read(self) -> list[RevocationList]:
        paths = self._paths()
        if len(paths) > MAX_FILES:
            raise self._damaged("holds too many files", self.folder, f"<= {MAX_FILES} lists")
        try:
            raws = [read_limited(each, MAX_REVOCATIONS_BYTES) for each in paths]
            lists = map(self._parse, raws, paths)
            found = _drop_covered(lists)
            check_room((each.raw for each in found), self.folder)
        except RefusedInput as error:
            raise self._damaged(error.what, error.who, error.needed) from error
        return found

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.pem"))

    def _path_of(self, number: int) -> Path:
        return self.folder / f"{NAME}{number or ''}.pem"

    def _needed(self, listed: Iterable[bytes]) -> list[RevocationList]:
        return _drop_covered(self._parse(raw, self.folder) for raw in set(listed))

    def _parse(self, raw: bytes, who: Path) -> RevocationList:
        try:
            return parse_revocation_list(raw, [self.root], who)
        except IdentityRefused as error:
            raise self._damaged(error.what, who, error.needed) from error

    @staticmethod
    def _damaged(what: str, who: object, needed: object) -> FolderDamaged:
        return FolderDamaged(what, who=who, needed=needed, remedy=RESTORE)


def _drop_covered(listed: Iterable[RevocationList]) -> list[RevocationList]:
    """Those of them that say what no longer one says already."""
    found: list[RevocationList] = []
    for each in sorted(listed, key=lambda each: len(each.raw), reverse=True):
        if not _covers(found, [each]):
            found.append(each)
    return found


def _covers(these: Iterable[RevocationList], those: Iterable[RevocationList]) -> bool:
    return _together(those).keys() <= _together(these).keys()


def _together(those: Iterable[RevocationList]) -> dict[int, datetime]:
    return {serial: at for each in those for serial, at in each.revoked.items()}
