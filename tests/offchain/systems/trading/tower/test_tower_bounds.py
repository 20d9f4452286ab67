"""What a tower tells and owes at the bounds of its promise, state by state."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import (
    DEPOSIT,
    PEOPLE,
    START,
    WINDOW,
    open_one,
    signer,
)
from tests.offchain.systems.trading.tower.tower_cast import (
    MARGIN,
    NO_COVER,
    Keeper,
    held_of,
    stored_of,
)

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelPhase, Said
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.settings import TowerSettings
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.messages import LEAST_CLOSE, PLACES_LEFT, PROMISED
from edgemark.systems.trading.tower.taking import TowerView, observe_as_tower
from edgemark.systems.trading.tower.tower import Tower
from edgemark.systems.trading.tower.watch import TowerPhase

PAYER, SELLER, STRANGER = PEOPLE["payer"], PEOPLE["seller"], PEOPLE["outsider"]
PAYER_KEY = signer("payer's key")
BOTH = Said(STRANGER, PAYER_KEY, signer("seller's key"))
CLOSE_BY = open_one().terms.close_by
LOCK = open_one().lock_expiry


def watching(*, has_receipt: bool = True, amount: int = 100) -> Keeper:
    """A tower that covers a channel, and has given a receipt, or not yet."""
    keeper = Keeper(open_one())
    keeper.promise(amount)
    keeper.see()
    keeper.cover_now()
    assert keeper.watch.phase is TowerPhase.WATCHING
    if has_receipt:
        keeper.hand(amount)
    return keeper


def moved(keeper: Keeper, channel: Channel) -> Keeper:
    """The chain has it so, and the tower has looked."""
    keeper.channel = channel
    keeper.see()
    return keeper


def news(keeper: Keeper, channel: Channel) -> list[on.TowerEvent]:
    return observe_as_tower(keeper.watch, TowerView(stored_of(channel), keeper.cover))


# Open.


def test_cover__is_owed_until_the_lock_expires() -> None:
    keeper = Keeper(open_one())
    keeper.promise(100)
    keeper.reach(LOCK)
    assert keeper.watch.owed() == (on.SubmitCover(),)
    keeper.reach(LOCK + 1)
    assert keeper.watch.owed() == ()


def test_voucher__is_brought_from_the_margin_on_and_the_end_after_close_by() -> None:
    keeper = watching()
    keeper.reach(CLOSE_BY - MARGIN)
    assert keeper.watch.owed() == ()
    keeper.reach(CLOSE_BY - MARGIN + 1)
    assert keeper.watch.owed() == (do.SubmitCheckpoint(Tokens(100)),)
    moved(keeper, moves.checkpoint(keeper.channel, 100, CLOSE_BY, BOTH))
    keeper.reach(CLOSE_BY)
    assert keeper.watch.owed() == ()
    keeper.reach(CLOSE_BY + 1)
    assert keeper.watch.owed() == (do.SubmitEndUnclosed(),)
    keeper.reach(LOCK)
    assert keeper.watch.owed() == (do.SubmitEndUnclosed(),)
    keeper.reach(LOCK + 1)
    assert keeper.watch.owed() == ()


def test_tower_without_a_receipt__owes_nothing_of_an_open_channel() -> None:
    keeper = watching(has_receipt=False)
    for second in (CLOSE_BY - MARGIN + 1, CLOSE_BY + 1):
        keeper.reach(second)
        assert keeper.watch.owed() == ()


def test_seller_that_signs_with_another_key_now__has_nothing_brought_under_the_former() -> None:
    keeper = watching()
    signers = replace(keeper.channel.signers, seller_key=signer("seller's next key"))
    moved(keeper, replace(keeper.channel, signers=signers))
    keeper.reach(CLOSE_BY - MARGIN + 1)
    assert keeper.watch.owed() == ()
    keeper.reach(CLOSE_BY + 1)
    assert keeper.watch.owed() == (do.SubmitEndUnclosed(),)


def test_payer_that_signs_with_another_key_now__makes_what_is_held_worth_nothing() -> None:
    keeper = watching()
    assert keeper.watch.due == 100
    signers = replace(keeper.channel.signers, payer_key=signer("payer's next key"))
    assert moved(keeper, replace(keeper.channel, signers=signers)).watch.due == 0
    assert watching(amount=DEPOSIT + 1).watch.due == DEPOSIT


# In a window.


def test_first_look_at_a_window__tells_it_and_a_response_that_was_there() -> None:
    keeper = watching()
    closing = ends.close(keeper.channel, 30, START, Said(PAYER))
    window = on.SawWindow(ChannelPhase.CLOSING_BY_PAYER, Tokens(30), Timestamp(START + WINDOW))
    assert news(keeper, closing) == [window]
    answered = ends.respond(closing, 40, START, PAYER_KEY, None)
    first, second = news(keeper, answered)
    assert first == replace(window, counted=Tokens(40))
    assert second == on.SawResponse(Tokens(40), 0, True)
    moved(keeper, closing)
    assert news(keeper, closing) == []
    assert news(keeper, answered) == [second]


@pytest.mark.parametrize("has_receipt", [True, False])
def test_window_of_the_payer__is_answered_and_settled_as_a_receipt_binds(
    has_receipt: bool,
) -> None:
    keeper = watching(has_receipt=has_receipt)
    moved(keeper, ends.close_bare(keeper.channel, START, PAYER))
    answer = do.SubmitResponse(Tokens(100))
    assert keeper.watch.owed() == (answer,), "for the bond, too"
    keeper.reach(keeper.channel.deadline)
    assert keeper.watch.owed() == (answer,)
    keeper.reach(keeper.channel.deadline + 1)
    assert keeper.watch.owed() == ((do.SubmitSettle(),) if has_receipt else ())
    keeper.reach(LOCK + 1)
    assert keeper.watch.owed() == ()


def test_window_of_the_seller__is_none_of_the_tower_s_business() -> None:
    keeper = watching()
    moved(keeper, ends.close_bare(keeper.channel, START, SELLER))
    assert keeper.watch.owed() == ()
    keeper.reach(keeper.channel.deadline + 1)
    assert keeper.watch.owed() == ()


def test_window_of_a_stranger__is_answered_only_where_a_receipt_binds() -> None:
    for has_receipt in (True, False):
        keeper = watching(has_receipt=has_receipt)
        moved(keeper, ends.close_bare(keeper.channel, CLOSE_BY, STRANGER))
        owed = (do.SubmitResponse(Tokens(100)),) if has_receipt else ()
        assert keeper.watch.owed() == owed


def test_answer_of_another__has_the_tower_s_delegation_shown_after_it() -> None:
    keeper = watching()
    closing = ends.close_bare(keeper.channel, START, PAYER)
    answered = ends.respond(closing, 100, START, PAYER_KEY, None)
    assert moved(keeper, answered).watch.owed() == (do.SubmitResponse(Tokens(100)),)
    shown = replace(answered, tower=PEOPLE["tower"], number=1)
    assert moved(keeper, shown).watch.owed() == ()
    more = watching()
    above = ends.respond(closing, 101, START, PAYER_KEY, None)
    assert moved(more, above).watch.owed() == (), "what counts is above what is held"


# Over.


def test_cover__is_asked_back_once_it_can_pay_nothing() -> None:
    by_seller = ends.close(open_one(), 30, START, Said(SELLER, PAYER_KEY))
    assert by_seller.deadline == NO_TIME
    assert moved(watching(), by_seller).watch.owed() == (on.SubmitUncover(),)
    unclosed = ends.end_unclosed(open_one(), CLOSE_BY + 1)
    keeper = moved(watching(), unclosed)
    assert keeper.watch.owed() == ()
    claimed_by = keeper.watch.known.claimed_by
    keeper.reach(claimed_by)
    assert keeper.watch.owed() == ()
    keeper.reach(claimed_by + 1)
    assert keeper.watch.owed() == (on.SubmitUncover(),)
    whole = replace(unclosed, locked=0)  # nothing went back
    assert moved(watching(), whole).watch.owed() == (on.SubmitUncover(),)


def test_channel_that_lapsed__may_still_have_the_cover_until_the_lock_s_last_second() -> None:
    lapsed = ends.end_unclosed(open_one(), LOCK + 1)
    assert lapsed.deadline == LOCK
    assert moved(watching(), lapsed).watch.owed() == ()
    later = replace(lapsed, deadline=Timestamp(LOCK + 1))
    assert moved(watching(), later).watch.owed() == (on.SubmitUncover(),)


def test_cover_that_came_back__is_told_once_the_channel_is_over() -> None:
    over = ends.close(open_one(), 30, START, Said(SELLER, PAYER_KEY))
    keeper = moved(watching(), over)
    assert news(keeper, over) == []
    keeper.cover = NO_COVER
    assert news(keeper, over) == [on.SawUncovered()]
    assert moved(keeper, over).watch.phase is TowerPhase.RELEASED
    assert news(keeper, over) == []


# Newer states.


@pytest.mark.parametrize(
    ("amount", "number", "is_taken"),
    [(100, 1, True), (101, 1, True), (100, 2, True), (99, 2, False), (101, 0, False)],
)
def test_newer_state__is_no_less_in_amount_and_number(
    amount: int, number: int, is_taken: bool
) -> None:
    keeper = watching()
    held = held_of(keeper.channel, amount, number, b"s" * 65)
    if is_taken:
        keeper.step(on.HeardState(held))
        assert (keeper.watch.newest.amount, keeper.watch.newest.number) == (amount, number)
        return
    with pytest.raises(IllegalMove):
        keeper.step(on.HeardState(held))


# What its status says, by which sellers choose it.


def test_status__counts_open_channels_and_promises_that_no_cover_stands_for_yet() -> None:
    promised = Keeper(open_one())
    promised.promise(100, cover=250)
    over = moved(watching(), ends.close(open_one(), 30, START, Said(SELLER, PAYER_KEY)))
    gone = moved(watching(), over.channel)
    gone.cover = NO_COVER
    moved(gone, over.channel)
    assert gone.watch.is_finished and gone.watch.known.cover, "it owes nothing any more"
    shell: Any = SimpleNamespace(
        station=SimpleNamespace(bringing_s=lambda: 24),
        _decided=TowerSettings(margin_s=100, max_channels=5),
        _answering=SimpleNamespace(late=0),
        _watches=lambda: [each.watch for each in (promised, watching(), over, gone)],
        _count_open=Tower._count_open,
        _count_promised=Tower._count_promised,
    )
    told = Tower.status(shell)
    assert (told[LEAST_CLOSE], told[PLACES_LEFT], told[PROMISED]) == (124, 3, 250)
