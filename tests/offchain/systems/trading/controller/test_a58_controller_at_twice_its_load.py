"""A58: twice as many parties as have places, and twice as many letters as a controller can bear."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from benchmarks.controller_path import CHANNELS, ControllerPath
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, key_of
from tests.offchain.systems.trading.station.post.post_cast import KEY, House, Party
from tests.waiting import wait_until

from edgemark.identifiers import Address
from edgemark.identity.did.identifier import make_did
from edgemark.journal.journal import Journal
from edgemark.loop.machine import LoopBusy
from edgemark.loop.replay import replay
from edgemark.systems.trading.controller import reception
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import OwnBroker
from edgemark.transport.faults import PeerRefused
from edgemark.transport.limits import BrokerLimits
from edgemark.transport.ports import hold_ports

PLACES = 4  # buyers that may be in, beside the seller and the controller itself
SIZE, ROUNDS = 2048, 40  # bytes of a credential; settlements of each channel, of each run
MIB = 2**20
MOST_GROWN = 128 * MIB
pytestmark = pytest.mark.lasts(4)


class SmallHouse(House):
    """A controller whose broker has few places."""

    def make_broker(self) -> OwnBroker:
        return EmbeddedBroker(KEY, port=self.ports[1], limits=BrokerLimits.of(PLACES + 2, 2000.0))


@pytest.fixture
def house() -> Iterator[SmallHouse]:
    with hold_ports(2) as ports, SmallHouse((ports.numbers[0], ports.numbers[1])) as house:
        yield house


def are_in(parties: Sequence[Party], channels: Sequence[ChannelId]) -> int:
    return sum(p.post.is_there(c) for p, c in zip(parties, channels, strict=True))


def is_told(buyer: Party, channel: ChannelId) -> bool:
    why = buyer.post.why(channel)
    return isinstance(why, PeerRefused) and "NoPlace" in str(why.had)


def test_a58_twice_as_many_buyers_as_have_places__are_told_so_and_come_in_as_others_leave(
    house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "LINGER_S", 0.0)
    keys = [key_of(f"buyer {number}") for number in range(2 * PLACES)]
    with ExitStack() as stack:
        seller = stack.enter_context(Party(house, Role.SELLER))
        buyers = [stack.enter_context(Party(house, Role.BUYER, key, key)) for key in keys]
        channels = [house.table.open(number, key) for number, key in enumerate(keys, start=1)]
        for key in keys:
            house.table.now[make_did(CHAIN_ID, key.address)] = [Address(key.address)]
        seller.join(channels[0])
        wait_until("the seller", lambda: seller.post.is_there(channels[0]))
        for buyer, channel in zip(buyers[:PLACES], channels[:PLACES], strict=True):
            buyer.join(channel)
        wait_until("every place", lambda: are_in(buyers, channels) == PLACES)
        for buyer, channel in zip(buyers[PLACES:], channels[PLACES:], strict=True):
            buyer.join(channel)
        late = list(zip(buyers[PLACES:], channels[PLACES:], strict=True))
        wait_until("a word", lambda: all(is_told(b, c) for b, c in late))
        assert are_in(buyers[:PLACES], channels[:PLACES]) == PLACES, "nobody is thrown out"
        buyers[0].post.send(channels[0], Role.SELLER, b"letter")
        wait_until("a letter", lambda: (channels[0], b"letter") in seller.heard)
        buyers[0].post.leave(channels[0])
        del house.table.opened[channels[0]]
        house.reception.look()
        wait_until("the next", lambda: are_in(buyers[1:], channels[1:]) == PLACES)


class Run:
    """Settlements of all channels, until each has its credential."""

    def __init__(self, path: ControllerPath, *, times: int) -> None:
        self._path, self._times = path, times
        self.refused = 0
        began = time.monotonic()
        for _ in range(ROUNDS):
            self._play()
        self.seconds = time.monotonic() - began

    def _play(self) -> None:
        """One round, each letter handed in so often, by as many at once."""
        path, letters = self._path, self._path._letters[self._path.issued]
        again = range(1, self._times)
        others = [threading.Thread(target=self._hand, args=(letters,)) for _ in again]
        for thread in others:
            thread.start()
        path.run()
        for thread in others:
            thread.join()

    def _hand(self, letters: Sequence[tuple[ChannelId, bytes]]) -> None:
        for channel, raw in letters:
            try:
                self._path._take(channel, raw)
            except LoopBusy:
                self.refused += 1


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a58_twice_as_many_letters__are_slowed_and_lose_nothing(tmp_path: Path) -> None:
    path = ControllerPath(tmp_path, SIZE, 2 * ROUNDS, CHANNELS)
    usual = Run(path, times=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    flooded = Run(path, times=2)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    path.close()
    assert grown < MOST_GROWN
    assert 0.9 * flooded.seconds <= usual.seconds, "nine tenths are issued in the same time"
    with Journal.open(tmp_path / "controller.journal") as journal:
        desks = replay(PartyMachine(Desk), journal)
    assert len(desks) == CHANNELS
    for desk in desks.values():
        assert isinstance(desk, Desk)
        assert desk.issued is not None
        assert desk.issued.voucher.index == 2 * ROUNDS
