from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.identifiers import Address
from edgemark.party.evm.cursor import WRITE_EVERY_BLOCKS, Cursor

HERE, ELSEWHERE = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
FIRST = 7


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "judge.cursor"


def test_cursor__without_a_file__begins_at_the_first_block(path: Path) -> None:
    assert Cursor(path, HERE).read(FIRST) == FIRST


def test_cursor__goes_on_behind_what_was_noted(path: Path) -> None:
    Cursor(path, HERE).note(1000)
    assert Cursor(path, HERE).read(FIRST) == 1001


def test_cursor__is_written_now_and_then_and_never_ahead(path: Path) -> None:
    cursor = Cursor(path, HERE)
    for block in range(100, 100 + 3 * WRITE_EVERY_BLOCKS):
        cursor.note(block)
        assert block - WRITE_EVERY_BLOCKS < Cursor(path, HERE).read(FIRST) - 1 <= block


def test_cursor__of_another_contract__does_not_count(path: Path) -> None:
    Cursor(path, ELSEWHERE).note(1000)
    assert Cursor(path, HERE).read(FIRST) == FIRST


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"block": 9}', '{"contract": "0x"}'])
def test_cursor__that_cannot_be_read__begins_at_the_first_block(path: Path, content: str) -> None:
    path.write_text(content)
    assert Cursor(path, HERE).read(FIRST) == FIRST


def test_cursor__older_than_the_first_block__begins_there(path: Path) -> None:
    Cursor(path, HERE).note(50)
    assert Cursor(path, HERE).read(900) == 900
