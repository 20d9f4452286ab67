"""[broker]: what an operator may say of a party's own broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.settings.loading import load_settings
from edgemark.settings.section import SettingInvalid
from edgemark.transport.broker.settings import BrokerSettings
from edgemark.transport.limits import BrokerLimits


def read(text: str, folder: Path) -> BrokerSettings:
    file = folder / "edgemark.toml"
    file.write_text(text)
    sections = (BrokerSettings,)
    return load_settings(file=file, environ={}, overrides={}, sections=sections).of(BrokerSettings)


def test_nothing_said__is_what_the_broker_has_by_itself(tmp_path: Path) -> None:
    found = read("", tmp_path)
    assert found == BrokerSettings()
    assert found.limits() == BrokerLimits()


def test_more_sessions__are_more_sockets_and_more_memory(tmp_path: Path) -> None:
    text = "[broker]\nmost_sessions = 300\nmax_packets_per_s = 50\nlisten_port = 8883\n"
    found = read(text, tmp_path)
    limits = found.limits()
    assert (limits.most_sessions, limits.most_sockets, limits.packets_per_s) == (300, 400, 50.0)
    assert limits.memory_bytes > BrokerLimits().memory_bytes
    assert found.listen_port == 8883


def test_no_sessions__are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="most_sessions"):
        read("[broker]\nmost_sessions = 0\n", tmp_path)
