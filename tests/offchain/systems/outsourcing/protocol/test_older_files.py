"""Files that an earlier version wrote are read by this one: journals, archives, a manifest.

`tests/vectors/older` is of a long run of many jobs among kills, before the parts of the package got
their rooms: of each party a few jobs that are over, as its archive keeps them, with one of them as
a journal holds it; and the manifest of that chain.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.checkout import ROOT

from edgemark.cli.catalogue import GROUPS
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import NOBODY
from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.replay import replay, replay_records
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.machine import PartyMachine

OLDER = ROOT / "tests" / "vectors" / "older"
PARTIES: dict[str, tuple[Callable[[], Any], int]] = {  # and how many jobs are in the archive
    "device": (DeviceJob, 3),
    "node": (NodeTask, 1),
    "judge": (lambda: JudgeCase(me=NOBODY), 1),
}


def as_an_owner_has_it(older: Path, folder: Path) -> Path:
    """A checkout is for everybody to read; a home is not."""
    copy = folder / older.name
    if older.is_dir():
        shutil.copytree(older, copy)
        copy.chmod(0o700)
    else:
        shutil.copy(older, copy)
        copy.chmod(0o600)
    return copy


@pytest.mark.parametrize("party", PARTIES)
def test_archive_of_an_earlier_version__tells_jobs_that_are_over(
    tmp_path: Path, party: str
) -> None:
    blank, count = PARTIES[party]
    machine: PartyMachine[Any] = PartyMachine(blank)
    archive = Archive(as_an_owner_has_it(OLDER / f"{party}.archive", tmp_path))
    keys = archive.keys()
    assert len(keys) == count
    for key in keys:
        records = archive.find(key)
        assert records
        (state,) = replay_records(machine, records, who=party).values()
        assert state.is_finished


@pytest.mark.parametrize("party", PARTIES)
def test_journal_of_an_earlier_version__is_replayed(tmp_path: Path, party: str) -> None:
    machine: PartyMachine[Any] = PartyMachine(PARTIES[party][0])
    copy = as_an_owner_has_it(OLDER / f"{party}.journal", tmp_path)
    tmp_path.chmod(0o700)
    with Journal.open(copy) as journal:
        (state,) = replay(machine, journal).values()
    assert state.is_finished


def test_manifest_of_an_earlier_version__opens() -> None:
    deployment = Deployment.load(OLDER / "deployment.json", GROUPS)
    assert deployment.chain_id == 31337
    assert deployment.contract("JobSettlement").address in deployment.contracts.values()
