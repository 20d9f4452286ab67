"""A client whose disk refuses: what may be kept is named, and what was heard is told again.

The disk is a fake, call by call: no real one fails when it is told to.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import grpc
import pytest
from tests.offchain.ledger.fabric.client.scripted_gateway import ScriptedGateway, refuse

from edgemark.errors import Unrecoverable
from edgemark.files import FileInUse
from edgemark.journal.journal import JournalDoubtful
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import Checkpoint
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.faults import LedgerSilent

CALL = ("code", "put", "k", "1")


def _refuse(*_: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_submission_that_may_be_kept__is_told_by_its_name__and_counts_once(
    gateway: ScriptedGateway, client: GatewayClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _refuse)
        broken.setattr(os, "ftruncate", _refuse)
        with pytest.raises(JournalDoubtful, match=r"was not sent.*as submission mine") as told:
            client.submit(*CALL, name="mine")
    assert "nothing was lost" not in str(told.value)
    assert not gateway.taken
    client.desk.journal().close()
    desk = gateway.desk(tmp_path / "submissions")
    with desk.journal() as kept, GatewayClient([gateway.address], desk) as again:
        assert [each.name for each in kept.open_ones()] == ["mine"]
        again.submit(*CALL, name="mine")
    assert len(set(gateway.taken)) <= 1
    assert Asking.ENDORSE in gateway.calls
    assert gateway.calls.count(Asking.ENDORSE) == 1, "no second proposal"


def test_time_that_is_over__is_told_with_what_the_ledger_said_before(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    full = refuse(grpc.StatusCode.UNAVAILABLE, "database or disk is full")
    late = refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    gateway.acts[Asking.SUBMIT] = [full, *[late] * 99]
    gateway.acts[Asking.STATUS] = [late] * 100
    with pytest.raises(LedgerSilent, match=r"disk is full.*may still count"):
        client.submit(*CALL, name="mine", wait_s=0.5)


def test_cursor__has_one_listener_at_a_time(tmp_path: Path) -> None:
    cursor = CheckpointFile(tmp_path / "cursor")
    with cursor.held(), pytest.raises(FileInUse, match="cursor"), cursor.held():
        raise AssertionError
    with cursor.held():
        cursor.write(Checkpoint(3))


def test_cursor_on_a_full_disk__is_told_typed__and_the_one_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = CheckpointFile(tmp_path / "cursor")
    cursor.write(Checkpoint(3))
    monkeypatch.setattr(os, "fsync", _refuse)
    with pytest.raises(Unrecoverable, match="told again"):
        cursor.write(Checkpoint(4))
    monkeypatch.undo()
    assert cursor.read() == Checkpoint(3)
