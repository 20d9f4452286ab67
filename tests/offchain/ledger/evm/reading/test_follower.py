"""Events are delivered when they are final, in order, once; a deep reorganisation is told."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.offchain.ledger.conftest import Start, World, deploy_coin, persist
from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import ChainMoved, ReorgTooDeep
from edgemark.ledger.evm.reading.follower import REORG_LOOKS, LogFollower
from edgemark.ledger.evm.sending.intent import Call
from edgemark.token.events import Transfer

pytestmark = [pytest.mark.chain, pytest.mark.lasts(16)]

PAYEE = parse_address("0x" + "77" * 20)
DEPTH = 3


class Token:
    """A token on a chain that makes a block for each transaction."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lane = world.lane(0)
        self.contract, _ = deploy_coin(self.lane, self.lane.address, confirmations=0)

    def pay(self, value: int) -> None:
        """Transfer; the event's value tells one payment from another."""
        call = Call(self.contract, "transfer", (PAYEE, value))
        self.lane.send(call, confirmations=0)

    def follow(self, from_block: int = 0) -> LogFollower:
        """A follower of the token."""
        return LogFollower(self.world.chain, [self.contract], from_block)


@pytest.fixture
def token(start_world: Start) -> Token:
    token = Token(start_world(confirmations=DEPTH, extra=()))
    token.world.mine(DEPTH)
    return token


def values(events: list[ChainEvent]) -> list[int]:
    """The payments among the events; the supply is none."""
    return [e.value for e in events if isinstance(e, Transfer) and e.value < 10**20]


def test_poll__an_event__is_delivered_at_its_depth_and_once(token: Token) -> None:
    follower = token.follow()
    follower.poll()
    token.pay(1)
    for _ in range(DEPTH):
        assert follower.poll() == []
        token.world.mine()
    assert values(follower.poll()) == [1]
    assert follower.poll() == []
    assert follower.cursor == token.world.chain.confirmed()


def test_poll__many_events__come_in_order(token: Token) -> None:
    for value in range(1, 9):
        token.pay(value)
    token.world.mine(DEPTH)
    assert values(token.follow().poll()) == list(range(1, 9))


def test_poll__from_a_cursor__goes_on_where_another_stopped(token: Token) -> None:
    token.pay(1)
    token.world.mine(DEPTH)
    first = token.follow()
    assert values(first.poll()) == [1]
    token.pay(2)
    token.world.mine(DEPTH)
    assert values(token.follow(first.cursor + 1).poll()) == [2]


def test_poll__contracts_side_by_side__are_told_apart(token: Token) -> None:
    other, _ = deploy_coin(token.lane, PAYEE, confirmations=0)
    token.pay(7)
    token.world.mine(DEPTH)
    follower = LogFollower(token.world.chain, [other, token.contract])
    places = [event.at.contract for event in follower.poll()]
    here, there = token.contract.address, other.address
    assert places == [here, here, there, there, here]  # of each: the supply, and a part's release


def test_poll__a_shallow_reorg__was_never_seen(token: Token) -> None:
    follower = token.follow()
    follower.poll()
    token.pay(1)
    token.world.mine(DEPTH - 1)
    assert follower.poll() == []
    token.world.reorg(DEPTH)  # takes back the payment
    token.world.mine(DEPTH)
    assert values(follower.poll()) == []
    assert token.world.chain.call(token.contract, "balanceOf", PAYEE, block="latest") == 0


@pytest.mark.parametrize("below", [1, 3])
def test_poll__a_reorg_below_what_was_delivered__is_told(token: Token, below: int) -> None:
    follower = token.follow()
    token.pay(1)
    token.world.mine(DEPTH + 1)
    follower.poll()
    common = token.world.chain.confirmed() - 4
    follower._seen = type(follower._seen)({common: token.world.chain.block(common).hash})
    follower._remember(follower.cursor, token.world.chain.block(follower.cursor).hash)
    token.world.reorg(DEPTH + below)
    token.world.mine()
    for _ in range(REORG_LOOKS - 1):
        with pytest.raises(ChainMoved):
            follower.poll()
    with pytest.raises(ReorgTooDeep) as told:
        follower.poll()
    assert f"another block {follower.cursor}" in str(told.value.had)
    assert f"in common: {common}" in str(told.value.had)
    with pytest.raises(ReorgTooDeep):
        follower.poll()  # it is not forgotten


def test_poll__a_chain_that_is_shorter_for_a_while__is_waited_for(token: Token) -> None:
    token.world.mine(DEPTH)
    follower = token.follow()
    follower.poll()
    head = follower._chain.head
    follower._chain.head = lambda: follower.cursor - 1  # type: ignore[method-assign]
    assert follower.poll() == []
    follower._chain.head = head  # type: ignore[method-assign]
    token.pay(1)
    token.world.mine(DEPTH)
    assert values(follower.poll()) == [1]


def test_poll__the_chain_changes_while_it_is_read__nothing_is_delivered_of_it(
    token: Token,
) -> None:
    follower = token.follow()
    token.pay(1)
    token.world.mine(DEPTH)
    logs = token.world.chain.logs

    def disturbed(*args: object, **named: object) -> object:
        found = logs(*args, **named)  # type: ignore[arg-type]
        token.world.reorg(DEPTH + 1)
        token.world.mine()
        return found

    token.world.chain.logs = disturbed  # type: ignore[method-assign, assignment]
    assert follower.poll() == []
    token.world.chain.logs = logs  # type: ignore[method-assign]
    assert values(follower.poll()) == []


def test_poll__the_connection_is_lost__nothing_is_skipped(token: Token) -> None:
    with CuttableProxy(token.world.node.port) as proxy:
        chain = token.world.connect(proxy.url, confirmations=DEPTH, attempts=1)
        follower = LogFollower(chain, [token.contract])
        follower.poll()
        token.pay(1)
        token.world.mine(DEPTH)
        proxy.cut()
        with pytest.raises(LedgerUnavailable):
            follower.poll()
        proxy.restore()
        assert values(follower.poll()) == [1]


def test_poll__through_many_shallow_reorgs__tells_what_the_final_chain_holds(
    start_world: Start,
) -> None:
    world = start_world(confirmations=DEPTH)
    lane = world.lane(0)
    coin, receipt = deploy_coin(lane, lane.address)
    follower = LogFollower(world.chain, [coin], receipt.block_number + 1)
    chance = random.Random(20)
    stop = threading.Event()
    heard: list[int] = []

    def disturb() -> None:
        while not stop.wait(0.5):
            world.reorg(chance.randrange(1, DEPTH))

    def pay(value: int) -> None:
        persist(lambda: lane.send(Call(coin, "transfer", (PAYEE, value))))

    with ThreadPoolExecutor(5) as threads:
        disturbing = threads.submit(disturb)
        paying = [threads.submit(pay, value) for value in range(1, 13)]
        try:
            while not all(each.done() for each in paying):
                heard += values(persist(follower.poll))
        finally:
            stop.set()
        for each in (disturbing, *paying):
            each.result()
    world.mine(DEPTH)
    heard += values(follower.poll())
    assert sorted(heard) == list(range(1, 13))
    assert world.chain.call(coin, "balanceOf", PAYEE, block="latest") == sum(range(1, 13))
    final = Contract("MetaCoin", coin.address, coin.interface, coin.events)
    assert values(LogFollower(world.chain, [final]).poll()) == heard
