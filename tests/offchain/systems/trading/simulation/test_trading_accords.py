"""What both sign beside vouchers, as it crosses vouchers and each other: nobody loses (T23)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import BOND, KEYS
from tests.offchain.systems.trading.parties_cast import (
    BY_TIME,
    METERED,
    NEXT,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    TERMS,
    letter_of,
    sign_voucher,
)
from tests.offchain.systems.trading.simulation.trading_parties import Seller
from tests.offchain.systems.trading.simulation.trading_world import World

from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.buyer.checking import NotReduced, draft_reducing
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelEnding, Signers
from edgemark.systems.trading.contract.terms import ChannelRefused
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.agreement import Pricing, Reason
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import Countersigned, Stop
from edgemark.systems.trading.seller.sale import Sale

NEXT_KEYS = {"buyer": KEYS["payer's next key"], "seller": KEYS["seller's next key"]}
PARTIES = pytest.mark.parametrize("who", ["buyer", "seller"])


def work(world: World, rounds: int, units: int = 4, pause: int = 6) -> World:
    for _ in range(rounds):
        if units and len(world.buyer.state.requests) < 3:
            world.order(units)
        world.act()
        world.check()
        world.pass_time(pause)
    return world


def traded(pricing: Pricing = METERED, rounds: int = 12, **parties: Any) -> World:
    worlds: type[World] = type("Traded", (World,), parties)
    return work(worlds(pricing), rounds)


def hold(actor: Any, *kinds: type) -> Callable[[], None]:
    """Let a party carry out nothing of these kinds; what is answered lets it."""
    perform = actor.perform

    def reluctant(effect: Any, *, dies: bool = False) -> None:
        if not isinstance(effect, kinds):
            perform(effect, dies=dies)

    actor.perform = reluctant
    return lambda: delattr(actor, "perform")


def reduce_to(world: World, deposit: int) -> None:
    assert world.buyer.tell(draft_reducing(world.buyer.state, deposit, world.chain.head))


def rekey(world: World, who: str) -> None:
    assert getattr(world, who).tell(accord.AskedKey(NEXT_KEYS[who].address))


def on_chain(world: World) -> Channel:
    channel = world.chain.channel
    assert channel is not None
    return channel


def end(world: World) -> Channel:
    world.buyer.tell(on.AskedStop(Timestamp(world.chain.block)))
    world.finish()
    world.check_end()
    return on_chain(world)


# --- deposit that goes back --------------------------------------------------------------------


def test_t23_unused_deposit__goes_back_with_both_signatures_and_the_channel_goes_on() -> None:
    world = traded()
    signed = world.buyer.state.signed.amount
    reduce_to(world, 600)
    work(world, 12)
    after = on_chain(world)
    assert (after.deposit, after.agreements) == (600, 1)
    assert after.locked + after.paid == 600 + BOND
    for state in (world.seller.state, world.buyer.state):
        assert (state.deposit, state.agreements, state.reducing) == (600, 1, None)
    assert world.buyer.state.signed.amount > signed, "and the channel goes on"
    assert world.buyer.state.asking is None
    assert end(world).end is not None


def test_t23_deposit_that_the_seller_counts_on__stays_and_the_asking_lapses() -> None:
    world = traded(rounds=6)
    work(world, 1, units=9, pause=0)
    reduce_to(world, max(1, world.buyer.state.signed.amount))
    work(world, 4)
    assert world.buyer.state.asking is not None
    assert world.seller.state.reducing is None
    work(world, 10)
    assert world.buyer.state.asking is None, "it lapsed"
    assert on_chain(world).deposit == TERMS.deposit
    reduce_to(world, 700)
    work(world, 4)
    assert on_chain(world).deposit == 700


@pytest.mark.parametrize(("pricing", "left"), [(METERED, 100), (BY_TIME, 40)])
def test_t23_while_deposit_may_go_back__it_covers_nothing(pricing: Pricing, left: int) -> None:
    world = traded(pricing, rounds=4)
    reduce_to(world, left)
    go_on = hold(world.buyer, do.SubmitReduce)  # and the buyer would have more for its deposit
    work(world, 1, units=0)  # by time none is given back while work is in hand
    for _ in range(POLICY.patience_s // 6 - 1):
        work(world, 1, units=9)
        assert (world.seller.state.covered, world.seller.state.deposit) == (left, TERMS.deposit)
        assert world.seller.state.claimed <= left
    assert world.buyer.state.signed.amount >= left - 10
    go_on()
    work(world, 1, units=0)
    assert on_chain(world).deposit == left
    end(world)


def test_t23_what_lapsed__covers_again_and_only_once_a_block_is_final_without_it() -> None:
    world = traded(rounds=4)
    reduce_to(world, 150)
    hold(world.buyer, do.SubmitReduce)
    work(world, 2, units=0)
    word = world.seller.state.reducing
    assert word is not None and word.signature
    world.chain.is_away = True  # what the chain has by then nobody knows
    work(world, 20, units=0, pause=10)
    assert world.seller.state.covered == 150
    world.come_back()
    work(world, 1)
    assert world.seller.state.reducing is None
    assert world.seller.state.covered == TERMS.deposit


def test_t23_a_bill_that_is_right_by_either_deposit__is_signed_whichever_is_known() -> None:
    """By the deposit that may go back on one side, and by that which is there on the other."""
    world = traded(BY_TIME, rounds=4)
    reduce_to(world, world.seller.state.claimed + 25)
    hold(world.buyer, do.SubmitReduce)
    work(world, 25, units=0)
    assert world.seller.state.claimed > 0
    assert world.buyer.state.why is Reason.NONE
    assert world.buyer.state.signed.amount == world.seller.state.signed


def test_t23_a_reduction_that_crosses_another_agreement__is_asked_again() -> None:
    world = traded()
    reduce_to(world, 600)
    go_on = hold(world.buyer, do.SubmitReduce)
    work(world, 2)
    assert world.buyer.state.reducing is not None
    world.seller.tell(accord.AskedController(NEXT.address, Timestamp(world.chain.block)))
    work(world, 2)
    assert (on_chain(world).agreements, on_chain(world).deposit) == (1, TERMS.deposit)
    go_on()
    work(world, 4)
    assert (on_chain(world).agreements, on_chain(world).deposit) == (2, 600)


def test_t23_a_reduction_and_a_top_up__do_not_undo_each_other() -> None:
    world = traded()
    world.buyer.tell(on.AskedTopUp(Tokens(TERMS.deposit + 300)))
    work(world, 2)
    reduce_to(world, 600)
    assert not world.buyer.tell(on.AskedTopUp(Tokens(900)))
    with pytest.raises(NotReduced, match="another reduction"):
        draft_reducing(world.buyer.state, 500, world.chain.head)
    work(world, 8)
    assert on_chain(world).deposit == 600
    world.buyer.tell(on.AskedTopUp(Tokens(900)))
    work(world, 2)
    assert on_chain(world).deposit == 900


def test_t23_the_sellers_word__outlives_its_death_and_is_signed_once() -> None:
    world = traded()
    reduce_to(world, 600)
    hold(world.buyer, do.SubmitReduce)
    work(world, 2)
    word = world.seller.state.reducing
    world.seller.die()
    work(world, 2)
    assert world.seller.state.reducing == word == world.buyer.state.reducing


# --- another key -------------------------------------------------------------------------------


@PARTIES
def test_t23_another_key__is_agreed_on_by_both_and_everything_goes_on(who: str) -> None:
    world = traded()
    signed, index = world.buyer.state.signed.amount, world.buyer.state.signed.index
    rekey(world, who)
    work(world, 14)
    channel, key = on_chain(world), NEXT_KEYS[who].address
    assert key in channel.signers.keys
    assert (channel.signers.controller, channel.signers.epoch) == (TERMS.controller, 0)
    for state in (world.seller.state, world.buyer.state, world.controller.state):
        assert state.in_force == channel.signers
    assert getattr(world, who).state.next_key != key, "it is done"
    assert channel.paid >= signed, "an amendment is a checkpoint"
    assert world.buyer.state.signed.amount > signed
    assert world.buyer.state.signed.index > index, "the index never restarts"
    assert world.controller.state.index == world.buyer.state.signed.index
    assert end(world).end is not None


def test_t23_both_keys_and_the_controller_at_once__all_change_in_turn() -> None:
    world = traded()
    rekey(world, "buyer")
    rekey(world, "seller")
    world.buyer.tell(accord.AskedController(NEXT.address, Timestamp(world.chain.block)))
    work(world, 20)
    keys = (NEXT_KEYS["buyer"].address, NEXT_KEYS["seller"].address)
    assert on_chain(world).signers == Signers(*keys, NEXT.address, 1)
    assert end(world).end is not None


@PARTIES
def test_t23_the_old_key__signs_nothing_that_counts(who: str) -> None:
    world = traded()
    rekey(world, who)
    work(world, 6)
    old = PAYER_KEY if who == "buyer" else SELLER_KEY
    role, other = (Role.BUYER, "seller") if who == "buyer" else (Role.SELLER, "buyer")
    before = getattr(world, other).state
    world.bring(Role.SELLER if who == "buyer" else Role.BUYER, letter_of(Stop(Reason(1)), role))
    assert getattr(world, other).state == before, "no letter"
    bill, sale = world.seller.state.proposed, world.seller.state
    for _ in range(10):
        if bill is None:
            work(world, 1, pause=2)
            world.seller.look()
            if do.Propose(sale.last_index + 1) in world.seller.owed():
                world.seller.perform(do.Propose(sale.last_index + 1))
            bill, sale = world.seller.state.proposed, world.seller.state
    assert bill is not None
    if who == "buyer":
        voucher = Countersigned(bill.voucher, bill.signature, sign_voucher(bill.voucher, old))
        world.bring(Role.SELLER, letter_of(voucher, role, NEXT_KEYS["buyer"]))
        assert world.seller.state == sale, "no voucher"
        said = world.seller.said_with(old.address)
        with pytest.raises(ChannelRefused, match="NotSigned"):
            world.chain.close(bill.voucher.amount, said)
    else:
        forged = replace(bill, signature=sign_voucher(bill.voucher, old))
        world.bring(Role.BUYER, letter_of(forged, role, NEXT_KEYS["seller"]))
        assert world.buyer.state.proposed is None, "no bill"


def test_t23_a_bill_that_was_out__is_signed_anew_by_the_sellers_next_key() -> None:
    world = traded()
    hold(world.buyer, do.Countersign)
    for _ in range(8):
        if world.seller.state.proposed is not None:
            break
        work(world, 1)
    bill = world.seller.state.proposed
    assert bill is not None
    rekey(world, "seller")
    work(world, 2, units=0, pause=2)
    again = world.seller.state.proposed
    assert again is not None and again.voucher.index > bill.voucher.index
    assert (again.readings, again.fee) == (bill.readings, bill.fee)
    delattr(world.buyer, "perform")
    work(world, 2, units=0, pause=2)
    assert world.seller.state.signed == again.voucher.amount


def test_t23_while_the_payers_key_may_change__no_bill_is_out_and_no_more_is_risked() -> None:
    world = traded()
    hold(world.buyer, do.SubmitAmending)
    rekey(world, "buyer")
    for _ in range(POLICY.patience_s // 6):
        work(world, 1, units=9)
        if world.seller.state.is_rekeying:
            assert world.seller.state.proposed is None
    assert world.seller.state.phase.value == "serving", "nobody lost patience"
    work(world, 14)
    delattr(world.buyer, "perform")
    work(world, 14)
    assert on_chain(world).signers.payer_key == NEXT_KEYS["buyer"].address


def test_t23_a_seller_that_the_change_paid__ends_without_a_voucher_of_the_new_key() -> None:
    world = traded()
    rekey(world, "buyer")
    for _ in range(12):
        work(world, 1, units=0, pause=3)
        if on_chain(world).agreements:
            break
    assert world.seller.state.voucher is None
    assert world.seller.state.signed == on_chain(world).paid > 0
    channel = end(world)
    assert channel.end is not None
    assert channel.end.ending in (ChannelEnding.TOGETHER, ChannelEnding.CLAIMED)


def test_t23_a_key_that_is_the_others__is_no_key() -> None:
    world = traded()
    world.buyer.tell(accord.AskedKey(SELLER_KEY.address))
    work(world, 6)
    assert on_chain(world).agreements == 0
    assert world.seller.state.consent is None


# --- planted copies ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Careless(Sale):
    """It counts on deposit that it gave its word for."""

    @property
    def covered(self) -> Tokens:
        return self.deposit


class CarelessSeller(Seller):
    blank = Careless


def test_t23_planted_seller_that_counts_on_what_may_go_back__is_caught() -> None:
    world = traded(seller_of=CarelessSeller, rounds=4)
    reduce_to(world, 100)
    go_on = hold(world.buyer, do.SubmitReduce)
    work(world, 8, units=9)
    go_on()
    with pytest.raises(AssertionError, match="deposit went back that the seller counts on"):
        work(world, 8, units=9)


@dataclass(frozen=True)
class Hasty(Sale):
    """It bills while the payer's key may change, or consents while a bill is out."""

    @property
    def is_rekeying(self) -> bool:
        return False

    def may_follow(self, signers: Signers) -> bool:
        return signers != self.in_force


class HastySeller(Seller):
    blank = Hasty


def test_t23_planted_seller_that_bills_while_the_payers_key_changes__loses_and_is_caught() -> None:
    world = traded(seller_of=HastySeller)
    hold(world.seller, do.SubmitCheckpoint)
    go_on = hold(world.buyer, do.SubmitAmending)
    rekey(world, "buyer")
    world.act()
    had = world.buyer.state.signed.amount
    while world.seller.state.signed == had:
        work(world, 1, units=9)
        assert world.buyer.state.offered is not None
    go_on()
    with pytest.raises(AssertionError, match="what an old key signed is not paid"):
        work(world, 4)
