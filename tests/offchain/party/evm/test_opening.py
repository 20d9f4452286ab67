"""A server pays for its registration when it can serve, not before."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edgemark.identity.records import Role
from edgemark.party.evm.opening import open_station
from edgemark.party.evm.station import EvmStation
from edgemark.settings.loading import load_settings
from edgemark.settings.settings import Settings
from edgemark.transport.ports import CannotListen


class Unopened(EvmStation):
    """Its opening would make keys and ask the chain."""

    @classmethod
    def open(cls, settings: Settings) -> Unopened:  # type: ignore[override]
        raise AssertionError(settings)


def test_open_station__at_a_port_where_somebody_listens__opens_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        overrides = {
            "home": tmp_path,
            "server.listen_port": port,
            "registration.provider": "0x" + "11" * 20,
        }
        sections = EvmStation.SECTIONS
        settings = load_settings(file=None, environ={}, overrides=overrides, sections=sections)
        with pytest.raises(CannotListen, match=str(port)):
            open_station(Unopened, settings, Role.DEVICE)
