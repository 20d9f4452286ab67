"""A server pays for its registration when it can serve, not before."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from edgemark.identity.records import Role
from edgemark.journal.journal import Journal, JournalInUse
from edgemark.party.evm.opening import open_station
from edgemark.party.evm.station import LANE_FILE, EvmStation
from edgemark.settings.loading import load_settings
from edgemark.settings.settings import Settings
from edgemark.systems.trading.seller.claiming import open_seller_station
from edgemark.transport.ports import CannotListen


class Unopened(EvmStation):
    """Its opening would make keys and ask the chain."""

    @classmethod
    def open(cls, settings: Settings) -> Unopened:  # type: ignore[override]
        raise AssertionError(settings)


def settings_of(home: Path, port: int) -> Settings:
    overrides = {
        "home": home,
        "server.listen_port": port,
        "registration.provider": "0x" + "11" * 20,
    }
    sections = EvmStation.SECTIONS
    return load_settings(file=None, environ={}, overrides=overrides, sections=sections)


def test_open_station__at_a_port_where_somebody_listens__opens_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=str(port)):
            open_station(Unopened, settings_of(tmp_path, port), Role.DEVICE)


@pytest.mark.parametrize(
    "open_it",
    [lambda settings: open_station(Unopened, settings, Role.DEVICE), open_seller_station],
    ids=["of a provider", "seller"],
)
def test_second_server_of_a_home__is_told_of_the_first_and_not_of_its_port(
    tmp_path: Path, open_it: Callable[[Settings], object]
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        Journal.open(tmp_path / LANE_FILE),
        pytest.raises(JournalInUse) as told,
    ):
        open_it(settings_of(tmp_path, first.getsockname()[1]))
    assert told.value.had == f"process {os.getpid()}"
