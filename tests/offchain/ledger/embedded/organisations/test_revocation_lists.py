"""Revocation lists: whatever ends a change half way, no revocation is lost by it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.full_disk import fail

from edgemark.ledger.embedded.organisations import revocations
from edgemark.ledger.embedded.organisations.faults import FolderDamaged
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities import revocation_lists

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def folder(made_organisations: Path, tmp_path: Path) -> OrganisationFolder:
    shutil.copytree(made_organisations, tmp_path, dirs_exist_ok=True)
    return Organisations.open(tmp_path).folder_of("Org1MSP")


def test_lists_that_cannot_be_written__leave_those_that_are_there(
    folder: OrganisationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folder.revoke("User1", NOW)
    folder.revoke("Admin", NOW)
    known = folder.revoked()
    with monkeypatch.context() as full:
        full.setattr(revocations, "write_whole", fail)
        with pytest.raises(OSError, match="No space"):
            folder.revocations.put([first])
    assert folder.revoked() == known


def test_surplus_that_cannot_be_removed__stays_beside_what_was_put(
    folder: OrganisationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folder.revoke("User1", NOW)
    both = folder.revoke("Admin", NOW)
    (folder.path / "msp/crls/other.pem").write_bytes(both)
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", fail)
        with pytest.raises(OSError, match="No space"):
            folder.revocations.put([first])
    assert len(folder.revoked()) == 2
    folder.revocations.put([first])
    assert len(folder.revoked()) == 1
    folder.revocations.put([])
    assert folder.revoked() == {}


def test_what_is_added__takes_nothing_away__and_comes_once(folder: OrganisationFolder) -> None:
    first = folder.revoke("User1", NOW)
    both = folder.revoke("Admin", NOW)
    folder.revocations.put([first])
    folder.revocations.add([first])
    assert len(folder.revocations.read()) == 1
    folder.revocations.add([both, first, both])
    assert [each.raw for each in folder.revocations.read()] == [both]  # the first says no more
    folder.revocations.put([first, both])  # one says what the other says
    assert [each.raw for each in folder.revocations.read()] == [both]


def test_revocation_that_no_channel_has_room_for__is_refused__and_changes_nothing(
    folder: OrganisationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folder.revoke("User1", NOW)
    monkeypatch.setattr(revocation_lists, "MAX_REVOCATIONS_BYTES", len(first))
    with pytest.raises(IdentityRefused, match=r"too long; had .* needed <= .* Nothing was taken"):
        folder.revoke("Admin", NOW)
    assert folder.read().revocations == (first,)


def test_lists_that_no_channel_has_room_for__are_told_where_they_stand(
    folder: OrganisationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folder.revoke("User1", NOW)
    both = folder.revoke("Admin", NOW)
    monkeypatch.setattr(revocation_lists, "MAX_REVOCATIONS_BYTES", len(both))
    (folder.path / "msp/crls/other.pem").write_bytes(first)  # says no more, so it takes no room
    assert folder.read().revocations == (both,)
    folder.revocations.put([first])
    monkeypatch.setattr(revocation_lists, "MAX_REVOCATIONS_BYTES", len(first) - 1)
    with pytest.raises(FolderDamaged, match=f"{folder.path}/msp/crls: revocation lists are too"):
        folder.read()
