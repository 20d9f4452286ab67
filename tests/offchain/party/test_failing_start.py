"""Of a party whose start fails no lock stays behind: the next start goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.offchain.party.couriers import Keeper, ParcelStation

from edgemark.errors import Unrecoverable
from edgemark.settings.loading import load_settings


def station(home: Path) -> ParcelStation:
    home.mkdir(mode=0o700, exist_ok=True)
    overrides = {"home": home}
    sections = ParcelStation.SECTIONS
    settings = load_settings(file=None, environ={}, overrides=overrides, sections=sections)
    return ParcelStation.open(settings, lambda: 7)


def test_a_start_without_an_archive__leaves_no_lock(tmp_path: Path) -> None:
    with station(tmp_path / "home") as own:
        folder = tmp_path / "home" / "keeper.archive"
        folder.mkdir()
        folder.chmod(0o755)
        with pytest.raises(Unrecoverable, match="others can open it"):
            Keeper(own)
        folder.chmod(0o700)
        Keeper(own).close()
