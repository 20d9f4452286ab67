"""Logs of programs: the last one stays, and a long one is put aside while it is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemark.ledger.launching import logs
from edgemark.ledger.launching.logs import keep_last, last_of, log_of, turn_own_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return log_of("ledger", tmp_path)


@pytest.fixture
def streams(log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """Where this process prints to: two files of the test's own in the place of 1 and 2."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pair = out, os.dup(out)
    monkeypatch.setattr(logs, "STREAMS", pair)
    yield pair
    for each in pair:
        os.close(each)


def test_last_log__stays_beside_the_present_one__and_an_empty_one_does_not(log: Path) -> None:
    keep_last(log)
    for said in (b"first", b"second", b""):
        log.write_bytes(said)
        keep_last(log)
    assert last_of(log).read_bytes() == b"second"
    assert log.read_bytes() == b""


def test_log_that_is_long__is_put_aside_while_it_is_written(
    log: Path, streams: tuple[int, int]
) -> None:
    os.write(streams[0], b"x" * 10)
    assert not turn_own_log(log, 11)
    os.write(streams[1], b"y")
    assert turn_own_log(log, 11)
    for each in streams:
        os.write(each, b"z")
    assert (last_of(log).read_bytes(), log.read_bytes()) == (b"x" * 10 + b"y", b"zz")
    assert log.stat().st_mode & 0o777 == 0o600
    assert not turn_own_log(log, 11)


def test_log_of_another_process__is_left_alone(log: Path, streams: tuple[int, int]) -> None:
    log.unlink()
    log.write_bytes(b"x" * 99)
    assert not turn_own_log(log, 11)
    assert log.read_bytes() == b"x" * 99
    os.write(streams[1], b"mine")


def test_log_that_cannot_be_put_aside__goes_on(
    log: Path, streams: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "replace", refuse)
    os.write(streams[1], b"x" * 20)
    assert not turn_own_log(log, 11)
    keep_last(log)
    os.write(streams[1], b"y")
    assert log.read_bytes() == b"x" * 20 + b"y"
