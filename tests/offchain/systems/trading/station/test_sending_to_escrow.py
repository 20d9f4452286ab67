"""Each effect that a party owes the chain is a call that the escrow takes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, KEYS, LIMITS
from tests.offchain.systems.trading.station.trading_ground import TradingGround, ground

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.buyer.money.sending import call_of_buyer
from edgemark.systems.trading.buyer.purchase import Purchase, Signed
from edgemark.systems.trading.contract.escrow import TopUp
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing
from edgemark.systems.trading.protocol.agreement import (
    NO_TOKENS,
    Agreement,
    Conditions,
    Opening,
)
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.sending import call_of_seller
from edgemark.systems.trading.station.sending import NothingToSend

__all__ = ["ground"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(8)]

CONDITIONS = Conditions(60, NO_TOKENS, NO_TOKENS, 0, 1, 1)


def agreement(ground: TradingGround, terms: Terms) -> Agreement:
    return Agreement(ground["payer"].escrow.id_of(terms), terms, CONDITIONS)


def sale_of(ground: TradingGround, terms: Terms, amount: int = 0, **parts: Any) -> Sale:
    return Sale(agreement=agreement(ground, terms), voucher=signed(ground, terms, amount), **parts)


def purchase_of(ground: TradingGround, terms: Terms, amount: int = 0, **parts: Any) -> Purchase:
    voucher = signed(ground, terms, amount)
    known = Signed(1, Tokens(amount)) if amount else Signed()
    return Purchase(agreement=agreement(ground, terms), voucher=voucher, signed=known, **parts)


def signed(ground: TradingGround, terms: Terms, amount: int) -> Countersigned | None:
    if not amount:
        return None
    both = ground.voucher(terms, amount)
    return Countersigned(both.voucher, both.seller_signature, both.payer_signature)


def sell(ground: TradingGround, sale: Sale, effect: Any) -> None:
    ground["seller"].lane.send(call_of_seller(ground["seller"].escrow, sale, effect))


def buy(ground: TradingGround, purchase: Purchase, effect: Any) -> None:
    ground["payer"].lane.send(call_of_buyer(ground["payer"].escrow, purchase, effect))


def phase(ground: TradingGround, terms: Terms) -> ChannelPhase:
    return ground["seller"].escrow.channel(terms).phase


def test_opening_and_top_up__are_the_payers_calls(ground: TradingGround) -> None:
    terms = ground.terms()
    brought = ground.opening(terms)
    word = Opening(brought.valid_until, brought.seller_signature)
    purchase = purchase_of(ground, terms, opening=word)
    buy(ground, purchase, do.SubmitOpening())
    buy(ground, purchase, do.SubmitTopUp(Tokens(DEPOSIT + 40)))
    buy(ground, purchase, do.SubmitTopUp(Tokens(DEPOSIT + 60)))
    escrow = ground["payer"].escrow
    assert escrow.channel(terms).deposit(BOND) == DEPOSIT + 60
    with pytest.raises(UnderWay, match="is deposited"):
        call_of_buyer(escrow, purchase, do.SubmitTopUp(Tokens(DEPOSIT + 60)))


def test_top_up_that_is_drafted_again_from_the_same_deposit__is_made_once(
    ground: TradingGround,
) -> None:
    terms = ground.open()
    purchase, payer = purchase_of(ground, terms), ground["payer"]
    drafts = [
        call_of_buyer(payer.escrow, purchase, do.SubmitTopUp(Tokens(DEPOSIT + more)))
        for more in (40, 70)  # the second before the first is mined
    ]
    for draft in drafts:
        payer.lane.send(draft)
    assert payer.escrow.channel(terms).deposit(BOND) == DEPOSIT + 40
    buy(ground, purchase, do.SubmitTopUp(Tokens(DEPOSIT + 70)))
    assert payer.escrow.channel(terms).deposit(BOND) == DEPOSIT + 70
    ground.send("payer", payer.escrow.reduce, ground.reduction(terms, 0, 70))
    buy(ground, purchase, do.SubmitTopUp(Tokens(DEPOSIT + 40)))  # as the first, but an agreement on
    assert payer.escrow.channel(terms).deposit(BOND) == DEPOSIT + 40
    ground.send("payer", payer.escrow.top_up, TopUp(terms, Tokens(1)))


def test_checkpoint_and_claim__bring_the_newest_voucher_of_the_seller(
    ground: TradingGround,
) -> None:
    terms = ground.open()
    escrow = ground["seller"].escrow
    sell(ground, sale_of(ground, terms, 200), do.SubmitCheckpoint(Tokens(200)))
    assert (phase(ground, terms), escrow.channel(terms).paid) == (ChannelPhase.OPEN, 200)
    sell(ground, sale_of(ground, terms, 320), do.SubmitClaim(Tokens(320)))
    assert (phase(ground, terms), escrow.channel(terms).paid) == (ChannelPhase.ENDED, 320)


@pytest.mark.parametrize("amount", [0, 100])
def test_close_of_the_buyer__is_answered_by_the_seller_and_settled_by_either(
    ground: TradingGround, amount: int
) -> None:
    terms, escrow = ground.open(), ground["seller"].escrow
    buy(ground, purchase_of(ground, terms, amount), do.SubmitClose(Tokens(amount)))
    window = escrow.channel(terms)
    assert (window.phase, window.counted) == (ChannelPhase.CLOSING_BY_PAYER, amount)
    sell(ground, sale_of(ground, terms, 300), do.SubmitResponse(Tokens(300)))
    assert escrow.channel(terms).counted == 300
    ground.pass_to(window.deadline + 1)
    if amount:
        buy(ground, purchase_of(ground, terms), do.SubmitSettle())
    else:
        sell(ground, sale_of(ground, terms), do.SubmitSettle())
    assert phase(ground, terms) is ChannelPhase.ENDED


@pytest.mark.parametrize("is_seller", [True, False])
def test_end_that_the_other_signed__is_brought_by_either(
    ground: TradingGround, is_seller: bool
) -> None:
    terms = ground.open()
    both = ground.closing(terms, 260)
    others = both.payer_signature if is_seller else both.seller_signature
    back = Closing(both.amount, both.valid_until, others)
    if is_seller:
        sell(ground, sale_of(ground, terms, closing_back=back), do.SubmitCloseTogether())
    else:
        buy(ground, purchase_of(ground, terms, closing_back=back), do.SubmitCloseTogether())
    assert ground["seller"].escrow.channel(terms).paid == 260


@pytest.mark.parametrize("is_seller", [True, False])
def test_next_controller_that_the_other_signed_for__is_brought_by_either(
    ground: TradingGround, is_seller: bool
) -> None:
    terms = ground.open()
    signers = replace(terms.signers, controller=Address(terms.payer), epoch=1)
    both = ground.amendment(terms, 0, 100, signers)
    others = both.payer_signature if is_seller else both.seller_signature
    offered = Amending(0, Tokens(100), signers, both.valid_until, others)
    if is_seller:
        sell(ground, sale_of(ground, terms, offered=offered), do.SubmitAmending())
    else:
        buy(ground, purchase_of(ground, terms, offered=offered), do.SubmitAmending())
    assert ground["seller"].escrow.channel(terms).signers == signers


def test_deposit_that_the_seller_signed_away__is_brought_by_the_buyer(
    ground: TradingGround,
) -> None:
    terms, escrow = ground.open(), ground["payer"].escrow
    both = ground.reduction(terms, 0, 300)
    word = Reducing(0, Tokens(300), both.valid_until, both.seller_signature)
    buy(ground, purchase_of(ground, terms, reducing=word), do.SubmitReduce())
    kept = escrow.channel(terms)
    assert (kept.deposit(BOND), kept.agreements) == (DEPOSIT - 300, 1)
    assert kept.locked == DEPOSIT - 300 + BOND
    with pytest.raises(ContractRefused, match="AgreementNumberWrong"):
        buy(ground, purchase_of(ground, terms, reducing=word), do.SubmitReduce())
    with pytest.raises(NothingToSend):
        call_of_buyer(escrow, purchase_of(ground, terms), do.SubmitReduce())


def test_t23_after_another_key__the_old_one_signs_nothing_that_the_escrow_takes(
    ground: TradingGround,
) -> None:
    terms, escrow = ground.open(), ground["seller"].escrow
    signers = replace(terms.signers, payer_key=KEYS["payer's next key"].address)
    consent = ground.amendment(terms, 0, 100, signers)
    word = Amending(0, Tokens(100), signers, consent.valid_until, consent.seller_signature)
    buy(ground, purchase_of(ground, terms, offered=word), do.SubmitAmending())
    assert (escrow.channel(terms).signers, escrow.channel(terms).paid) == (signers, 100)
    for effect in (do.SubmitCheckpoint(Tokens(200)), do.SubmitClaim(Tokens(200))):
        with pytest.raises(ContractRefused, match="NotSigned"):
            sell(ground, sale_of(ground, terms, 200), effect)
    voucher = ground.voucher(terms, 200).voucher
    signature = KEYS["payer's next key"].sign(escrow.domain.voucher(escrow.id_of(terms), voucher))
    sale = sale_of(ground, terms)
    sale = replace(sale, voucher=Countersigned(voucher, b"", signature))
    sell(ground, sale, do.SubmitClaim(Tokens(200)))
    assert (phase(ground, terms), escrow.channel(terms).paid) == (ChannelPhase.ENDED, 200)


def test_what_nobody_closed__is_ended_by_either_and_what_is_not_there_not_sent(
    ground: TradingGround,
) -> None:
    terms = ground.open()
    escrow = ground["seller"].escrow
    for effect in (do.SubmitCheckpoint(Tokens(1)), do.SubmitCloseTogether(), do.SubmitAmending()):
        with pytest.raises(NothingToSend):
            call_of_seller(escrow, sale_of(ground, terms), effect)
    ground.pass_to(Timestamp(terms.lock_expiry(LIMITS.exit_grace) + 1))
    buy(ground, purchase_of(ground, terms), do.SubmitEndUnclosed())
    assert phase(ground, terms) is ChannelPhase.ENDED
