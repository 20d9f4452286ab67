"""The book of a tower's retainers, on its disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import Unrecoverable
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.tower.retainers import RETAINER_S, RetainerMissing, Retainers

FIRST, SECOND = (ChannelId(keccak256(name)) for name in (b"first", b"second"))
RETAINER = keccak256(b"a transfer")


def test_a_retainer__counts_once_also_in_the_next_life(tmp_path: Path) -> None:
    path = tmp_path / "retainers.json"
    Retainers(path).take(RETAINER, FIRST, 100, 200)
    book = Retainers(path)
    book.take(RETAINER, FIRST, 100, 200)
    with pytest.raises(RetainerMissing, match="channel"):
        book.take(RETAINER, SECOND, 100, 200)
    with pytest.raises(RetainerMissing):
        book.take(keccak256(b"an old one"), SECOND, 100, 100 + RETAINER_S + 1)


def test_f9_any_flipped_byte_of_the_book__is_told(tmp_path: Path) -> None:
    path = tmp_path / "retainers.json"
    Retainers(path).take(RETAINER, FIRST, 100, 200)
    raw = path.read_bytes()
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(Unrecoverable, match="no book of retainers"):
            Retainers(path)
