"""Decided names: none is forgotten, what they take is bounded, and the bound is told."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.encoding import MalformedMessage
from edgemark.errors import Overloaded, Unrecoverable
from edgemark.journal.journal import Journal
from edgemark.ledger.fabric.client import submissions as module
from edgemark.ledger.fabric.client.calls import Call
from edgemark.ledger.fabric.client.keeping.names import DecidedNames
from edgemark.ledger.fabric.client.keeping.records import (
    Kept,
    read_records,
    write_identity,
    write_kept,
)
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.faults import SubmissionDiffers
from edgemark.ledger.fabric.wire.codes import Code

IDENTITY = b"an identity"
CALL = Call("mychannel", "code", (b"put", b"k", b"1"))
MANY = 30


def _kept(name: str, number: int = 0, size: int = 10) -> Kept:
    return Kept(name, CALL.channel, CALL.digest, f"{number:064x}", b"e" * size)


def _decide(opened: Submissions, kept: Kept, *, is_named: bool = True) -> None:
    opened.append(kept)
    opened.append(replace(kept, code=Code.VALID, block=3, is_named=is_named))


@pytest.fixture(autouse=True)
def _moved_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOVE_DECIDED", 5)


def _fill(folder: Path) -> None:
    with Submissions.open(folder, IDENTITY) as opened:
        opened.append(_kept("open"))
        for number in range(MANY):
            _decide(opened, _kept(f"n{number}", number))


def test_every_decided_name__is_known_after_any_number_of_others(tmp_path: Path) -> None:
    _fill(tmp_path)
    for _ in range(2):
        with Submissions.open(tmp_path, IDENTITY) as opened:
            assert [each.name for each in opened.open_ones()] == ["open"]
            for number in range(MANY):
                found = opened.take(f"n{number}", CALL.digest)
                assert found is not None
                assert (found.transaction_id, found.code, found.block) == (
                    f"{number:064x}",
                    Code.VALID,
                    3,
                )
            with pytest.raises(SubmissionDiffers):
                opened.take("n0", replace(CALL, arguments=()).digest)
            for number in range(MANY):
                opened.give_back(f"n{number}")


def test_what_is_decided__leaves_the_journal(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY) as opened:
        opened.append(_kept("open"))
        path = next(tmp_path.glob("*.journal"))
        sizes = []
        for number in range(2 * MANY):
            _decide(opened, _kept(f"n{number}", number, size=1000))
            sizes.append(path.stat().st_size)
    assert max(sizes) < 10_000
    assert next(tmp_path.glob("*.names")).stat().st_mode & 0o077 == 0


def test_a_name_that_was_drawn__is_forgotten_and_takes_no_room(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY) as opened:
        for number in range(MANY):
            _decide(opened, _kept(f"d{number}", number), is_named=False)
        assert opened.find("d0") is None
    assert not list(tmp_path.glob("*.names"))


def test_a_conflict_and_another_try__is_open_until_its_own_code(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY) as opened:
        opened.append(first := _kept("mine", 1))
        opened.append(replace(first, code=Code.MVCC_READ_CONFLICT, block=2))
        for number in range(MANY):
            _decide(opened, _kept(f"n{number}", number))
        opened.append(_kept("mine", 2))
    with Submissions.open(tmp_path, IDENTITY) as opened:
        (found,) = opened.open_ones()
        assert found.transaction_id == f"{2:064x}"
        opened.append(replace(found, code=Code.VALID, block=9))
    _fill(tmp_path)
    with Submissions.open(tmp_path, IDENTITY) as opened:
        again = opened.find("mine")
        assert again is not None
        assert (again.code, again.block) == (Code.VALID, 9)


def test_names_that_were_lost__are_damage(tmp_path: Path) -> None:
    _fill(tmp_path)
    path = next(tmp_path.glob("*.names"))
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(Unrecoverable, match="may count again"):
        Submissions.open(tmp_path, IDENTITY)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.write_bytes(b"no such file" * 100)
    with pytest.raises(Unrecoverable, match="cannot be used"):
        Submissions.open(tmp_path, IDENTITY)
    path.write_bytes(whole)
    with Submissions.open(tmp_path, IDENTITY) as opened:
        assert opened.find("n0") is not None


def test_as_many_names_as_are_remembered__refuse_new_ones__and_no_old_or_drawn_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_NAMES_REMEMBERED", MANY)
    _fill(tmp_path)
    with Submissions.open(tmp_path, IDENTITY) as opened:
        with pytest.raises(Overloaded, match="another home"):
            opened.take("new", CALL.digest)
        assert opened.take("n3", CALL.digest) is not None
        assert opened.take("open", CALL.digest) is not None
        assert opened.take("drawn", CALL.digest, is_drawn=True) is None


def test_names_that_cannot_be_moved__stay_in_the_journal_and_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Unrecoverable("the disk is full")

    monkeypatch.setattr(module, "MAX_DECIDED_HELD", 20)
    with monkeypatch.context() as full:
        full.setattr(DecidedNames, "put", refuse)
        with Submissions.open(tmp_path, IDENTITY) as opened:
            for number in range(20):
                _decide(opened, _kept(f"n{number}", number))
            with pytest.raises(Unrecoverable, match="disk is full"):
                opened.take("new", CALL.digest)
    with Submissions.open(tmp_path, IDENTITY) as opened:
        assert all(opened.find(f"n{number}") for number in range(20))
        assert opened.take("new", CALL.digest) is None


def test_a_crash_between_the_two_files__loses_no_name_and_nothing_that_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Unrecoverable("killed here")

    with monkeypatch.context() as dying:
        dying.setattr(Journal, "rewrite", die)
        _fill(tmp_path)
    for _ in range(2):
        with Submissions.open(tmp_path, IDENTITY) as opened:
            assert [each.name for each in opened.open_ones()] == ["open"]
            assert all(opened.find(f"n{number}") for number in range(MANY))


def test_a_record_of_more_than_is_written__is_refused(tmp_path: Path) -> None:
    whose = sha256(IDENTITY).digest()
    with Journal.open(tmp_path / f"{whose.hex()[:16]}.journal") as journal:
        journal.append(write_identity(whose))
        journal.append(write_kept(_kept("open")) + b"\0\0\0\0")
    with pytest.raises(Unrecoverable, match="record that cannot be read"):
        Submissions.open(tmp_path, IDENTITY)


@given(raw=st.binary(max_size=120), kind=st.integers(0, 7))
def test_any_record__is_read_or_refused_typed(raw: bytes, kind: int) -> None:
    with suppress(MalformedMessage, ValueError):
        list(read_records(bytes([kind]) + raw))


def test_envelopes_that_are_open__have_a_bound_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OPEN_BYTES", 1000)
    with Submissions.open(tmp_path, IDENTITY) as opened:
        opened.append(first := _kept("a", size=600))
        opened.append(first)
        assert opened.take("b", CALL.digest) is None
        with pytest.raises(Overloaded, match="edgemark ledger finish"):
            opened.append(_kept("b", size=401))
        opened.give_back("b")
        opened.append(_kept("b", size=400))
        opened.append(replace(first, code=Code.VALID))
        opened.append(_kept("c", size=600))


def test_a_journal_of_large_ones__is_bounded_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOVE_DECIDED", 10_000)
    monkeypatch.setattr(module, "MAX_JOURNAL_SLACK_BYTES", 50_000)
    with Submissions.open(tmp_path, IDENTITY) as opened:
        path = next(tmp_path.glob("*.journal"))
        for number in range(MANY):
            _decide(opened, _kept(f"n{number}", number, size=20_000))
            assert path.stat().st_size < 50_000 + 2 * 20_000 + 5_000


def test_decided_names__are_on_the_disk_when_they_are_put(tmp_path: Path) -> None:
    """No kill shows a disk that was not asked to keep what it was given."""
    with DecidedNames(tmp_path / "names") as names:
        names.put([replace(_kept("a"), code=Code.VALID, block=3)])
        assert names._rows is not None
        assert names._rows.execute("PRAGMA synchronous").fetchone()[0] == 2
