"""Letters between seller, buyer and controller, through a real broker, after a real login."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.offchain.systems.trading.channel_cast import key_of
from tests.offchain.systems.trading.station.post.post_cast import (
    BUYER,
    CONTROLLER,
    DIDS,
    SELLER,
    STRANGER,
    House,
    Party,
    a_house,
)
from tests.waiting import wait_until

from edgemark.errors import PeerFault
from edgemark.systems.trading.controller.reception import LINGER_S
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.post.session import NotJoined
from edgemark.systems.trading.station.post.topics import name_session
from edgemark.transport.broker.client import BrokerAway, MessageTooLarge
from edgemark.transport.faults import PeerRefused
from edgemark.transport.limits import KIB

LETTER = b"a letter"

pytestmark = pytest.mark.lasts(16)


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as there:
        yield there


@pytest.fixture
def seller(house: House) -> Iterator[Party]:
    with Party(house, Role.SELLER) as there:
        yield there


@pytest.fixture
def buyer(house: House) -> Iterator[Party]:
    with Party(house, Role.BUYER) as there:
        yield there


def wait_for(party: Party, channel: ChannelId) -> None:
    wait_until("it is there", lambda: party.post.is_there(channel))


def wait_for_hub(house: House, channel: ChannelId) -> None:
    wait_until("the controller is there", lambda: house.reception.hub.is_there(channel))


def is_heard(party: Party | House, letter: tuple[ChannelId, bytes]) -> None:
    wait_until("it is heard", lambda: letter in party.heard)


def both_in(house: House, seller: Party, buyer: Party, number: int = 1) -> ChannelId:
    channel = house.table.open(number)
    for party in (seller, buyer):
        party.join(channel)
        wait_for(party, channel)
    wait_for_hub(house, channel)
    return channel


def test_two_parties_and_the_controller__speak_to_each_other(
    house: House, seller: Party, buyer: Party
) -> None:
    channel = both_in(house, seller, buyer)
    buyer.post.send(channel, Role.SELLER, b"to the seller")
    is_heard(seller, (channel, b"to the seller"))
    is_heard(house, (channel, b"to the seller"))
    seller.post.send(channel, Role.BUYER, bytes(64 * KIB))
    is_heard(buyer, (channel, bytes(64 * KIB)))
    seller.post.send(channel, Role.CONTROLLER, b"to the controller")
    is_heard(house, (channel, b"to the controller"))
    house.reception.hub.send(channel, Role.BUYER, b"a credential")
    house.reception.hub.send(channel, Role.SELLER, b"the same")
    is_heard(buyer, (channel, b"a credential"))
    is_heard(seller, (channel, b"the same"))
    assert (channel, b"a credential") not in seller.heard
    assert (channel, b"to the seller") not in buyer.heard
    assert house.reception.sessions == 2
    assert buyer.post.read().sent == 1


def test_what_cannot_be_sent__is_refused_by_name(house: House, buyer: Party) -> None:
    channel = house.table.open()
    with pytest.raises(NotJoined):
        buyer.post.send(channel, Role.SELLER, LETTER)
    buyer.join(channel)
    wait_for(buyer, channel)
    with pytest.raises(MessageTooLarge):
        buyer.post.send(channel, Role.SELLER, bytes(64 * KIB + 1))
    buyer.post.leave(channel)
    buyer.post.leave(channel)
    assert not buyer.post.is_there(channel)
    with pytest.raises(NotJoined):
        buyer.post.send(channel, Role.SELLER, LETTER)


def test_a_channel_that_is_not_seen_yet__is_let_in_when_it_is(house: House, buyer: Party) -> None:
    channel = house.table.open()
    opened = house.table.opened.copy()
    house.table.opened.clear()
    buyer.join(channel)
    wait_until("it was refused", lambda: buyer.post.why(channel))
    why = buyer.post.why(channel)
    assert isinstance(why, PeerRefused)
    assert why.error["error"] == "ChannelUnknown"
    with pytest.raises(BrokerAway, match="not let in"):
        buyer.post.send(channel, Role.SELLER, LETTER)
    house.table.opened.update(opened)
    wait_for(buyer, channel)
    assert buyer.post.why(channel) is None


def test_a_stranger_with_another_key__is_never_there(house: House) -> None:
    channel = house.table.open()
    with Party(house, Role.BUYER, key=STRANGER) as stranger:
        stranger.join(channel)
        wait_until("it was refused", lambda: stranger.post.why(channel))
        why = stranger.post.why(channel)
        assert isinstance(why, PeerRefused)
        assert why.error["error"] == "LoginRefused"
        assert not stranger.post.is_there(channel)
    assert house.reception.sessions == 0


def test_a_key_that_is_taken_away__ends_the_session_and_a_new_one_opens_it(
    house: House, seller: Party, buyer: Party
) -> None:
    channel = both_in(house, seller, buyer)
    house.table.now[DIDS[Role.BUYER]] = []  # deactivated
    house.reception.look()
    wait_until("it is out", lambda: not buyer.post.is_there(channel))
    wait_until("it was refused", lambda: buyer.post.why(channel))
    assert seller.post.is_there(channel)
    house.table.now[DIDS[Role.BUYER]] = [STRANGER.address]  # rotated
    buyer.key = STRANGER
    wait_for(buyer, channel)
    buyer.key = BUYER


def test_a_party_whose_identity_ended__goes_on_in_open_channels_by_their_key_and_begins_none(
    house: House, seller: Party, buyer: Party
) -> None:
    open_, other, new = (house.table.open(number) for number in (1, 2, 3))
    for channel in (open_, other):
        buyer.join(channel)
        wait_for(buyer, channel)
    seller.join(open_)
    wait_for(seller, open_)
    house.table.now[DIDS[Role.BUYER]] = []  # for good
    pinned = {Role.BUYER: BUYER.address, Role.SELLER: SELLER.address}
    house.table.signing = {open_: pinned, other: {**pinned, Role.BUYER: STRANGER.address}}
    house.reception.look()
    wait_for(buyer, open_)
    wait_until("a letter of the one comes", lambda: said(buyer, seller, open_))
    with Party(house, Role.BUYER) as again:  # with the key that both agreed on in the other
        again.other = STRANGER
        again.join(other)
        wait_for(again, other)
    buyer.join(new)
    wait_until("it is refused", lambda: buyer.post.why(new))
    why = buyer.post.why(new)
    assert isinstance(why, PeerRefused)
    assert why.error["error"] == "LoginRefused"
    assert buyer.post.is_there(open_)


def said(sender: Party, reader: Party, channel: ChannelId) -> bool:
    """A letter, again and again until it came."""
    with contextlib.suppress(BrokerAway):
        sender.post.send(channel, reader.role, LETTER)
    return (channel, LETTER) in reader.heard


def test_a_channel_that_ended__is_left_by_all_and_another_goes_on(
    house: House, seller: Party, buyer: Party
) -> None:
    ended = both_in(house, seller, buyer, 1)
    other = both_in(house, seller, buyer, 2)
    del house.table.opened[ended]
    house.reception.look()
    assert house.reception.hub.channels == {other}
    logins = house.reception.sessions
    seller.post.send(ended, Role.BUYER, b"late")  # it has not looked at the chain yet
    is_heard(buyer, (ended, b"late"))
    buyer.post.send(other, Role.SELLER, LETTER)
    is_heard(seller, (other, LETTER))
    assert seller.post.is_there(other)
    for party in (seller, buyer):
        party.post.leave(ended)
    assert house.reception.sessions == logins == 2
    del house.table.opened[other]
    house.reception.look()
    assert house.reception.sessions == 2
    house.reception._clock = lambda: time.time() + LINGER_S
    house.reception.look()
    assert house.reception.sessions == 0


def test_fifty_channels__share_one_session(house: House, seller: Party, buyer: Party) -> None:
    channels = [house.table.open(number) for number in range(50)]
    for channel in channels:
        seller.join(channel)
        buyer.join(channel)
    for channel in channels:
        wait_for(seller, channel)
        wait_for(buyer, channel)
        wait_for_hub(house, channel)
        buyer.post.send(channel, Role.SELLER, b"%d" % channels.index(channel))
    for channel in channels:
        is_heard(seller, (channel, b"%d" % channels.index(channel)))
        is_heard(house, (channel, b"%d" % channels.index(channel)))
    assert house.reception.sessions == 2
    assert house.broker.read().sessions == 3
    asked = buyer.asked
    house.broker.dismiss(name_session(BUYER.address, Role.BUYER, DIDS[Role.BUYER]))
    wait_until("it is out", lambda: not buyer.post.is_there(channels[0]))
    for channel in channels:
        wait_for(buyer, channel)
    assert buyer.asked - asked < 20  # one login brings all of them back


def test_a_broker_that_is_killed_and_back__is_away_and_then_there(
    house: House, seller: Party, buyer: Party
) -> None:
    channel = both_in(house, seller, buyer)
    house.broker.close()
    wait_until("it is away", lambda: not buyer.post.is_there(channel))
    with pytest.raises((BrokerAway, PeerFault)):
        buyer.post.send(channel, Role.SELLER, LETTER)
    house.close_reception()
    house.start()
    wait_for(buyer, channel)
    wait_for(seller, channel)
    wait_for_hub(house, channel)
    buyer.post.send(channel, Role.SELLER, b"after")
    is_heard(seller, (channel, b"after"))
    is_heard(house, (channel, b"after"))


def test_a_controller_that_is_started_again__gets_every_channel_back(
    house: House, seller: Party, buyer: Party
) -> None:
    channels = [both_in(house, seller, buyer, number) for number in (1, 2, 3)]
    house.close()
    house.table.kept.clear()  # and it lost its disk: the parties bring their papers again
    house.start()
    for channel in channels:
        for party in (seller, buyer):
            wait_for(party, channel)
        wait_for_hub(house, channel)
        buyer.post.send(channel, Role.SELLER, b"again")
        is_heard(seller, (channel, b"again"))
    assert set(house.table.kept) == set(channels)


def test_a58_a_storm_of_parties__all_come_in_and_all_come_back(house: House, seller: Party) -> None:
    keys = [key_of(f"buyer {number}") for number in range(16)]
    channels = [house.table.open(100 + number, key) for number, key in enumerate(keys)]
    with ExitStack() as stack:
        buyers = [
            stack.enter_context(Party(house, Role.BUYER, key=key, account=key)) for key in keys
        ]
        for channel, buyer in zip(channels, buyers, strict=True):
            buyer.join(channel)
            seller.join(channel)

        def are_heard(raw: bytes) -> None:
            for channel, buyer in zip(channels, buyers, strict=True):
                wait_for(buyer, channel)
                wait_for(seller, channel)
                buyer.post.send(channel, Role.SELLER, raw)
                is_heard(seller, (channel, raw))

        are_heard(b"before")
        assert house.reception.sessions == 17
        house.close()
        house.start()
        are_heard(b"after")
        assert not house.broker.read().refused.get("foreign")


def test_the_same_party_again__takes_the_place_of_the_first(house: House, buyer: Party) -> None:
    channel = house.table.open()
    buyer.join(channel)
    wait_for(buyer, channel)
    with Party(house, Role.BUYER) as again:
        again.join(channel)
        wait_for(again, channel)
        assert house.reception.sessions == 1
        buyer.post.close()
        wait_for(again, channel)


def test_a_party_that_takes_long_over_a_letter__loses_the_oldest_and_keeps_the_newest(
    house: House, seller: Party, buyer: Party
) -> None:
    slow, quick = (both_in(house, seller, buyer, number) for number in (1, 2))
    seller.hold.clear()
    for number in range(200):
        buyer.post.send(slow, Role.SELLER, b"%d" % number)
        time.sleep(0.001)
    buyer.post.send(quick, Role.SELLER, LETTER)

    def has_sent_all() -> bool:
        now = buyer.post.read()
        return now.sent + now.dropped >= 201

    wait_until("all are out", has_sent_all)
    seller.hold.set()
    is_heard(seller, (slow, b"199"))
    is_heard(seller, (quick, LETTER))
    heard = [int(raw) for channel, raw in seller.heard if channel == slow]
    assert heard == sorted(heard)
    assert seller.post.read().dropped + buyer.post.read().dropped > 0


def test_a_channel_at_another_controller__is_carried_there_alone(
    house: House, buyer: Party
) -> None:
    channel = house.table.open()
    buyer.join(channel)
    wait_for(buyer, channel)
    with pytest.raises(AssertionError):
        buyer.place_of(DIDS[Role.BUYER].identity)
    buyer.post.leave(channel)
    wait_until("the session ended", lambda: house.broker.read().sessions == 1)
    buyer.post.join(CONTROLLER.address, channel, Role.BUYER)
    wait_for(buyer, channel)
