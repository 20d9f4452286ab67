"""The controller whole: real chain, broker and HTTPS, and the two parties of each channel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.trading_pairs import TradingPairs
from tests.waiting import wait_until

from edgemark.systems.trading.controller.controller import Controller
from edgemark.systems.trading.protocol.letters import Role

__all__ = ["house"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(20)]


@pytest.fixture(scope="module")
def pairs(house: ControllerHouse) -> Iterator[TradingPairs]:
    with TradingPairs(house.ground) as there:
        yield there


@pytest.fixture(scope="module")
def controller(house: ControllerHouse) -> Iterator[Controller]:
    settings = house.settings("controller", collect_s=0.2)
    house.admit(settings)
    with house.open(settings) as station, Controller(station) as running:
        running.start()
        yield running


def test_a_channel__gets_the_credentials_of_its_vouchers(
    house: ControllerHouse, pairs: TradingPairs, controller: Controller
) -> None:
    channel = pairs.open(controller.station.address, cycles=2)
    pairs.join(channel)
    pairs.settle(channel, 1, 100)
    wait_until("first credential", pairs.has_all(channel, 1))
    pairs.settle(channel, 2, 250)
    wait_until("second credential", pairs.has_all(channel, 2))
    assert pairs.credential(channel, 2) == pairs.credential(channel, 2, Role.BUYER)
