"""The same letters through a Mosquitto beside the controller, which may be killed alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.offchain.systems.trading.station.post.post_cast import (
    DIDS,
    MosquittoHouse,
    Party,
    a_mosquitto_house,
)
from tests.waiting import wait_until

from edgemark.metrics.broker import BrokerReadings
from edgemark.metrics.health import find_faults
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.transport.broker.client import BrokerAway
from edgemark.transport.limits import KIB


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MosquittoHouse]:
    with a_mosquitto_house(tmp_path_factory.mktemp("mosquitto")) as there:
        yield there


@pytest.fixture
def parties(house: MosquittoHouse) -> Iterator[tuple[Party, Party]]:
    with Party(house, Role.SELLER) as seller, Party(house, Role.BUYER) as buyer:
        yield seller, buyer


def come_in(house: MosquittoHouse, parties: tuple[Party, Party], number: int) -> ChannelId:
    channel = house.table.open(number)
    for party in parties:
        party.join(channel)
    wait_for_all(house, parties, channel)
    return channel


def wait_for_all(house: MosquittoHouse, parties: tuple[Party, Party], channel: ChannelId) -> None:
    for party in parties:
        wait_until("it is there", lambda party=party: party.post.is_there(channel))
    wait_until("the controller is there", lambda: house.reception.hub.is_there(channel))


def speak(
    house: MosquittoHouse, parties: tuple[Party, Party], channel: ChannelId, raw: bytes
) -> None:
    seller, buyer = parties
    buyer.post.send(channel, Role.SELLER, raw)
    seller.post.send(channel, Role.BUYER, raw)
    house.reception.hub.send(channel, Role.BUYER, raw + b"!")
    for heard in (seller.heard, house.heard):
        wait_until("it is heard", lambda heard=heard: (channel, raw) in heard)
    for letter in (raw, raw + b"!"):
        wait_until("it is heard", lambda letter=letter: (channel, letter) in buyer.heard)


def test_parties_and_controller__speak_to_each_other_in_several_channels(
    house: MosquittoHouse, parties: tuple[Party, Party]
) -> None:
    channels = [come_in(house, parties, number) for number in (1, 2, 3)]
    for channel in channels:  # whose rights change is disconnected: all come back
        wait_for_all(house, parties, channel)
    for number, channel in enumerate(channels):
        speak(house, parties, channel, b"%d" % number + bytes(60 * KIB))
    assert house.reception.hub._session.logins == 1


def test_a_mosquitto_that_is_killed_and_back__is_away_and_then_there(
    house: MosquittoHouse, parties: tuple[Party, Party]
) -> None:
    channel = come_in(house, parties, 10)
    speak(house, parties, channel, b"before")
    house.process.kill()
    for party in parties:
        wait_until("it is away", lambda party=party: not party.post.is_there(channel))
    wait_until("the hub is away", lambda: not house.reception.hub.is_there(channel))
    with pytest.raises(BrokerAway):
        parties[0].post.send(channel, Role.BUYER, b"x")
    wait_until("the controller knows", lambda: find_faults({}, [BrokerReadings(house.broker)], 0.0))
    house.process.start()
    wait_for_all(house, parties, channel)
    speak(house, parties, channel, b"after")


def test_a_controller_that_is_started_again__gets_its_channels_back(
    house: MosquittoHouse, parties: tuple[Party, Party]
) -> None:
    channel = come_in(house, parties, 20)
    house.close()
    house.start()
    wait_for_all(house, parties, channel)
    speak(house, parties, channel, b"again")


def test_an_identity_that_was_deactivated__is_out(
    house: MosquittoHouse, parties: tuple[Party, Party]
) -> None:
    channel = come_in(house, parties, 30)
    keys, house.table.now[DIDS[Role.BUYER]] = house.table.now[DIDS[Role.BUYER]], []
    house.reception.look()
    wait_until("it is out", lambda: not parties[1].post.is_there(channel))
    wait_until("it was refused", lambda: parties[1].post.why(channel))
    assert parties[0].post.is_there(channel)
    house.table.now[DIDS[Role.BUYER]] = keys
    wait_for_all(house, parties, channel)
