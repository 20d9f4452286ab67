"""A copy of an index leaves the first one as it is, whoever writes into it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgemark.indexer.copying import copy_index


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file as an index has it, closed by its writer."""
    path = tmp_path / "kept" / "1-0xA.sqlite"
    path.parent.mkdir()
    write(path, 1)
    return path


def write(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE IF NOT EXISTS facts (number INTEGER)")
        database.execute("INSERT INTO facts VALUES (?)", (number,))
        database.commit()


def read(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as database:
        return [number for (number,) in database.execute("SELECT number FROM facts")]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_copy__of_a_closed_index__makes_no_file_beside_it(kept: Path, tmp_path: Path) -> None:
    before = contents(kept.parent)
    copy = copy_index(kept, tmp_path)
    assert (copy, read(copy)) == (tmp_path / kept.name, [1])
    assert contents(kept.parent) == before
    write(copy, 2)
    assert (read(copy), contents(kept.parent)) == ([1, 2], before)


def test_copy__while_another_process_writes__has_what_was_committed(
    kept: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(kept, isolation_level=None)) as writer:
        writer.execute("INSERT INTO facts VALUES (2)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO facts VALUES (3)")
        assert read(copy_index(kept, tmp_path)) == [1, 2]
        writer.execute("COMMIT")


@pytest.mark.parametrize("content", [None, b"no database" * 100])
def test_copy__of_none_or_of_something_else__is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "kept.sqlite"
    if content is not None:
        path.write_bytes(content)
    (tmp_path / "folder").mkdir()
    assert not copy_index(path, tmp_path / "folder").exists()
