"""Nobody gains by any end of a channel that somebody honest watches; the page says what else is.

Who can bring about which end is written down in `tools/channel_payoffs.py`.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.channel_payoffs import (
    PEOPLE,
    Coalition,
    Deed,
    Money,
    compute_gain,
    every_coalition,
    find_best,
    list_deeds,
    play,
)
from tools.print_channel_payoffs import MONEY, main

from edgemark.systems.trading.contract.amounts import divide
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.terms import compute_least_bond

COALITIONS = list(every_coalition())
EVERYBODY = frozenset(PEOPLE)


@st.composite
def money(draw: st.DrawFn) -> Money:
    """Any amounts that a channel may have."""
    deposit = draw(st.integers(1, 2**80))
    owed = draw(st.integers(0, deposit))
    bond = draw(st.integers(compute_least_bond(deposit), 2**81))
    return Money(deposit, bond, draw(st.integers(0, owed)), owed)


@given(money=money(), who=st.sampled_from([each for each in COALITIONS if each.is_watched]))
def test_a53_coalition_that_somebody_honest_watches__gains_by_no_end(
    money: Money, who: Coalition
) -> None:
    gain, deed = find_best(who, money)
    assert gain <= 0, f"{who} gains {gain} when {deed.name}"


@given(money=money(), who=st.sampled_from([each for each in COALITIONS if not each.is_watched]))
def test_coalition_that_nobody_watches__gains_what_was_not_brought_at_most(
    money: Money, who: Coalition
) -> None:
    """What the seller keeps below its own limit, the bond where nobody watches for it."""
    gain, _ = find_best(who, money)
    alone = {"payer", "seller"} & who.members == {"payer"}
    assert gain == (money.owed - money.paid if alone else 0)


@given(money=money(), watched=st.booleans())
def test_every_end__divides_what_came_in(money: Money, watched: bool) -> None:
    for deed in list_deeds(Coalition(EVERYBODY, watched), money):
        had = play(deed, money)
        assert sum(had.values()) == money.deposit + money.bond, deed.name
        assert had["stranger"] == 0, deed.name
        assert min(had.values()) >= 0, deed.name


@given(money=money())
def test_payer_that_closes_below_what_it_owes__loses_its_bond_with_a_voucher_or_without(
    money: Money,
) -> None:
    answer = ((money.owed, ("tower", 2)),)
    alone = Coalition(frozenset({"payer"}), is_watched=True)
    for amount in (None, money.paid):
        deed = Deed("", alone.members, "payer", amount, answer)
        expected = -money.bond if money.owed > money.paid else 0
        assert compute_gain(alone, deed, money) == expected


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("phase", [each for each in ChannelPhase if 0 < each < ChannelPhase.ENDED])
def test_divide__gives_away_what_is_held_and_nothing_else(
    phase: ChannelPhase, answered: bool
) -> None:
    for held, due, bond in ((110, 0, 10), (110, 100, 10), (110, 7, 10), (11, 1, 10)):
        division = divide(held, due, bond, phase, is_answered=answered)
        assert division.total == held
        assert min(division.seller, division.payer, division.penalty) >= 0


def test_page__shows_the_tables_as_they_are() -> None:
    assert main(["--check"]) == 0


def test_the_one_gain_that_is_left__is_the_page_s() -> None:
    gains = {str(who): find_best(who, MONEY)[0] for who in COALITIONS if not who.is_watched}
    assert gains["payer"] == MONEY.owed - MONEY.paid
    assert gains["seller, tower, dismissed, stranger"] == 0
