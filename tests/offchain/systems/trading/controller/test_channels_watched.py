"""What a controller takes up: one channel that cannot be read holds up no other."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS
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
from edgemark.systems.trading.controller.channels.watching import ChannelWatch
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.deals import DealDamaged, DealUnknown

ONE, TWO, THREE = map(channel_of, range(3))
AT = SimpleNamespace(block_number=7)
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
        named = NamedChannels(lambda _: False)
        self.known = SimpleNamespace(
            named=named,
            agreement=self.agreement,
            forget=self.forgotten.append,
            note_full=lambda channel, _: self.full.append(channel),
        )
        marks = SimpleNamespace(note=lambda events: self.note(*events))
        escrow = SimpleNamespace(channels=self.channels, locked=self.locked)
        station = SimpleNamespace(
            marks=marks, escrow=escrow, address=CONTROLLER.address, decided=LIMITS
        )
        self.desks = SimpleNamespace(
            find=lambda _: None, terms=lambda _: None, take_in=self.take_in
        )
        self.now = 0.0
        parts: Any = (station, self.known, self.desks, SetApart())
        self.watch = ChannelWatch(*parts, clock=lambda: self.now)

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


def opened(channel: ChannelId, controller: Any = CONTROLLER) -> Any:
    terms = replace(TERMS, controller=controller.address)
    return seen.ChannelOpened(channel, terms.payer, terms.seller, terms.as_abi(), at=AT)


def amended(channel: ChannelId, controller: Any = CONTROLLER) -> Any:
    signers = replace(TERMS.signers, controller=controller.address, epoch=1)
    return seen.ChannelAmended(channel, 0, signers.as_abi(), at=AT)


def test_an_event_that_cannot_be_read__sets_its_channel_apart_and_the_others_are_heard() -> None:
    world = World()
    world.bad[ONE] = LedgerUnavailable("tells no terms")
    broken = seen.ChannelOpened(TWO, TERMS.payer, TERMS.seller, (1, 2), at=AT)
    heard = world.watch.hear([opened(ONE), broken, opened(THREE), opened(ONE)])
    assert heard == [THREE]
    assert set(world.watch.apart.names()) == {ONE.hex(), TWO.hex()}
    assert world.watch.apart.names()[ONE.hex()] == "tells no terms"
    assert world.watch.apart.count == 2, "each is said once"


def test_one_that_another_had_before__is_named_without_a_search_through_the_chain() -> None:
    world = World()
    events = [opened(ONE, NEXT), amended(ONE), amended(TWO), amended(TWO, NEXT), amended(ONE)]
    assert world.watch.hear(events) == [ONE, TWO]
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
        ]
    )
    assert world.known.named.find(ONE).locked == 900 + 50 - 10 - 20
    closing = seen.ChannelClosed(ONE, TERMS.payer, 2, Tokens(0), TERMS.close_by, at=AT)  # type: ignore[arg-type]
    world.watch.hear([closing])
    assert world.known.named.find(ONE) is None


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
