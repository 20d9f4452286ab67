"""T24, T26: towers asked, dismissed and claimed on by hand, in a home whose seller does not run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.parties_cast import CONDITIONS, POLICY
from tests.offchain.systems.trading.tower.tower_house import (
    COVER,
    RETAINER,
    TowerHouse,
    house,
)

from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.journal.journal import Journal
from edgemark.loop.replay import encode_record
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Agreement
from edgemark.systems.trading.protocol.life import PartyMachine, SellerPhase
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.watching import by_hand
from edgemark.systems.trading.seller.watching.by_hand import NothingOwed, TowerRefused
from edgemark.systems.trading.seller.watching.watching import NotWatched

__all__ = ["house"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(14)]

OWED = 600


def sell(house: TowerHouse, amount: int = OWED) -> tuple[ChannelId, Terms]:
    """A channel that the seller's journal knows, with what its buyer signed."""
    seller, terms = house.ground["seller"], house.ground.open()
    channel, both = seller.escrow.id_of(terms), house.ground.voucher(terms, amount)
    voucher = Countersigned(both.voucher, both.seller_signature, both.payer_signature)
    sale = Sale(
        agreement=Agreement(channel, terms, CONDITIONS),
        policy=POLICY,
        opened_at=Timestamp(1),
        deposit=terms.deposit,
    )
    told = replace(sale, phase=SellerPhase.SERVING, voucher=voucher)
    with Journal.open(seller.home / "seller.journal") as journal:
        journal.append(encode_record(PartyMachine(Sale), channel, told))
    return channel, terms


def test_t24_tower__is_asked_dismissed_and_claimed_on_by_hand(house: TowerHouse) -> None:
    seller, settings = house.ground["seller"], house.settings("tower")
    tower = house.admit(settings)
    channel, terms = sell(house)
    had = seller.accounts.free_balance(seller.address)
    assert by_hand.find_guard(seller.home, channel) is None
    with house.running(settings):
        rehearsed = seller.with_lane(seller.rehearsed_lane())
        assert not by_hand.watch(rehearsed, channel, tower)["watches"]
        assert seller.accounts.free_balance(seller.address) == had, "a rehearsal moves nothing"
        told = by_hand.watch(seller, channel, tower)
    assert (told["watches"], told["tower"], told["number"]) == (True, tower, 1)
    assert seller.accounts.free_balance(seller.address) == had - RETAINER
    guard = by_hand.find_guard(seller.home, channel)
    assert guard is not None
    assert (guard.cover, guard.receipts[0].signed.receipt.amount) == (COVER, OWED)
    with pytest.raises(NothingOwed):
        by_hand.claim_covers(seller, channel)
    told = by_hand.dismiss(seller, channel)
    assert (told["watches"], told["why_not"], told["tower"]) == (False, "dismissed", None)
    with pytest.raises(NotWatched):
        by_hand.dismiss(seller, channel)
    house.ground.send("payer", house.ground["payer"].escrow.close_bare, terms)
    house.ground.pass_to(seller.escrow.channel(terms).deadline + 1)
    house.ground.send("outsider", seller.escrow.settle, terms)
    assert by_hand.claim_covers(seller, channel) == OWED
    assert seller.accounts.free_balance(seller.address) == had - RETAINER + OWED
    with pytest.raises(NothingOwed):
        by_hand.claim_covers(seller, channel)


def test_t24_tower_that_does_not_suit__costs_nothing_and_is_named(house: TowerHouse) -> None:
    seller, settings = house.ground["seller"], house.settings("dear")
    dear = house.admit(settings, retainer=Tokens(10**20))
    channel, _ = sell(house)
    rehearsed = seller.with_lane(seller.rehearsed_lane())
    with pytest.raises(TowerRefused, match="retainer is too high"):
        by_hand.watch(rehearsed, channel, dear)
    with pytest.raises(TowerRefused, match="takes no channels") as refused:
        by_hand.watch(rehearsed, channel, seller.address)
    assert exit_of(refused.value) is Exit.REFUSED_INPUT
    assert seller.address in str(refused.value)
    told = by_hand.watch(seller, channel, dear)
    assert (told["watches"], told["why_not"]) == (False, "too_dear")
    with pytest.raises(RefusedInput, match="not known here"):
        by_hand.watch(seller, ChannelId(bytes(32)), dear)
    assert KeyStore.of(settings).account.address == dear
