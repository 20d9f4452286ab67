"""Keys that a home made for its channels: found by their address, and refused when changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.offchain.systems.trading.parties_cast import PAYER_KEY

from edgemark.errors import Unrecoverable
from edgemark.systems.trading.station.accords.keys import HomeKeys
from edgemark.systems.trading.station.speaking import KeyMissing


@pytest.fixture
def keys(tmp_path: Path) -> HomeKeys:
    return HomeKeys(PAYER_KEY, folder=tmp_path / "channels")


def test_a_key_that_is_made__signs_in_this_life_and_the_next(keys: HomeKeys) -> None:
    made = keys.make()
    assert made != PAYER_KEY.address
    assert keys.of(made).address == made
    assert HomeKeys(PAYER_KEY, folder=keys.folder).of(made) == keys.of(made)
    assert keys.of(PAYER_KEY.address) == PAYER_KEY
    path = keys.folder / f"{made}.key"
    assert path.stat().st_mode & 0o077 == 0


def test_a_key_of_nobody_here__is_refused(keys: HomeKeys) -> None:
    other = HomeKeys(PAYER_KEY, folder=keys.folder / "other").make()
    with pytest.raises(KeyMissing):
        keys.of(other)


@pytest.mark.parametrize("damage", ["digit", "empty", "words", "open"])
def test_a_key_file_that_was_changed__is_refused_and_not_said(keys: HomeKeys, damage: str) -> None:
    made = keys.make()
    path = keys.folder / f"{made}.key"
    text = path.read_text()
    digit = "1" if text[0] != "1" else "2"
    changed = {"digit": digit + text[1:], "empty": "", "words": "no key at all", "open": text}
    path.write_text(changed[damage])
    if damage == "open":
        path.chmod(0o644)
    with pytest.raises(Unrecoverable) as raised:
        keys.of(made)
    assert text[1:64] not in str(raised.value)
