"""T9: channels that one transaction opens: all of them or none, whenever their buyer is killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, POLICY, SELLER_OPENING

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import IllegalMove, NotOwed
from edgemark.systems.trading.buyer.buyer import Buyer
from edgemark.systems.trading.buyer.money.opening import Openings
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import MAX_CHANNELS, check_list
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.life import BuyerPhase, PartyMachine

IDS = (CHANNEL, *(ChannelId(Hash32(bytes([n]) * 32)) for n in (1, 2)))


def asked(beside: tuple[ChannelId, ...] = IDS) -> dict[ChannelId, on.AskedBuy]:
    """The terms of each; those of the others are told apart by their nonces."""
    made = {}
    for number, channel in enumerate(beside or (CHANNEL,)):
        terms = replace(AGREEMENT.terms, nonce=number)
        agreement = replace(AGREEMENT, channel=channel, terms=terms)
        made[channel] = on.AskedBuy(agreement, POLICY, SELLER_OPENING, beside)
    return made


class Home:
    """A buyer's channels by its machine, and the calls that it would send."""

    def __init__(self, refuses: ChannelId | None = None) -> None:
        self.machine = PartyMachine(Purchase)
        self.states: dict[ChannelId, Any] = {}
        self.refuses = refuses
        self.openings = Openings(self.ask, self.states.get)
        self.early: list[str] = []  # what an opening came to while not all were asked for

    def ask(self, channel: ChannelId, event: Any) -> None:
        if channel == self.refuses:
            raise IllegalMove("event cannot happen", who="purchase")
        before = self.states.get(channel) or self.machine.initial(channel)
        self.states[channel], _ = self.machine.step(before, event)
        if isinstance(event, on.AskedBuy):
            with pytest.raises(NotOwed) if event.beside else pytest.MonkeyPatch.context():
                self.call(channel)
                self.early.append(channel.hex())

    def call(self, channel: ChannelId) -> Any:
        return self.openings.call(cast(Any, Escrow()), self.states[channel])

    def phases(self) -> list[BuyerPhase]:
        return [self.states[each].phase for each in self.states]


class Escrow:
    """Makes calls, and checks them as the real one does."""

    def open(self, openings: Any) -> Any:
        from edgemark.ledger.evm.sending.intent import Call

        check_list("open", openings)
        return Call(cast(Any, None), "open", ([each.terms.nonce for each in openings],))


def opened(call: Any) -> list[int]:
    found: list[int] = call.args[0]
    return found


def test_t9_channels_of_one_command__are_opened_by_one_call_whichever_asks() -> None:
    home = Home()
    home.openings.begin(asked())
    assert home.early == [], "none is opened before all are in the journal"
    calls = [home.call(each) for each in IDS]
    assert [opened(each) for each in calls] == [[0, 1, 2]] * 3
    assert len({each.key for each in calls}) == 1
    assert calls[0].key is not None


def test_t9_what_is_open_already__is_left_out_and_joins_the_same_transaction() -> None:
    home = Home()
    home.openings.begin(asked())
    before = home.call(IDS[1])
    home.states[IDS[0]] = replace(home.states[IDS[0]], phase=BuyerPhase.BUYING)
    after = home.call(IDS[1])
    assert (opened(before), opened(after)) == ([0, 1, 2], [1, 2])
    assert before.key == after.key, "who sent the first sends no second"


def test_t9_a_buyer_killed_amid_them__opens_those_of_its_journal_together() -> None:
    home = Home()
    home.openings.begin(asked())
    del home.states[IDS[2]]
    again = Openings(home.ask, home.states.get)
    assert opened(again.call(cast(Any, Escrow()), home.states[IDS[0]])) == [0, 1]


def test_t9_one_that_is_refused__lets_none_be_opened() -> None:
    home = Home(refuses=IDS[2])
    with pytest.raises(IllegalMove):
        home.openings.begin(asked())
    assert home.phases() == [BuyerPhase.DROPPED] * 2
    assert "with another" in home.states[IDS[0]].refused


def test_one_channel_alone__is_opened_as_ever() -> None:
    home = Home()
    home.openings.begin(asked(()))
    call = home.call(CHANNEL)
    assert (opened(call), call.key) == ([0], None)


def test_what_is_opened_together__is_in_the_journal() -> None:
    (event, *_) = asked().values()
    assert EventRecords.of(on).decode(EventRecords.encode(event)) == event
    state, _ = PartyMachine(Purchase).step(Purchase(), event)
    assert state.beside == IDS


def test_more_than_one_transaction_takes__or_none__is_refused_before_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Buyer, "_asked", lambda *_: pytest.fail("nothing is drafted"))
    many = {ChannelId(Hash32(bytes([n]) * 32)): SELLER_OPENING for n in range(MAX_CHANNELS + 1)}
    empty: Mapping[ChannelId, Any] = {}
    for openings in (many, empty):
        with pytest.raises(RefusedInput):
            Buyer.begin(cast(Any, SimpleNamespace()), openings)
