"""Controllers that run in the test's own process, and what a test looks at in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse
from tests.offchain.systems.trading.controller.trading_pairs import TradingPairs

from edgemark.identifiers import Address
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.controller.controller import Controller
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.transport.broker.settings import BrokerSettings


@pytest.fixture(scope="module")
def pairs(house: ControllerHouse) -> Iterator[TradingPairs]:
    with TradingPairs(house.ground) as there:
        yield there


def opened(
    house: ControllerHouse, name: str, broker: BrokerSettings | None = None, **decided: Any
) -> Controller:
    """A controller, which runs until its test closes it; with a broker of its own by default."""
    settings = house.settings(name, **{"collect_s": 0.2, "stale_after_s": 86_400, **decided})
    settings = settings.having(broker or BrokerSettings())
    house.admit(settings)
    return again(house, settings)


def again(house: ControllerHouse, settings: Any) -> Controller:
    """The next life of a home."""
    station = house.open(settings)
    running = Controller(station)
    house.stack.callback(close, running)
    running.start()
    return running


def close(running: Controller) -> None:
    running.close()
    running.station.close()


@pytest.fixture(scope="module")
def controller(house: ControllerHouse) -> Controller:
    """One for the tests of a file."""
    return opened(house, "controller")


def me(running: Controller) -> Address:
    return running.station.address


def evidence_of(
    running: Controller,
    channel: ChannelId,
    since: int = 0,
    kind: EvidenceKind = EvidenceKind.SETTLEMENT,
) -> list[EvidenceRecorded]:
    events = running.station.follow(since).poll()
    found = [each for each in events if isinstance(each, EvidenceRecorded)]
    return [each for each in found if (each.subject, each.kind) == (channel, kind)]


def desk_of(running: Controller, channel: ChannelId) -> Any:
    return running.runtime.state(channel)


def ask(house: ControllerHouse, running: Controller, path: str, body: bytes = b"") -> bytes:
    """A stranger asks the controller."""
    station = house.ground["outsider"]
    method = "POST" if body else "GET"
    return station.ask(me(running), path, body, most=2**18, method=method)


def ask_status(running: Controller) -> bytes:
    server = running.station.server(me(running))
    return running.station.client.request(
        server.endpoint, server.pin, "GET", "/v1/status", b"", most_bytes=2**16
    )
