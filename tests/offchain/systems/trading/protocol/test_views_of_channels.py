"""What a view of the chain tells a party, and what of a channel is not locked yet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import AGREEMENT, NEXT, POLICY, TERMS

from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.buyer.money.means import compute_unlocked
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Reducing
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.protocol.views.view import ChannelView, observe

BUYING = Purchase(
    phase=BuyerPhase.BUYING,
    agreement=AGREEMENT,
    policy=POLICY,
    opened_at=Timestamp(START),
    deposit=TERMS.deposit,
    signers=TERMS.signers,
)
VIEW = ChannelView(
    ChannelPhase.OPEN,
    Timestamp(START + 50),
    opened_at=Timestamp(START),
    deposit=TERMS.deposit,
    signers=TERMS.signers,
)


def test_view_that_shows_what_is_known__tells_nothing() -> None:
    assert observe(BUYING, VIEW) == []


def test_view_of_a_channel_that_was_just_opened__tells_when_and_with_what() -> None:
    new = replace(BUYING, phase=BuyerPhase.AGREED, opened_at=Timestamp(0))
    opened, money = observe(new, VIEW)
    assert opened == on.SawOpened(TERMS.deposit, Timestamp(START))
    assert money == on.SawMoney(TERMS.deposit, Tokens(0), 0)


@pytest.mark.parametrize(
    ("until", "agreements", "has_lapsed"), [(49, 0, True), (50, 0, False), (49, 1, False)]
)
def test_word_that_counts_no_more__is_told_to_have_lapsed_unless_its_number_was_taken(
    until: int, agreements: int, has_lapsed: bool
) -> None:
    word = Reducing(0, Tokens(5), Timestamp(START + until))
    seen = observe(replace(BUYING, asking=word), replace(VIEW, agreements=agreements))
    assert (accord.SawLapsed(VIEW.now) in seen) == has_lapsed


def test_signers_and_money__are_told_when_they_changed() -> None:
    later = replace(TERMS.signers, controller=NEXT.address, epoch=1)
    assert observe(BUYING, replace(VIEW, signers=later)) == [on.SawAmended(later)]
    paid = replace(VIEW, paid=Tokens(7))
    assert observe(BUYING, paid) == [on.SawMoney(TERMS.deposit, Tokens(7), 0)]


def test_what_is_not_locked_yet__is_an_opening_or_what_a_top_up_lacks() -> None:
    agreed = replace(BUYING, phase=BuyerPhase.AGREED)
    assert compute_unlocked(agreed) == TERMS.deposit + TERMS.bond
    for wanted, lacking in ((0, 0), (TERMS.deposit, 0), (TERMS.deposit + 9, 9)):
        buying = replace(BUYING, wanted_deposit=Tokens(wanted))
        assert compute_unlocked(buying) == lacking
        assert compute_unlocked(replace(buying, phase=BuyerPhase.STOPPED)) == 0
