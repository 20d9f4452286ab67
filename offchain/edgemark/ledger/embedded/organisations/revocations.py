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
from typing import NamedTuple

from cryptography import x509

from edgemark.files import hold_folder, read_limited, sync_folder, write_whole
from edgemark.ledger.embedded.organisations.faults import RESTORE, FolderDamaged
from edgemark.ledger.fabric.identities.authorities import Authority

NAME = "revoked"  # of the first file; others have a number behind it
MAX_LIST_BYTES = 16 * 1024 * 1024  # about 400,000 revocations


class RevocationList(NamedTuple):
    """One list.

    Attributes:
        raw: PEM.
        revoked: when each serial number was taken back.
    """

    raw: bytes
    revoked: dict[int, datetime]


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
        """All of them, as they are at one moment.

        Raises:
            FolderDamaged: one is none of this organisation's authority.
        """
        if not self.folder.is_dir():
            return []
        with hold_folder(self.folder):
            return self._read()

    def revoke(self, serial: int, authority: Authority, at: datetime) -> bytes:
        """Take a certificate back too; answers the list that says so, PEM, with all of the others.

        Raises:
            FolderDamaged: see `read`.
        """
        with self._changing():
            listed = authority.list_revoked({serial: at, **_together(self._read())}, at)
            write_whole(self._path_of(0), listed)
        return listed

    def add(self, listed: Iterable[bytes]) -> None:
        """Have at least what these lists, PEM, take back.

        Raises:
            FolderDamaged: see `read`.
        """
        wanted = self._needed(listed)
        if not wanted or self._covers(self.read(), wanted):
            return
        with self._changing():
            for each in wanted:
                if not self._covers(self._read(), [each]):
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
        return [self._parse(read_limited(each, MAX_LIST_BYTES), each) for each in self._paths()]

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.pem"))

    def _path_of(self, number: int) -> Path:
        return self.folder / f"{NAME}{number or ''}.pem"

    def _needed(self, listed: Iterable[bytes]) -> list[RevocationList]:
        """Those of them that say what no longer one says already."""
        found: list[RevocationList] = []
        for raw in sorted(set(listed), key=len, reverse=True):
            each = self._parse(raw, self.folder)
            if not self._covers(found, [each]):
                found.append(each)
        return found

    @staticmethod
    def _covers(these: Iterable[RevocationList], those: Iterable[RevocationList]) -> bool:
        return _together(those).keys() <= _together(these).keys()

    def _parse(self, raw: bytes, who: Path) -> RevocationList:
        try:
            listed = x509.load_pem_x509_crl(raw)
            is_signed = listed.is_signature_valid(self.root.public_key())  # type: ignore[arg-type]
        except (ValueError, TypeError) as error:
            raise FolderDamaged(
                "is no revocation list", who=who, needed="X.509 in PEM", remedy=RESTORE
            ) from error
        if not is_signed:
            what = "revocation list is another authority's"
            raise FolderDamaged(what, who=who, needed="ours", remedy=RESTORE)
        return RevocationList(raw, {one.serial_number: one.revocation_date_utc for one in listed})


def _together(those: Iterable[RevocationList]) -> dict[int, datetime]:
    return {serial: at for each in those for serial, at in each.revoked.items()}
