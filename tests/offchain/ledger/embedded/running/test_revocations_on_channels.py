"""Revocations on channels: a start adds what a folder has more, and never takes one back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.full_disk import fail

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.embedded.organisations import revocations
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.place import Served
from edgemark.ledger.embedded.running.thread import LedgerThread

ORG1 = "Org1MSP"


def serve(folder: Path) -> Iterator[LedgerThread]:
    with closing(LedgerThread(folder, 1, Served(metrics_port=-1))) as thread:
        yield thread


def revoked_on(thread: LedgerThread) -> int:
    return len(thread.ledger.ledger.channels["mychannel"].organisations[ORG1].revoked)


def revoke(thread: LedgerThread, name: str) -> None:
    thread.ledger.organisations.folder_of(ORG1).revoke(name, datetime.now(UTC))
    thread.revoke(ORG1)


def test_lists_that_are_gone__are_put_back_from_the_channel(tmp_path: Path) -> None:
    for thread in serve(tmp_path):
        revoke(thread, "User1")
        height = thread.ledger.ledger.channels["mychannel"].height
    folder = Organisations.open(tmp_path).folder_of(ORG1)
    for path in folder.path.glob("msp/crls/*.pem"):
        path.unlink()  # as whoever was ended between removing and writing left it
    for thread in serve(tmp_path):
        assert revoked_on(thread) == 1
        assert thread.ledger.ledger.channels["mychannel"].height == height
        assert len(folder.revoked()) == 1
        revoke(thread, "Admin")
        assert revoked_on(thread) == 2


def test_revert_that_cannot_write_the_folders_lists__undoes_no_older_revocation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for thread in serve(tmp_path):
        revoke(thread, "User1")
        number = thread.snapshot()
        revoke(thread, "Admin")
        with monkeypatch.context() as full:
            full.setattr(revocations, "write_whole", fail)
            told = r"blocks were taken back.*No space.*revert to snapshot 1 again"
            with pytest.raises(LedgerUnavailable, match=told):
                thread.revert(number)
        assert revoked_on(thread) == 1
    for thread in serve(tmp_path):
        assert revoked_on(thread) == 2  # the folder has it still, so it counts again
        thread.revert(number)
        assert revoked_on(thread) == 1
        assert len(thread.ledger.organisations.folder_of(ORG1).revoked()) == 1
    for thread in serve(tmp_path):
        assert revoked_on(thread) == 1
