"""Many records, one fsync: each waits for its own, in order, and hears of a disk that refuses."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from edgemark.errors import Unrecoverable
from edgemark.journal.journal import Journal, JournalWriteFailed
from edgemark.ledger.fabric.client.keeping.grouping import GroupWriter
from edgemark.ledger.fabric.client.keeping.records import Kept, read_records
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.wire.codes import Code

CALLERS = 16


def _kept(number: int) -> Kept:
    return Kept(f"n{number}", "mychannel", bytes(32), f"{number:064x}", b"envelope")


class _Disk:
    """Stands still until it may go on, and refuses when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs, self.refuses = 0, False
        self.may_go, self.is_reached = threading.Event(), threading.Event()
        self.sync = Journal._sync
        disk = self

        def sync(journal: Journal) -> None:
            disk.is_reached.set()
            disk.may_go.wait(10)
            disk.syncs += 1
            if disk.refuses:
                journal._undo()
                raise JournalWriteFailed("refused by a test")
            disk.sync(journal)

        monkeypatch.setattr(Journal, "_sync", sync)


def test_what_came_while_the_disk_was_at_work__is_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        disk, told = _Disk(monkeypatch), list[str]()
        writer = GroupWriter(journal, lambda group: told.extend(each.name for each in group))
        tickets = [writer.add(_kept(0), is_urgent=True)]
        callers = [threading.Thread(target=writer.wait, args=tickets)]
        callers[0].start()
        assert disk.is_reached.wait(10)
        for number in range(1, CALLERS):
            tickets.append(writer.add(_kept(number), is_urgent=True))
            callers.append(threading.Thread(target=writer.wait, args=tickets[-1:]))
            callers[-1].start()
        assert not any(each.is_done for each in tickets), "nobody goes on before the disk"
        disk.may_go.set()
        for caller in callers:
            caller.join(10)
        assert all(each.is_done and each.error is None for each in tickets)
        assert disk.syncs == 2
        names = [f"n{number}" for number in range(CALLERS)]
        written = [said.name for raw in journal.records() for said in read_records(raw)]  # type: ignore[union-attr]
        assert told == written == names


def test_a_disk_that_refuses__tells_each_who_waits__and_no_code_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Submissions.open(tmp_path, b"an identity") as opened:
        disk = _Disk(monkeypatch)
        disk.may_go.set()
        opened.append(first := _kept(0))
        opened.append(replace(first, code=Code.VALID, block=3))
        disk.refuses = True
        tickets = [opened.begin(_kept(number)) for number in (1, 2)]
        for ticket in tickets:
            with pytest.raises(JournalWriteFailed):
                opened.wait(ticket)
        assert opened.open_ones() == []
        disk.refuses = False
        opened.append(_kept(3))
    with Submissions.open(tmp_path, b"an identity") as opened:
        assert [each.name for each in opened.open_ones()] == ["n3"]
        found = opened.find("n0")
        assert found is not None
        assert found.code is Code.VALID


def test_who_writes_for_all_and_is_interrupted__leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    with Journal.open(tmp_path / "j") as journal:
        writer = GroupWriter(journal, lambda _: None)
        first, second = (writer.add(_kept(number), is_urgent=True) for number in range(2))
        with monkeypatch.context() as broken:
            broken.setattr(Journal, "append", interrupt)
            with pytest.raises(KeyboardInterrupt):
                writer.wait(first)
        with pytest.raises(JournalWriteFailed, match="interrupted"):
            writer.wait(second)
        writer.wait(third := writer.add(_kept(3), is_urgent=True))
        assert third.is_done
        assert journal.count == 1


def test_record_that_is_on_the_disk_when_its_writer_is_interrupted__counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Journal.append

    def append(journal: Journal, record: bytes) -> int:
        real(journal, record)
        raise KeyboardInterrupt

    with Journal.open(tmp_path / "j") as journal:
        told = list[str]()
        writer = GroupWriter(journal, lambda group: told.extend(each.name for each in group))
        first, second = (writer.add(_kept(number), is_urgent=True) for number in range(2))
        with monkeypatch.context() as broken:
            broken.setattr(Journal, "append", append)
            with pytest.raises(KeyboardInterrupt):
                writer.wait(first)
        writer.wait(second)
        assert told == ["n0", "n1"]


def test_names_whose_folder_cannot_be_written__leave_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemark.ledger.fabric.client.submissions.MOVE_DECIDED", 3)
    monkeypatch.setattr("edgemark.ledger.fabric.client.keeping.names.OWNER_ONLY_FILE", 0o644)
    with Submissions.open(tmp_path, b"an identity") as opened:
        for number in range(6):
            opened.append(kept := _kept(number))
            opened.append(replace(kept, code=Code.VALID, block=3))
    with pytest.raises(Unrecoverable, match="others can open it"):
        Submissions.open(tmp_path, b"an identity")
    next(tmp_path.glob("*.names")).unlink()
    monkeypatch.undo()
    with Submissions.open(tmp_path, b"an identity") as opened:
        assert all(opened.find(f"n{number}") for number in range(6))


def test_a_group__is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgemark.ledger.fabric.client.keeping.grouping.MAX_GROUP_BYTES", 300)
    with Journal.open(tmp_path / "j") as journal:
        writer = GroupWriter(journal, lambda _: None)
        tickets = [writer.add(_kept(number), is_urgent=True) for number in range(10)]
        for ticket in tickets:
            writer.wait(ticket)
        assert max(map(len, journal.records())) <= 300 + 100
        assert 2 < journal.count < 10
