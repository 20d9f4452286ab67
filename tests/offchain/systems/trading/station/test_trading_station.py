"""The contracts of this system as its shells use them, on a real chain."""

from __future__ import annotations

import pytest
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, LIMITS, OFFER_LIMITS
from tests.offchain.systems.trading.station.trading_ground import TradingGround, ground

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.party.evm.steady_time import SLACK_S
from edgemark.systems.trading.contract.escrow import TopUp
from edgemark.systems.trading.contract.records import ChannelPhase

__all__ = ["ground"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(4)]


def test_times__are_told_by_the_chain_and_by_this_machine(ground: TradingGround) -> None:
    head = ground["seller"].head()
    assert head.block == ground.now()
    assert abs(head.clock - head.block) < SLACK_S  # nothing has set the chain forward yet


def test_every_contract__answers_what_was_decided_for_it(ground: TradingGround) -> None:
    station = ground["seller"]
    assert station.escrow.limits() == LIMITS == station.decided.limits
    assert station.offers.limits() == OFFER_LIMITS
    assert station.controllers.bonding() == station.decided.bonding
    assert station.towers.watching() == station.decided.watching
    assert not station.escrow.is_stopped()
    assert station.controllers.bond_of(station.address).amount == 0
    assert not station.controllers.is_in_standing(station.address)
    assert station.towers.bond_of(station.address).free == 0
    assert not station.towers.is_watching(station.address)


def test_channel__is_paid_from_and_ends_by_calls_of_both(ground: TradingGround) -> None:
    payer, seller = ground["payer"], ground["seller"]
    terms = ground.terms()
    before = seller.escrow.channel(terms)
    assert (before.phase, before.deposit(BOND)) == (ChannelPhase.NONE, 0)
    ground.open(terms)
    ground.send("payer", payer.escrow.top_up, TopUp(terms, 99))
    ground.send("seller", seller.escrow.checkpoint, ground.voucher(terms, 250))
    paid = seller.escrow.channel(terms)
    assert (paid.phase, paid.paid, paid.deposit(BOND)) == (ChannelPhase.OPEN, 250, DEPOSIT + 99)
    assert (paid.signers, paid.agreements) == (terms.signers, 0)

    free = seller.accounts.free_balance(seller.address)
    ground.send("payer", payer.escrow.close, ground.voucher(terms, 260))
    window = seller.escrow.channel(terms)
    assert (window.phase, window.counted) == (ChannelPhase.CLOSING_BY_PAYER, 260)
    ground.send("outsider", seller.escrow.respond, ground.response(terms, 300))
    assert seller.escrow.channel(terms).counted == 300
    ground.pass_to(window.deadline + 1)
    ground.send("outsider", seller.escrow.settle, terms)
    assert seller.escrow.phases([seller.escrow.id_of(terms)]) == [ChannelPhase.ENDED]
    assert seller.accounts.free_balance(seller.address) == free + 50 + BOND


def test_lists__are_refused_before_they_are_sent_when_no_call_takes_them(
    ground: TradingGround,
) -> None:
    escrow, terms = ground["payer"].escrow, ground.terms()
    for wrong in ([], [terms] * 33):
        with pytest.raises(RefusedInput, match="list of this length"):
            escrow.settle(wrong)
        with pytest.raises(RefusedInput, match="list of this length"):
            ground["payer"].offers.release(wrong)
    with pytest.raises(ContractRefused) as refused:
        ground.send("payer", escrow.settle, terms)
    assert refused.value.error_name == "ChannelNotClosing"
