"""T24, T25, A53: what a tower owes at each second of a channel, and what it owes nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import KEYS, PEOPLE, START, open_one, signer
from tests.offchain.systems.trading.tower.tower_cast import (
    CLAIM_S,
    MARGIN,
    RIVAL,
    TOWER,
    Keeper,
    open_and_watch,
)

from edgemark.identifiers import Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelPhase, Delegation, Said, Signers
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.watch import TowerPhase

AT = START + 10
OWED = Tokens(600)
RESPOND = (do.SubmitResponse(OWED),)


def close(keeper: Keeper, role: str = "payer", amount: int | None = None, at: int = AT) -> None:
    """Somebody closes, and the tower sees it."""
    channel, who = keeper.channel, PEOPLE[role]
    if amount is None:
        keeper.channel = ends.close_bare(channel, at, who)
    else:
        keeper.channel = ends.close(channel, amount, at, Said(who))
    keeper.see()


def respond(keeper: Keeper, amount: int, tower: str = "", number: int = 0) -> None:
    """Anybody shows an amount, with a delegation of the seller or none."""
    delegation = Delegation(PEOPLE[tower], number, signer("seller's key")) if tower else None
    shown = ends.respond(keeper.channel, amount, AT + 1, signer("payer's key"), delegation)
    keeper.channel = shown
    keeper.see()


def settle(channel: Channel) -> Channel:
    return ends.settle(channel, channel.deadline + 1)


def test_tower__makes_its_cover_before_anything_binds_it() -> None:
    keeper = Keeper(open_one())
    keeper.promise(OWED)
    assert (keeper.watch.phase, keeper.owed) == (TowerPhase.COVERING, (on.SubmitCover(),))
    with pytest.raises(IllegalMove):
        keeper.hand(OWED)  # a receipt without a cover
    keeper.cover_now()
    assert (keeper.watch.phase, keeper.owed) == (TowerPhase.WATCHING, ())


@pytest.mark.parametrize("amount", [None, 0, 599])
def test_payer_that_closes_below__is_answered(amount: int | None) -> None:
    keeper = open_and_watch()
    close(keeper, "payer", amount)
    assert keeper.owed == RESPOND
    respond(keeper, OWED, "tower", 1)
    assert keeper.owed == ()
    keeper.reach(keeper.channel.deadline)
    assert keeper.owed == ()
    keeper.reach(keeper.channel.deadline + 1)
    assert keeper.owed == (do.SubmitSettle(),)
    keeper.channel = settle(keeper.channel)
    assert keeper.channel.end is not None
    assert keeper.channel.end.penalty_to == TOWER.address


def test_payer_that_closes_at_what_it_owes__is_settled_and_not_answered() -> None:
    keeper = open_and_watch()
    close(keeper, "payer", OWED)
    assert keeper.owed == ()
    keeper.reach(keeper.channel.deadline + 1)
    assert keeper.owed == (do.SubmitSettle(),)


def test_stranger_that_closes_after_expiry__is_answered() -> None:
    keeper = open_and_watch()
    close(keeper, "outsider", at=keeper.channel.terms.expires_at + 1)
    assert keeper.owed == RESPOND


def test_window_of_the_seller__is_none_of_the_towers() -> None:
    keeper = open_and_watch()
    close(keeper, "seller")
    assert keeper.owed == ()
    keeper.reach(keeper.channel.deadline + 1)
    assert keeper.owed == ()


def test_seller_that_responds_itself__leaves_the_bond_to_its_tower() -> None:
    keeper = open_and_watch()
    close(keeper)
    respond(keeper, OWED)
    assert keeper.owed == RESPOND  # the same amount, and the delegation
    respond(keeper, OWED, "tower", 1)
    assert keeper.owed == ()


def test_copied_response__gains_its_sender_nothing_and_needs_no_other() -> None:
    keeper = open_and_watch()
    close(keeper)
    respond(keeper, OWED, "tower", 1)  # whoever sent it: the delegation names the tower
    assert keeper.owed == ()


def test_dismissed_tower__leaves_its_successor_what_it_showed() -> None:
    keeper = open_and_watch()
    close(keeper)
    respond(keeper, OWED, "rival", 2)
    assert keeper.owed == ()


def test_response_of_a_dismissed_tower__loses_to_the_newer_delegation() -> None:
    keeper = open_and_watch()
    keeper.hand(OWED, number=3)
    close(keeper)
    respond(keeper, OWED, "rival", 2)
    assert keeper.owed == RESPOND
    respond(keeper, OWED, "tower", 3)
    settled = settle(keeper.channel)
    assert settled.end is not None
    assert settled.end.penalty_to == TOWER.address != RIVAL.address


def test_tower_without_a_receipt__answers_for_the_bond_alone() -> None:
    keeper = open_and_watch(receipt=False)
    close(keeper)
    assert keeper.owed == RESPOND
    stranger = open_and_watch(receipt=False)
    close(stranger, "outsider", at=stranger.channel.terms.expires_at + 1)
    assert stranger.owed == ()


@pytest.mark.parametrize(
    ("tower", "number", "settles"), [("tower", 1, True), ("rival", 2, False), ("", 0, False)]
)
def test_tower_without_a_receipt__settles_where_the_bond_is_its_own(
    tower: str, number: int, settles: bool
) -> None:
    """A lock that nobody settles returns all to the payer, the bond as well."""
    keeper = open_and_watch(receipt=False)
    close(keeper)
    respond(keeper, OWED, tower, number)
    keeper.reach(keeper.channel.deadline + 1)
    assert keeper.owed == ((do.SubmitSettle(),) if settles else ())


@pytest.mark.parametrize(("before", "owes"), [(-1, False), (0, False), (1, True)])
def test_margin_before_close_by__brings_the_voucher(before: int, owes: bool) -> None:
    keeper = open_and_watch()
    keeper.reach(keeper.channel.terms.close_by - MARGIN + before)
    assert keeper.owed == ((do.SubmitCheckpoint(OWED),) if owes else ())


@pytest.mark.parametrize(("after", "owes"), [(-1, False), (0, False), (1, True)])
def test_close_by__ends_what_is_paid_up_and_nobody_closed(after: int, owes: bool) -> None:
    keeper = open_and_watch()
    both = Said(PEOPLE["tower"], signer("payer's key"), signer("seller's key"))
    keeper.channel = moves.checkpoint(keeper.channel, OWED, AT, both)
    keeper.see()
    keeper.reach(keeper.channel.terms.close_by + after)
    assert keeper.owed == ((do.SubmitEndUnclosed(),) if owes else ())


def test_checkpoint_after_close_by__comes_before_the_end() -> None:
    keeper = open_and_watch()
    keeper.reach(keeper.channel.terms.close_by + 1)
    assert keeper.owed == (do.SubmitCheckpoint(OWED),)


def test_lock_that_expired__ends_all_that_could_be_brought() -> None:
    keeper = open_and_watch()
    keeper.reach(keeper.watch.known.lock_expiry + 1)
    assert keeper.owed == ()


def test_amended_key__makes_what_is_held_worth_nothing_until_a_new_state() -> None:
    keeper = open_and_watch()
    had = keeper.channel.signers
    signers = Signers(signer("payer's next key"), had.seller_key, had.controller, had.epoch)
    keeper.channel = replace(keeper.channel, signers=signers, is_amended=True)
    keeper.see()
    close(keeper)
    assert keeper.owed == ()
    assert KEYS["payer's next key"].address == signers.payer_key


def test_amount_and_number__never_fall() -> None:
    keeper = open_and_watch()
    keeper.hand(Tokens(700), number=4)
    for amount, number in ((699, 4), (700, 3), (800, 3)):
        with pytest.raises(IllegalMove):
            keeper.hand(Tokens(amount), number)


def test_receipt_that_was_given__is_not_forgotten_for_a_state_without() -> None:
    keeper = open_and_watch()
    with pytest.raises(IllegalMove):
        keeper.step(on.HeardState(replace(keeper.watch.newest, receipt=b"")))


def test_more_after_the_margin__has_no_receipt() -> None:
    keeper = open_and_watch()
    keeper.reach(keeper.channel.terms.close_by - MARGIN + 1)
    with pytest.raises(IllegalMove):
        keeper.hand(Tokens(700))
    keeper.hand(OWED, number=2)  # the same amount


@pytest.mark.parametrize("is_whole", [True, False])
def test_cover__is_asked_back_when_it_can_pay_nothing(is_whole: bool) -> None:
    keeper = open_and_watch()
    close(keeper, "payer", OWED)
    keeper.channel = settle(keeper.channel)
    if is_whole:  # nothing went back to the payer
        keeper.channel = replace(keeper.channel, locked=0)
    keeper.see()
    assert (keeper.watch.phase, keeper.watch.is_finished) == (TowerPhase.ENDED, False)
    assert keeper.owed == ((on.SubmitUncover(),) if is_whole else ())
    keeper.reach(keeper.watch.known.lock_expiry + CLAIM_S + 1)
    assert keeper.owed == (on.SubmitUncover(),)
    keeper.cover = replace(keeper.cover, amount=Tokens(0))
    keeper.see()
    assert (keeper.watch.phase, keeper.watch.is_finished) == (TowerPhase.RELEASED, True)


def test_channel_that_ended_before_its_cover__is_over_at_once() -> None:
    keeper = Keeper(open_one())
    keeper.promise(OWED)
    close(keeper, "payer", OWED)
    keeper.channel = settle(keeper.channel)
    keeper.see()
    assert keeper.watch.is_finished
    assert keeper.channel.phase is ChannelPhase.ENDED
