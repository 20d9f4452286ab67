"""The life of a channel, read from a chain on which it was played."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.station.trading_ground import TradingGround, ground

from edgemark.chronicle.marks import Credit
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import NO_TIME, Tokens
from edgemark.systems.trading.contract.escrow import TopUp
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase, Delegation
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.story.reading import ChannelUnknown, Chronicle
from edgemark.systems.trading.story.story import ChannelStory, check_amounts, find_next_steps
from edgemark.systems.trading.story.telling import as_facts, tell

__all__ = ["ground"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(5)]


def read(ground: TradingGround, terms: Terms) -> ChannelStory:
    escrow = ground["payer"].escrow
    return Chronicle(ground.chain, ground.deployment).read(escrow.id_of(terms))


def text_of(story: ChannelStory) -> str:
    return tell(story, lambda second: f"second {second}")


def acts(story: ChannelStory) -> set[str]:
    return {step.act for step in find_next_steps(story) if step.is_open(story.now)}


def assert_agrees(story: ChannelStory, sums: int) -> None:
    checks = check_amounts(story)
    assert len(checks) == sums
    assert all(check.agrees for check in checks), checks


def test_an_open_channel__tells_its_money_and_what_may_be_done(ground: TradingGround) -> None:
    terms = ground.open()
    escrow = ground["payer"].escrow
    ground.send("payer", escrow.top_up, TopUp(terms, Tokens(7)))
    ground.send("seller", escrow.checkpoint, ground.voucher(terms, 30))
    story = read(ground, terms)
    assert (story.phase, story.deposit, story.paid) == (ChannelPhase.OPEN, terms.deposit + 7, 30)
    assert_agrees(story, 1)
    assert {"topUp", "checkpoint", "close", "closeBare"} <= acts(story)
    assert not {"endUnclosed", "settle", "expire"} & acts(story)
    text = text_of(story)
    assert "the seller was paid up to" in text
    assert "by voucher 1" in text
    assert as_facts(story)["phase"] == "open"


@pytest.mark.parametrize("paid", [0, 30])
def test_deposit_that_went_back__is_no_difference(ground: TradingGround, paid: int) -> None:
    terms = ground.open()
    escrow = ground["payer"].escrow
    ground.send("payer", escrow.reduce, ground.reduction(terms, 0, 9))
    if paid:
        ground.send("seller", escrow.checkpoint, ground.voucher(terms, paid))
    story = read(ground, terms)
    assert (story.deposit, story.reduced, story.paid) == (terms.deposit - 9, 9, paid)
    assert_agrees(story, 1)
    beside = replace(story, credits=(*story.credits, Credit(0, ground.address("payer"), 1)))
    assert not all(check.agrees for check in check_amounts(beside))


def test_a_claim__ends_it_at_once(ground: TradingGround) -> None:
    terms = ground.open()
    escrow = ground["payer"].escrow
    ground.send("seller", escrow.checkpoint, ground.voucher(terms, 30))
    ground.send("seller", escrow.close, ground.voucher(terms, 50, 2))
    story = read(ground, terms)
    assert story.ended is not None
    assert (story.ended.end.ending, story.ended.end.amount) == (ChannelEnding.CLAIMED, 50)
    assert_agrees(story, 2)
    assert find_next_steps(story) == ()
    assert "nothing is left to be done" in text_of(story)


def test_both__may_end_it_together(ground: TradingGround) -> None:
    terms = ground.open()
    ground.send("outsider", ground["payer"].escrow.close_together, ground.closing(terms, 41))
    story = read(ground, terms)
    assert story.ended is not None
    assert story.ended.end.ending is ChannelEnding.TOGETHER
    assert_agrees(story, 1)


@pytest.mark.parametrize("paid", [0, 30])
@pytest.mark.parametrize("closer", ["payer", "seller"])
def test_an_answered_window__costs_its_closer_what_the_table_says(
    ground: TradingGround, closer: str, paid: int
) -> None:
    terms = ground.open()
    escrow = ground["payer"].escrow
    if paid:
        ground.send("seller", escrow.checkpoint, ground.voucher(terms, paid))
    ground.send(closer, escrow.close_bare, terms)
    before = read(ground, terms)
    assert before.phase.is_closing
    assert acts(before) == {"respond"}
    ground.send("outsider", escrow.respond, ground.response(terms, 60))
    window = before.window
    assert window is not None
    ground.pass_to(window.deadline + 1)
    assert acts(read(ground, terms)) == {"settle"}
    ground.send("outsider", escrow.settle, terms)
    story = read(ground, terms)
    assert story.ended is not None
    assert story.is_answered
    assert story.ended.end.division.penalty > 0
    assert_agrees(story, 1 + bool(paid))
    assert "outsider" not in text_of(story)


def test_a_delegation_that_was_shown__has_the_penalty(ground: TradingGround) -> None:
    terms = ground.open()
    escrow = ground["payer"].escrow
    channel, tower = escrow.id_of(terms), ground.address("outsider")
    ground.send("payer", escrow.close_bare, terms)
    said = escrow.domain.delegation(channel, tower, 1)
    delegation = Delegation(tower, 1, terms.seller_key)
    response = replace(
        ground.response(terms, 60),
        tower=delegation.tower,
        number=delegation.number,
        delegation_signature=ground.key("seller").sign(said),
    )
    ground.send("outsider", escrow.respond, response)
    window = read(ground, terms).window
    assert window is not None
    ground.pass_to(window.deadline + 1)
    ground.send("outsider", escrow.settle, terms)
    story = read(ground, terms)
    assert story.ended is not None
    assert story.ended.end.penalty_to == tower
    assert_agrees(story, 1)
    assert f"for the tower {tower}" in text_of(story)


def test_what_nobody_closes__ends_at_what_is_paid(ground: TradingGround) -> None:
    terms = ground.open()
    ground.pass_to(terms.close_by + 1)
    assert acts(read(ground, terms)) == {"checkpoint", "endUnclosed"}
    ground.send("outsider", ground["payer"].escrow.end_unclosed, terms)
    story = read(ground, terms)
    assert story.ended is not None
    assert story.ended.end.ending is ChannelEnding.UNCLOSED
    assert_agrees(story, 1)


def test_what_nobody_ends__the_anchor_returns(ground: TradingGround) -> None:
    terms = ground.open()
    station = ground["outsider"]
    ground.pass_to(max(pot.expires_at for pot in read(ground, terms).pots) + 1)
    assert acts(read(ground, terms)) == {"expire"}
    lock = (station.escrow.address, station.escrow.id_of(terms), 0)
    station.lane.send(station.accounts.expire(*lock))
    story = read(ground, terms)
    assert story.is_returned
    assert find_next_steps(story) == ()
    assert "the anchor returned what was left" in text_of(story)


def test_a_stranger__may_close_what_expired(ground: TradingGround) -> None:
    terms = ground.open()
    ground.pass_to(terms.expires_at + 1)
    ground.send("outsider", ground["payer"].escrow.close_bare, terms)
    story = read(ground, terms)
    assert story.window is not None
    assert "a stranger closed at 0" in text_of(story)
    ground.pass_to(story.window.deadline + 1)
    ground.send("outsider", ground["payer"].escrow.settle, terms)
    assert_agrees(read(ground, terms), 1)


def test_a_payment_beside_the_table__is_told(ground: TradingGround) -> None:
    terms = ground.open()
    ground.send("seller", ground["payer"].escrow.close, ground.voucher(terms, 50))
    story = read(ground, terms)
    more = Credit(0, ground.address("outsider"), 1)
    wrong = replace(story, last=(*story.last, more))
    assert not all(check.agrees for check in check_amounts(wrong))
    assert "amounts DIFFER at ended claimed" in text_of(wrong)
    early = replace(story, credits=(more,))  # though no event tells of a payment before the end
    assert not all(check.agrees for check in check_amounts(early))


def test_a_channel_that_nobody_opened__is_unknown(ground: TradingGround) -> None:
    with pytest.raises(ChannelUnknown, match="no such channel"):
        Chronicle(ground.chain, ground.deployment).read(ChannelId(keccak256(b"nobody")))


def test_channels__are_listed_by_party(ground: TradingGround) -> None:
    terms = ground.open()
    channel = ground["payer"].escrow.id_of(terms)
    chronicle = Chronicle(ground.chain, ground.deployment)
    assert channel in chronicle.list_channels()
    assert channel in chronicle.list_channels(terms.seller)
    assert chronicle.list_channels(ground.address("outsider")) == ()
    assert chronicle.read(channel).now > NO_TIME
