"""What a controller takes up: one channel that cannot be read holds up no other."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.controller.recording.evidence_cast import channel_of
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CONTROLLER, NEXT, TERMS

from edgemark.errors import LedgerUnavailable, Overloaded, RefusedInput
from edgemark.identifiers import Tokens
from edgemark.systems.trading.contract import events as seen
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.controller.channels import watching
from edgemark.systems.trading.controller.channels.apart import MOST_APART, SetApart
from edgemark.systems.trading.controller.channels.named import NamedChannels
from edgemark.systems.trading.controller.channels.places import PROVEN_S, Rises
from edgemark.systems.trading.controller.channels.watching import ChannelWatch
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.deals import DealDamaged, DealUnknown

ONE, TWO, THREE = map(channel_of, range(3))
AT = SimpleNamespace(block_number=7)
BLOCK_S = 60
OPEN: Any = SimpleNamespace(
    phase=ChannelPhase.OPEN, deposit=lambda _: TERMS.deposit, paid=Tokens(0), signers=TERMS.signers
)


class World:
    """As much of a controller as its watch sees; papers, chain and places say what a test wants."""

    def __init__(self) -> None:
        self.bad: dict[ChannelId, Exception] = {}
        self.stored: dict[ChannelId, StoredChannel] = {}
        self.locks: list[tuple[int, int]] = [(900, 5)]
        self.taken: list[ChannelId] = []
        self.forgotten: list[ChannelId] = []
        self.full: list[ChannelId] = []
        self.asked: list[str] = []
        self.timed: list[int] = []
        self.is_away = False
        named = NamedChannels(lambda _: False)
        self.known = SimpleNamespace(
            named=named,
            agreement=self.agreement,
            forget=self.forgotten.append,
            note_full=lambda channel, _: self.full.append(channel),
            is_named=lambda channel: named.find(channel) is not None,
        )
        marks = SimpleNamespace(note=lambda events: self.note(*events))
        escrow = SimpleNamespace(channels=self.channels, locked=self.locked)
        station = SimpleNamespace(
            marks=marks, escrow=escrow, address=CONTROLLER.address, time_of=self.time_of
        )
        self.floors: list[ChannelId] = []
        self.desks = SimpleNamespace(
            find=lambda _: None,
            terms=lambda _: None,
            take_in=self.take_in,
            rises=Rises(),
            floors=SimpleNamespace(forget=self.floors.append),
        )
        self.now = 0.0
        parts: Any = (station, self.known, self.desks, SetApart())
        self.watch = ChannelWatch(*parts, clock=lambda: self.now)

    def time_of(self, block: int) -> int:
        if self.is_away:
            raise LedgerUnavailable("is away")
        self.timed.append(block)
        return START + BLOCK_S * block

    def proven(self, channel: ChannelId) -> int:
        locked = self.known.named.find(channel).locked
        claim = self.desks.rises.claim(channel, locked)
        return int(locked - sum(amount for _, amount in claim.young))

    def note(self, event: Any) -> None:
        if event.channel in self.bad:
            raise self.bad[event.channel]

    def agreement(self, channel: ChannelId) -> Any:
        if channel in self.bad:
            raise self.bad[channel]
        return replace(AGREEMENT, channel=channel, terms=replace(TERMS, nonce=channel[0]))

    def channels(self, terms: Any, *, block: int) -> list[Any]:  # noqa: ARG002
        self.asked.append("channels")
        by_nonce = {channel[0]: kept for channel, kept in self.stored.items()}
        return [by_nonce.get(each.nonce, OPEN) for each in terms]

    def locked(self, wanted: Any, *, block: int) -> list[tuple[int, int]]:  # noqa: ARG002
        self.asked.append("locked")
        return self.locks * len(wanted)

    def take_in(self, named: Any) -> None:
        channel = named.agreement.channel
        if channel in self.full_for:
            raise self.full_for[channel]
        self.taken.append(channel)

    full_for: dict[ChannelId, Exception] = {}  # noqa: RUF012


def at(block: int) -> Any:
    return SimpleNamespace(block_number=block)


def opened(channel: ChannelId, controller: Any = CONTROLLER, at: Any = AT) -> Any:
    terms = replace(TERMS, controller=controller.address)
    return seen.ChannelOpened(channel, terms.payer, terms.seller, terms.as_abi(), at=at)


def amended(channel: ChannelId, controller: Any = CONTROLLER, at: Any = AT, epoch: int = 1) -> Any:
    signers = replace(TERMS.signers, controller=controller.address, epoch=epoch)
    return seen.ChannelAmended(channel, 0, signers.as_abi(), at=at)


def test_an_event_that_cannot_be_read__sets_its_channel_apart_and_the_others_are_heard() -> None:
    world = World()
    world.bad[ONE] = LedgerUnavailable("tells no terms")
    broken = seen.ChannelOpened(TWO, TERMS.payer, TERMS.seller, (1, 2), at=AT)
    heard = world.watch.hear([opened(ONE), broken, opened(THREE), opened(ONE)], 9)
    assert heard == [THREE]
    assert set(world.watch.apart.names()) == {ONE.hex(), TWO.hex()}
    assert world.watch.apart.names()[ONE.hex()] == "tells no terms"
    assert world.watch.apart.count == 2, "each is said once"


def test_one_that_another_had_before__is_named_without_a_search_through_the_chain() -> None:
    world = World()
    events = [opened(ONE, NEXT), amended(ONE), amended(TWO), amended(TWO, NEXT), amended(ONE)]
    assert world.watch.hear(events, 9) == [ONE, TWO]
    assert world.asked == []
    found = world.known.named.find(ONE)
    assert (found.terms, found.block, found.locked) == (None, 7, None)
    world.watch.measure(9)
    assert world.known.named.find(ONE).locked == 900
    world.watch.measure(9)
    assert world.asked == ["locked"]
    world.watch.hear(
        [
            seen.DepositAdded(ONE, Tokens(50), at=AT),
            seen.AmountPaid(ONE, 1, Tokens(15), at=AT),
            seen.DepositReduced(ONE, 0, Tokens(20), at=AT),
        ],
        9,
    )
    assert world.known.named.find(ONE).locked == 900 + 50 - 10 - 20
    closing = seen.ChannelClosed(ONE, TERMS.payer, 2, Tokens(0), TERMS.close_by, at=AT)  # type: ignore[arg-type]
    world.watch.hear([closing], 9)
    assert world.known.named.find(ONE) is None
    assert world.floors == [ONE], "it opens no more, so nothing comes back"


def test_what_a_channel_locks__counts_by_the_times_of_blocks_in_which_it_rose() -> None:
    world, all_ = World(), TERMS.deposit + TERMS.bond
    long_ago = 100 - PROVEN_S // BLOCK_S
    early, late = at(long_ago), at(long_ago + 1)
    world.watch.hear([opened(ONE, at=early), opened(TWO, at=late)], 100)
    assert [world.proven(each) for each in (ONE, TWO)] == [all_, 0]
    assert sorted(world.timed) == [long_ago, long_ago + 1, 100], "no older block is asked for"
    added = [seen.DepositAdded(each, Tokens(50), at=at(101)) for each in (ONE, THREE)]
    paid = seen.AmountPaid(ONE, 1, Tokens(20), at=at(101))
    world.watch.hear([*added, paid], 101)
    assert [world.proven(each) for each in (ONE, TWO)] == [all_, all_]
    world.watch.hear([seen.AmountPaid(ONE, 2, Tokens(60), at=at(102))], 102)
    assert world.proven(ONE) == all_ - 10, "what is less counts at once"
    world.watch.hear([seen.DepositReduced(ONE, 0, Tokens(5), at=at(103))], 103)
    assert world.proven(ONE) == all_ - 15


def test_a_channel_that_named_another__locks_anew_from_when_it_comes_back() -> None:
    world = World()
    world.watch.hear([opened(ONE, at=at(1))], 100)
    world.watch.hear([amended(ONE, at=at(101), epoch=0)], 101)
    assert world.proven(ONE) > 0, "other keys, and the same controller"
    world.watch.hear([amended(ONE, NEXT, at(102)), amended(ONE, at=at(103), epoch=2)], 103)
    world.watch.measure(103)
    assert world.proven(ONE) == 0
    world.watch.hear([], 103 + PROVEN_S // BLOCK_S)
    assert world.proven(ONE) == 900


def test_a_later_life__reads_again_what_does_not_count_yet_and_knows_as_much() -> None:
    first, step = World(), PROVEN_S // BLOCK_S
    events: dict[int, list[Any]] = {block: [] for block in range(100, 130)}
    events[100] = [opened(ONE, at=at(100))]
    events[118] = [seen.DepositAdded(ONE, Tokens(50), at=at(118))]
    events[125] = [opened(TWO, at=at(125)), seen.DepositAdded(ONE, Tokens(7), at=at(125))]
    assert first.watch.passed(99) == -1, "nothing was read"
    for block, news in events.items():
        first.watch.hear(news, block)
        first.known.named._is_kept = lambda _: True  # their desks are in the journal
        later, passed = World(), first.watch.passed(block)
        assert passed < 100 or block - step - 2 <= passed <= block - step
        again = [event for each in range(max(100, passed + 1), block + 1) for event in events[each]]
        later.known.is_named = first.known.is_named
        later.watch.hear(again, block)
        for channel in (ONE, TWO):
            if (found := first.known.named.find(channel)) is not None:
                had = first.desks.rises.claim(channel, found.locked)
                assert later.desks.rises.claim(channel, found.locked) == had


def test_what_leaves_for_others__is_followed_no_more() -> None:
    world = World()
    world.known.named._most = 1
    added = seen.DepositAdded(TWO, Tokens(1), at=at(100))
    world.watch.hear([opened(ONE, at=at(100)), opened(TWO, at=at(100)), added], 100)
    assert len(world.desks.rises) == 2
    world.watch.measure(100)
    assert (world.known.named.find(ONE), len(world.desks.rises)) == (None, 1)


def test_times_that_the_chain_does_not_tell__note_nothing_and_are_asked_for_again() -> None:
    world = World()
    world.is_away = True
    with pytest.raises(LedgerUnavailable):
        world.watch.hear([opened(ONE)], 9)
    assert world.known.named.find(ONE) is None
    world.is_away = False
    assert world.watch.hear([opened(ONE)], 9) == [ONE]


def test_papers_that_are_damaged__keep_no_other_channel_from_its_desk() -> None:
    world = World()
    world.bad = {ONE: DealDamaged("cannot be used"), TWO: DealUnknown("is not kept")}
    for channel in (ONE, TWO, THREE):
        world.watch.expect(channel)
    world.watch.take_up(9)
    assert (world.taken, len(world.watch)) == ([THREE], 1)
    assert set(world.watch.apart.names()) == {ONE.hex()}
    world.bad.clear()
    world.watch.expect(ONE)
    world.watch.take_up(9)
    assert ONE in world.taken
    assert world.watch.apart.names() == {}


def test_what_has_no_place_or_is_over__is_looked_for_no_more() -> None:
    world = World()
    world.full_for = {ONE: Overloaded("is full"), TWO: RefusedInput("no room in the loop")}
    world.stored[THREE] = SimpleNamespace(phase=ChannelPhase.ENDED)  # type: ignore[assignment]
    for channel in (ONE, TWO, THREE):
        world.watch.expect(channel)
    world.watch.take_up(9)
    assert (world.full, world.forgotten, world.taken) == ([ONE], [THREE], [])
    assert set(world.watch.apart.names()) == {TWO.hex()}


def test_papers_that_wait__are_bounded_and_wait_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    monkeypatch.setattr(watching, "MOST_EXPECTED", 2)
    for channel in (ONE, TWO):
        world.watch.check_room(channel)
        world.watch.expect(channel)
    world.watch.check_room(TWO)
    with pytest.raises(Overloaded):
        world.watch.check_room(THREE)
    world.now = watching.LOOKED_FOR_S + 1
    world.watch.take_up(9)
    assert len(world.watch) == 0
    apart = SetApart()
    for number in range(MOST_APART + 5):
        apart.note(channel_of(number), RefusedInput("no"))
    assert (len(apart), apart.count) == (MOST_APART, MOST_APART + 5)
