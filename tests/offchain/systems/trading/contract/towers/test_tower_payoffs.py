"""T26, T6, A53: what every coalition gains by every end of a channel that a tower has covered.

Who can bring about which end is written down in `tools/channel_payoffs.py`; here a part of a
tower's bond is set aside for the channel, and the seller has its receipt for all that it is owed.
A tower in a coalition answers nothing, and signs receipts for whatever amount; an honest one
answers always, with what it holds. Buyer and seller together may agree on another key of either or
a smaller deposit before; what else they may do, second by second, `test_tower_coalitions.py` plays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.channel_payoffs import (
    CLOSE_BY,
    PAYER_KEY,
    PEOPLE,
    SELLER_KEY,
    Coalition,
    Money,
    close,
    count,
    every_coalition,
    list_deeds,
    open_channel,
)

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.terms import ChannelRefused, compute_least_bond
from edgemark.systems.trading.contract.towers.liability import compute_due, may_be_due
from edgemark.systems.trading.contract.towers.records import Cover, Receipt, Watching

CLAIMING = Watching(50)
COALITIONS = [each for each in every_coalition() if not each.is_watched]
OTHER_KEY = Address("0x" + "c" * 40)
NOWHERE = 10**30


@st.composite
def money(draw: st.DrawFn) -> Money:
    """Any amounts that a channel may have."""
    deposit = draw(st.integers(1, 2**80))
    owed = draw(st.integers(0, deposit))
    bond = draw(st.integers(compute_least_bond(deposit), 2**81))
    return Money(deposit, bond, draw(st.integers(0, owed)), owed)


def play(members: frozenset[str], money: Money) -> Iterator[tuple[str, Channel, dict[str, int]]]:
    """Every way in which a channel ends, with what everybody has then, its agreements included."""
    honest_tower = "tower" not in members
    for name, channel in agree(members, money):
        returned = money.deposit - channel.deposit
        for deed in list_deeds(Coalition(members, honest_tower), money):
            if deed.closer and deed.needs <= members:
                try:
                    ended = close(channel, deed)
                except ChannelRefused:  # the seller, with what was signed by the former key
                    continue
                yield f"{name}; {deed.name}", ended, add(count(ended, money.paid), returned)
        if honest_tower:
            continue  # it has brought its voucher: nobody lost anything
        for told, second in (("unclosed", CLOSE_BY + 1), ("lapsed", channel.lock_expiry + 1)):
            ended = ends.end_unclosed(channel, second)
            had = count(ended, money.paid)
            if told == "lapsed":  # the anchor returns it
                had["payer"] += channel.locked
            yield f"{name}; {told}", ended, add(had, returned)


def agree(members: frozenset[str], money: Money) -> Iterator[tuple[str, Channel]]:
    """What both parties agree on before, if both are in it."""
    channel = open_channel(money)
    yield "as it was opened", channel
    if {"payer", "seller"} <= members:
        for name in ("payer_key", "seller_key"):
            keys = replace(channel.signers, **{name: OTHER_KEY})
            yield f"another {name}", replace(channel, signers=keys, is_amended=True)
        yield "a smaller deposit", replace(channel, locked=channel.terms.bond)


def add(had: dict[str, int], returned: int) -> dict[str, int]:
    had["payer"] += returned
    return had


def list_receipts(members: frozenset[str], channel: Channel, money: Money) -> Iterator[Receipt]:
    """What the tower has signed: of what it holds, and in a coalition with the seller anything."""
    expiry = channel.lock_expiry
    yield Receipt(channel.id, Tokens(money.owed), PAYER_KEY, SELLER_KEY, expiry)
    if {"tower", "seller"} <= members:
        for keys in (
            (PAYER_KEY, SELLER_KEY),
            (OTHER_KEY, SELLER_KEY),
            (PAYER_KEY, OTHER_KEY),
        ):
            yield Receipt(channel.id, Tokens(NOWHERE), *keys, Timestamp(NOWHERE))


def find_best(members: frozenset[str], money: Money, cover: int) -> tuple[int, str]:
    """(the largest gain of a coalition, how); an honest seller claims what it can."""
    honest = {"payer": money.deposit - money.owed + money.bond, "seller": money.owed}
    best = (-NOWHERE, "")
    for name, ended, had in play(members, money):
        expiry = ended.lock_expiry
        aside = Cover(Tokens(cover), Tokens(0), expiry)
        for receipt in list_receipts(members, ended, money):
            due = compute_due(ended, receipt, aside, CLAIMING, expiry)
            assert 0 <= due <= cover
            gains = {role: had[role] - honest.get(role, 0) for role in PEOPLE}
            gains["seller"] += due
            gains["tower"] -= due
            best = max(best, (sum(gains[role] for role in members), name))
    return best


@given(money=money(), who=st.sampled_from(COALITIONS), part=st.integers(0, 4))
def test_t26_coalition__gains_what_is_owed_beyond_the_cover_at_most(
    money: Money, who: Coalition, part: int
) -> None:
    exposed = money.owed - money.paid
    cover = exposed * part // 3  # nothing, parts, all, more than all
    if not find_possible(who.members):
        return
    gain, how = find_best(who.members, money, cover)
    together = {"tower", "payer"} <= who.members and "seller" not in who.members
    assert gain <= (max(0, exposed - cover) if together else 0), f"{who}: {how}"


def find_possible(members: frozenset[str]) -> bool:
    """Without tower, payer, seller or stranger nobody brings about any end."""
    return bool(members & {"tower", "payer", "seller", "stranger"})


@pytest.mark.parametrize(
    ("members", "cover", "expected"),
    [
        ("payer tower", 40, 0),
        ("payer tower", 25, 15),
        ("payer tower", 0, 40),
        ("seller tower", 40, 0),
        ("payer seller", 40, 0),
        ("payer seller tower", 40, 0),
        ("tower", 40, 0),
    ],
)
def test_t26_what_the_page_says_of_its_channel(members: str, cover: int, expected: int) -> None:
    money = Money(deposit=100, bond=10, paid=20, owed=60)
    gain, how = find_best(frozenset(members.split()), money, cover)
    assert max(gain, 0) == expected, how


@given(money=money(), cover=st.integers(0, 2**80))
def test_cover__is_given_up_only_when_no_receipt_is_due(money: Money, cover: int) -> None:
    everybody = frozenset(PEOPLE)
    for _, ended, _ in play(everybody, money):
        for until in (ended.deadline - 1, ended.deadline, ended.lock_expiry):
            aside = Cover(Tokens(cover), Tokens(0), Timestamp(max(0, until)))
            for second in (aside.until + CLAIMING.claim_seconds + step for step in (0, 1)):
                stands = may_be_due(ended, aside, CLAIMING, second)
                keys = ended.signers.keys
                said = Receipt(ended.id, Tokens(NOWHERE), *keys, Timestamp(NOWHERE))
                assert bool(compute_due(ended, said, aside, CLAIMING, second)) == stands


def test_cover__of_an_open_channel_or_anothers_receipt__pays_nothing() -> None:
    money = Money(deposit=100, bond=10, paid=20, owed=60)
    channel = open_channel(money)
    aside = Cover(Tokens(40), Tokens(0), channel.lock_expiry)
    said = Receipt(channel.id, Tokens(60), *channel.signers.keys, channel.lock_expiry)
    assert channel.phase is ChannelPhase.OPEN
    assert compute_due(channel, said, aside, CLAIMING, 5) == 0
    assert may_be_due(channel, aside, CLAIMING, 5)
    ended = ends.end_unclosed(channel, CLOSE_BY + 1)
    assert compute_due(ended, said, aside, CLAIMING, CLOSE_BY + 2) == 40
    other = replace(said, channel=bytes(32)[:31] + b"\1")
    assert compute_due(ended, other, aside, CLAIMING, CLOSE_BY + 2) == 0
