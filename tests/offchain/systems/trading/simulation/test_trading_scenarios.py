"""What a channel comes to, one thing going wrong at a time; each end says truly why (T27)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import PEOPLE
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    BY_TIME,
    CONDITIONS,
    METERED,
    NEXT,
    PAYER_KEY,
    POLICY,
    THIRD,
    draft_proposal,
    letter_of,
    sign_voucher,
)
from tests.offchain.systems.trading.simulation.trading_parties import Buyer
from tests.offchain.systems.trading.simulation.trading_world import World

from edgemark.identifiers import Timestamp, Tokens
from edgemark.loop.machine import Tick
from edgemark.loop.moves import TimeOver
from edgemark.systems.trading.contract.records import ChannelEnding, Said
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.agreement import Pause, Pricing, Readings, Reason
from edgemark.systems.trading.protocol.letters import Kind, Letter, Role
from edgemark.systems.trading.protocol.life import BuyerPhase, SellerPhase, TradeTime
from edgemark.systems.trading.protocol.messages import Countersigned, Refusal, Request


def work(world: World, rounds: int, units: int = 4, pause: int = 6) -> None:
    """Trade for some rounds."""
    for _ in range(rounds):
        if units and len(world.buyer.state.requests) < 3:
            world.order(units)
        world.act()
        world.check()
        world.pass_time(pause)


def opened(pricing: Pricing = METERED, rounds: int = 12) -> World:
    world = World(pricing)
    work(world, rounds)
    return world


def now(world: World) -> Timestamp:
    return Timestamp(world.chain.block)


def refusals(world: World) -> set[Pause]:
    """Why requests were not taken, as the seller said."""
    letters = (Letter.from_wire(raw) for _, raw in world.history)
    told = (letter.message for letter in letters if letter.kind is Kind.REFUSAL)
    return {Refusal.from_wire(each).why for each in told}


def finish(world: World, why: Reason, ending: ChannelEnding) -> None:
    world.finish()
    world.check_end()
    assert (world.seller.state.reason, world.seller.state.ending) == (why, ending)


def test_the_honest_run__every_answer_credential_and_token_where_it_belongs() -> None:
    world = opened(rounds=20)
    assert world.seller.state.paid > 0, "profits are taken in the middle (T23)"
    world.buyer.tell(on.AskedStop(now(world)))
    finish(world, Reason.ASKED_BY_BUYER, ChannelEnding.CLAIMED)
    assert set(world.answers) == set(range(1, world.buyer.state.last_number + 1))
    assert world.chain.channel is not None and world.chain.channel.end is not None
    served = sum(world.seller.state.used)
    assert world.chain.channel.end.amount == 3 * served == world.buyer.state.signed.amount
    last = world.seller.state.last_index
    for role in (Role.BUYER, Role.SELLER):
        assert {index for who, index in world.kept if who is role} == set(range(1, last + 1))
    assert max(world.chain.evidence) == last


def test_a_seller_that_stops__has_the_last_voucher_and_all_that_it_served() -> None:
    world = opened(BY_TIME)
    world.seller.tell(on.AskedStop(now(world)))
    finish(world, Reason.ASKED_BY_SELLER, ChannelEnding.CLAIMED)
    assert world.buyer.state.reason is Reason.ASKED_BY_SELLER
    assert world.buyer.state.saw_last


def test_t18_the_deposit__is_warned_of_then_service_stops_and_a_top_up_goes_on() -> None:
    world = World()
    for _ in range(80):
        work(world, 1, units=9, pause=7)
        if Pause.OVERDRAWN in refusals(world):
            break
    purchase = world.buyer.state
    assert purchase.warned == purchase.deposit, "announced before"
    assert purchase.left >= 0
    assert world.seller.state.overdrawn_since > 0
    at_most = world.seller.state.claimed
    assert at_most <= world.seller.state.deposit
    world.buyer.tell(on.AskedTopUp(Tokens(purchase.deposit + 300)))
    work(world, 8, units=0)
    assert world.seller.state.deposit == purchase.deposit + 300
    assert world.seller.state.overdrawn_since == 0
    assert world.seller.state.claimed > at_most
    assert world.buyer.state.requests == ()


def test_t18_without_a_top_up__the_channel_ends_as_overdrawn() -> None:
    world = World()
    for _ in range(95):
        work(world, 1, units=9, pause=7)
        if world.seller.state.phase is not SellerPhase.SERVING:
            break
    finish(world, Reason.OVERDRAWN, ChannelEnding.CLAIMED)
    assert world.buyer.state.reason is Reason.OVERDRAWN


def test_a_top_up__counts_when_it_is_confirmed_and_not_before() -> None:
    world = opened()
    world.chain.top_up(500)
    had = world.seller.state.deposit
    assert world.seller.state.deposit == world.buyer.state.deposit == had
    world.look()
    assert world.seller.state.deposit == world.buyer.state.deposit == had + 500


def hand_in(world: World, number: int, units: int = 1) -> None:
    """A request of this number comes to the seller."""
    world.bring(Role.SELLER, letter_of(Request(number, units, b""), Role.BUYER))


def billed_world(**conditions: Any) -> World:
    """A bill is out, and two requests are in hand; from here on the buyer is silent."""
    world = opened(rounds=2)
    agreed = replace(AGREEMENT, conditions=replace(CONDITIONS, **conditions))
    world.seller.state = replace(world.seller.state, agreement=agreed)
    number = world.seller.state.received + 1
    hand_in(world, number)
    hand_in(world, number + 1)
    world.chain.wait(25)
    world.seller.look()
    world.seller.perform(do.Propose(world.seller.state.last_index + 1))
    assert world.seller.state.proposed is not None
    world.flight, world.actors = [], (world.seller,)
    return world


def test_t20_a_late_voucher__stops_new_work_after_the_grace_and_never_the_work_in_hand() -> None:
    world = billed_world()
    first, second = world.seller.state.in_hand
    hand_in(world, second.number + 1)
    assert refusals(world) == set(), "within grace and credit work is taken"
    world.chain.wait(CONDITIONS.grace_s + 1)
    world.seller.look()
    hand_in(world, second.number + 2)
    assert refusals(world) == {Pause.VOUCHER_LATE}
    assert do.Serve(first.number) in world.seller.owed()
    world.act()
    assert world.seller.state.in_hand == ()
    assert world.seller.state.phase is SellerPhase.SERVING
    bill = world.seller.state.signed  # without a last voucher the last one signed is the bill
    for _ in range(20):
        world.pass_time(10)
        world.act()
    assert (world.seller.state.reason, world.seller.state.amount) == (Reason.VOUCHER_LATE, bill)
    assert world.seller.state.ending in (ChannelEnding.CLAIMED, None)


def test_t20_a_buyer_that_comes_back_late_to_end_it__signs_the_bill_that_is_out() -> None:
    world = billed_world()
    world.chain.wait(CONDITIONS.grace_s + 1)
    world.seller.look()
    bill = world.seller.state.claimed
    world.actors = (world.seller, world.buyer, world.controller, world.next)
    world.buyer.look()
    world.buyer.tell(on.AskedStop(now(world)))
    world.buyer.perform(do.SendStop())
    world.deliver(len(world.flight) - 1)
    world.seller.look()
    assert world.seller.state.phase is SellerPhase.STOPPED
    finish(world, Reason.ASKED_BY_BUYER, ChannelEnding.CLAIMED)
    assert world.seller.state.amount >= bill


def test_t20_without_credit__no_work_is_taken_while_a_bill_is_out() -> None:
    world = billed_world(credit=Tokens(0))
    hand_in(world, world.seller.state.received + 3)
    assert refusals(world) == {Pause.CREDIT_USED}


def test_a_voucher_that_comes_late__still_counts_and_the_work_goes_on() -> None:
    world = billed_world()
    bill = world.seller.state.proposed
    assert bill is not None
    world.chain.wait(POLICY.valid_s + 1)
    world.seller.look()
    world.seller.perform(do.Propose(bill.voucher.index + 1))  # the same under the next index
    again = world.seller.state.proposed
    assert again is not None and again.voucher.index == bill.voucher.index + 1
    assert (again.readings, again.fee) == (bill.readings, bill.fee)
    signature = sign_voucher(bill.voucher, PAYER_KEY)
    signed = Countersigned(bill.voucher, bill.signature, signature)
    world.bring(Role.SELLER, letter_of(signed, Role.BUYER))
    assert world.seller.state.signed == bill.voucher.amount
    assert world.seller.state.proposed is None
    hand_in(world, world.seller.state.received + 3)
    assert refusals(world) == set()


@pytest.mark.parametrize("what", ["chain", "broker"])
def test_t24_chain_or_broker_away__closes_nothing(what: str) -> None:
    world = opened()
    if what == "chain":
        world.chain.is_away = True
    else:
        world.broker_away = True
        for actor in (world.seller, world.buyer):
            actor.tell(on.FoundBrokerAway())
    before, used = world.buyer.state.signed.amount, sum(world.seller.state.used)
    work(world, 25, pause=10)
    if what == "chain":  # service goes on within what is confirmed
        assert sum(world.seller.state.used) > used
    assert world.seller.state.phase is SellerPhase.SERVING
    assert world.buyer.state.phase is BuyerPhase.BUYING
    world.come_back()
    work(world, 6)
    assert world.seller.state.phase is SellerPhase.SERVING
    assert world.buyer.state.signed.amount > before
    assert world.seller.state.reason is Reason.NONE


AWAY = {"chain": on.SawBlocksStop(), "broker": on.FoundBrokerAway()}
BACK = {"chain": on.SawBlocksGoOn, "broker": on.FoundBrokerBack}


@pytest.mark.parametrize("what", ["chain", "broker"])
def test_t24_a_bill_that_was_out_meanwhile__is_late_only_a_patience_after(what: str) -> None:
    world = billed_world()
    seller, wait = world.seller, CONDITIONS.grace_s + POLICY.patience_s
    seller.tell(AWAY[what])
    back = Timestamp(now(world) + 2 * wait)
    seller.tell(Tick(back))  # the first block after an hour is an hour later
    assert seller.state.phase is SellerPhase.SERVING
    seller.tell(BACK[what](back))
    seller.tell(Tick(back + wait))
    assert (seller.state.phase, seller.state.reason) == (SellerPhase.SERVING, Reason.NONE)
    seller.tell(Tick(back + wait + 1))
    assert seller.state.reason is Reason.VOUCHER_LATE


def test_t24_a_deposit_that_nobody_could_raise_meanwhile__is_waited_for_anew() -> None:
    world = opened(rounds=4)
    seller, wait = world.seller, POLICY.patience_s
    seller.tell(on.FoundOverdrawn(now(world)))
    seller.tell(on.SawBlocksStop())
    back = Timestamp(now(world) + 2 * wait)
    seller.tell(Tick(back))
    seller.tell(on.SawBlocksGoOn(back))
    seller.tell(Tick(back + wait))
    assert seller.state.phase is SellerPhase.SERVING
    seller.tell(Tick(back + wait + 1))
    assert seller.state.reason is Reason.OVERDRAWN


@pytest.mark.parametrize("what", ["chain", "broker"])
def test_t24_a_seller_that_could_not_end_it_meanwhile__is_waited_for_anew(what: str) -> None:
    world = opened()
    buyer, wait = world.buyer, 2 * CONDITIONS.grace_s + POLICY.patience_s
    buyer.tell(on.AskedStop(now(world)))
    buyer.tell(AWAY[what])
    back = Timestamp(now(world) + 2 * wait)
    buyer.tell(Tick(back))
    buyer.tell(BACK[what](back))
    buyer.tell(Tick(back + wait))
    assert buyer.state.phase is BuyerPhase.STOPPED
    buyer.tell(Tick(back + wait + 1))
    assert buyer.state.phase is BuyerPhase.CLOSING


def test_t25_blocks_that_stop__nothing_is_countersigned_and_no_new_work_taken() -> None:
    world = opened()
    world.chain.has_stopped = True
    work(world, 6, units=0)
    assert world.seller.state.blocks_stopped and world.buyer.state.blocks_stopped
    signed, taken = world.buyer.state.signed, world.seller.state.used
    work(world, 6)
    assert (world.buyer.state.signed, world.seller.state.used) == (signed, taken)
    owed = {type(effect) for effect in (*world.buyer.owed(), *world.controller.owed())}
    assert not owed & {do.Countersign, do.SendRequest, do.Issue}
    world.bring(Role.SELLER, letter_of(world.buyer.state.requests[0], Role.BUYER))
    assert Pause.BLOCKS_STOPPED in refusals(world)
    world.come_back()
    work(world, 6)
    assert world.buyer.state.signed.amount > signed.amount


def test_t25_a_signature_that_was_made_as_blocks_stopped__does_not_leave() -> None:
    world = opened()
    purchase = world.buyer.state
    bill = draft_proposal(purchase.signed.amount + 3, purchase.signed.index + 1, fee=3)
    world.buyer.tell(on.HeardProposal(bill))
    world.buyer.tell(on.SawBlocksStop())
    signed = on.FoundCountersigned(bill.voucher.index, bytes(65))
    assert not world.buyer.tell(signed)
    assert world.buyer.state.signed == purchase.signed


def test_t21_the_next_controller__is_named_by_both_and_goes_on_with_index_and_amount() -> None:
    world = opened()
    before = world.buyer.state.signed
    world.buyer.tell(accord.AskedController(NEXT.address, now(world)))
    work(world, 14)
    for party in (world.seller.state, world.buyer.state):
        assert (party.in_force.controller, party.in_force.epoch) == (NEXT.address, 1)
        assert party.next_controller != NEXT.address
    after = world.buyer.state.signed
    assert after.index > before.index and after.amount > before.amount
    assert world.next.state.index == after.index
    assert {epoch for _, epoch in world.issuances} == {0, 1}
    world.buyer.tell(on.AskedStop(now(world)))
    finish(world, Reason.ASKED_BY_BUYER, ChannelEnding.CLAIMED)


def test_t21_a_controller_that_the_other_does_not_take__ends_the_channel() -> None:
    world = opened()
    world.seller.tell(accord.AskedController(THIRD.address, now(world)))
    work(world, 14)
    assert world.buyer.state.in_force.epoch == 0
    finish(world, Reason.CONTROLLER_LOST, ChannelEnding.CLAIMED)


def test_t7_a_buyer_that_lost_its_disk__does_not_close_and_has_its_refund() -> None:
    world = opened()
    world.buyer = Buyer(world, PAYER_KEY)
    world.actors = (world.seller, world.buyer, world.controller, world.next)
    world.buyer.tell(on.AskedRecover(AGREEMENT, POLICY, now(world)))
    due = world.seller.state.signed
    world.finish()
    assert (world.buyer.state.reason, world.seller.state.reason) == (Reason.DISK_LOST,) * 2
    channel = world.chain.channel
    assert channel is not None and channel.end is not None
    assert channel.end.amount == due
    assert channel.end.division.penalty == 0


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a53_a_payer_that_closes_below__is_answered_and_pays_its_bond(part: int) -> None:
    world = opened()
    due = world.seller.state.signed
    world.chain.close(due * part // 3, Said(PEOPLE["payer"]))
    world.finish()
    world.check_end(payer_cheated=True)
    channel = world.chain.channel
    assert channel is not None and channel.end is not None
    assert channel.end.amount == due
    assert channel.end.penalty_to == PEOPLE["seller"]
    assert world.seller.state.reason is Reason.CLOSED_BY_BUYER


def test_a_seller_that_vanished__is_closed_at_what_was_signed_and_costs_no_bond() -> None:
    world = opened()
    world.actors = (world.buyer, world.controller)
    world.buyer.tell(on.AskedStop(now(world)))
    work(world, 60, units=0)
    channel = world.chain.channel
    assert channel is not None and channel.end is not None
    assert channel.end.ending is ChannelEnding.SETTLED
    assert channel.end.amount == world.buyer.state.signed.amount
    assert channel.end.division.penalty == 0


def test_the_end_of_service__is_a_margin_before_the_channel_expires() -> None:
    world = opened()
    for _ in range(30):
        work(world, 1, pause=40)
    assert world.seller.state.reason is Reason.EXPIRED
    finish(world, Reason.EXPIRED, ChannelEnding.CLAIMED)
    assert world.seller.state.is_over(TradeTime.SERVICE)
    assert TimeOver(TradeTime.CLOSE_BY) not in world.seller.state.over


def test_a_bill_that_is_wrong__stops_the_buyer_and_is_kept() -> None:
    world = opened()
    signed = world.buyer.state.signed
    start = Timestamp(signed.end)
    bill = draft_proposal(signed.amount + 61, signed.index + 1, fee=61)
    shown = sum(signed.registers)
    readings = Readings(start, Timestamp(start + 1), (shown,), (shown + 20,))
    bill = replace(bill, readings=readings, valid_until=Timestamp(start + 10**4))
    world.bring(Role.BUYER, letter_of(bill, Role.SELLER))
    assert world.buyer.state.wrong == bill
    assert world.buyer.state.signed == signed
    finish(world, Reason.PROPOSAL_WRONG, ChannelEnding.CLAIMED)
