"""Opens the administrators of the organisations that this home may act for.

On a ledger of this home those are all organisations: their keys are here. On a network of a
connection profile it is the own one alone, by the identity that the settings name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.identities.layout import ADMIN, find_msp
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.opening import LedgerAccess, find_profile, open_ledger
from edgemark.ledger.fabric.settings import FOLDERS, LedgerSettings


def ledger_folder(settings: LedgerSettings, home: Path) -> Path | None:
    """The folder of a ledger of this home; None where a profile names another."""
    is_own = settings.kind in FOLDERS and not settings.profile
    return home.absolute() / FOLDERS[settings.kind] if is_own else None


@contextmanager
def open_administrators(settings: LedgerSettings, home: Path) -> Iterator[Sequence[Administrator]]:
    """Administrators, that of `settings.msp_id` first; their clients are closed at the end.

    Raises:
        ProfileInvalid, IdentityRefused: see `open_ledger`.
        RefusedInput: the folder of an organisation has no administrator.
    """
    with ExitStack() as clients:
        yield [
            Administrator(clients.enter_context(access.client()), access.peers)
            for access in list_accesses(settings, home)
        ]


def list_accesses(settings: LedgerSettings, home: Path) -> list[LedgerAccess]:
    """Access as the administrator of each organisation, that of `settings.msp_id` first.

    Raises:
        ProfileInvalid, IdentityRefused: see `open_ledger`.
        RefusedInput: the folder of an organisation has no administrator.
    """
    folder = ledger_folder(settings, home)
    if folder is None or settings.msp_folder:
        return [open_ledger(settings, home)]
    find_profile(settings, home)  # of a ledger that is not there, it says what starts one
    first = open_ledger(_as_administrator(settings, folder, settings.msp_id), home)
    others = [msp_id for msp_id in first.profile.peers if msp_id != settings.msp_id]
    return [
        first,
        *(open_ledger(_as_administrator(settings, folder, each), home) for each in others),
    ]


def _as_administrator(settings: LedgerSettings, folder: Path, msp_id: str) -> LedgerSettings:
    msp = find_msp(folder, msp_id, ADMIN)
    if msp is None:
        raise RefusedInput(
            "has no administrator here",
            who=f"organisation {msp_id}",
            had=folder,
            remedy="Set ledger.msp_folder to the folder `msp` of one, and ledger.msp_id.",
        )
    return replace(settings, msp_id=msp_id, msp_folder=str(msp))
