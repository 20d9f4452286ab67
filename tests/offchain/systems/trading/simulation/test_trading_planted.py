"""Planted copies, each with one thing wrong: what the simulation holds up catches every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.parties_cast import (
    PAYER_KEY,
    SELLER_KEY,
    TERMS,
    letter_of,
    sign_voucher,
)
from tests.offchain.systems.trading.simulation.trading_parties import Buyer, Controller, Seller
from tests.offchain.systems.trading.simulation.trading_world import World

from edgemark.identifiers import Tokens
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import plus
from edgemark.systems.trading.protocol.letters import Message, Role
from edgemark.systems.trading.protocol.messages import Answer, Countersigned, Settlement

LAST_INDEX = 2**64 - 1


def trade(world: World, rounds: int = 12) -> World:
    for _ in range(rounds):
        if len(world.buyer.state.requests) < 3:
            world.order(4)
        world.act()
        world.check()
        world.pass_time(6)
    return world


def with_parties(**parties: Any) -> World:
    """A world with a planted party."""
    return type("Planted", (World,), parties)()  # type: ignore[no-any-return]


def close_by_index(world: World) -> None:
    """The payer signs the highest index with nothing (A53)."""
    signers, template = world.seller.state.in_force, TERMS.settlement_template
    nothing = Voucher(LAST_INDEX, Tokens(0), template, signers.controller, signers.epoch)
    both = sign_voucher(nothing, SELLER_KEY), sign_voucher(nothing, PAYER_KEY)
    world.bring(Role.SELLER, letter_of(Countersigned(nothing, *both), Role.BUYER))


class SellerByIndex(Seller):
    """The voucher of the highest index counts, as a sequence number would."""

    def take(self, role: Role, message: Message) -> None:
        newest = self.state.voucher
        if isinstance(message, Countersigned) and newest is not None:
            if message.voucher.index > newest.voucher.index:
                self.state = replace(self.state, voucher=message)
            return
        super().take(role, message)


def test_a53_planted_order_by_index__is_robbed_and_ours_is_not() -> None:
    world = trade(World())
    due = world.seller.state.signed
    close_by_index(world)
    assert world.seller.state.signed == due > 0
    planted = trade(with_parties(seller_of=SellerByIndex), 8)
    close_by_index(planted)
    assert planted.seller.state.signed == 0
    with pytest.raises(AssertionError, match="an acknowledged voucher is lost"):
        planted.check()


class BuyerThatSendsFirst(Buyer):
    """It returns what it signed at once, and writes it down afterwards."""

    def carry_out(self, effect: do.BuyerEffect) -> Sequence[Any]:
        found = super().carry_out(effect)
        for event in found:
            bill = self.state.proposed
            if isinstance(event, on.FoundCountersigned) and bill is not None:
                told = Countersigned(bill.voucher, bill.signature, event.signature)
                self.send(told, Role.SELLER)
        return found


def test_t8_planted_signing_before_storing__is_caught() -> None:
    trade(World())
    with pytest.raises(AssertionError, match="a voucher is out that its buyer forgot"):
        trade(with_parties(buyer_of=BuyerThatSendsFirst))


class ControllerThatSignsAtOnce(Controller):
    """What it signs leaves before anything is on its disk."""

    def take(self, role: Role, message: Message) -> None:
        if isinstance(message, Settlement):
            self.send(self.issue(message), Role.SELLER)
            return
        super().take(role, message)


def test_a54_planted_controller__signs_twice_after_a_restart_and_ours_does_not() -> None:
    world = trade(World())
    issued = world.controller.state.issued
    assert issued is not None
    other = another_of(issued.settlement)
    world.controller.die()
    world.bring(Role.CONTROLLER, letter_of(other, Role.SELLER))
    world.act()  # `note_sent` would raise
    assert len({index for index, _ in world.issuances}) == len(world.issuances)
    planted = with_parties(controller_of=ControllerThatSignsAtOnce)
    planted.controller.look()
    trade(planted, 2)
    planted.controller.take(Role.SELLER, issued.settlement)
    planted.controller.die()
    with pytest.raises(AssertionError, match="two credentials of one index and epoch"):
        planted.controller.take(Role.SELLER, other)


def another_of(settlement: Settlement) -> Settlement:
    """Another voucher of the same index, with both signatures as well."""
    bill = settlement.proposal
    voucher = replace(bill.voucher, amount=Tokens(bill.voucher.amount + 1))
    told = replace(bill, voucher=voucher, signature=sign_voucher(voucher, SELLER_KEY))
    return Settlement(told, sign_voucher(voucher, PAYER_KEY))


class SellerThatForgetsNumbers(Seller):
    """Work that was done again is metered again."""

    def perform(self, effect: Any, *, dies: bool = False) -> None:
        if isinstance(effect, do.Serve):
            work = self.state.work(effect.number)
            assert work is not None
            answer = Answer(effect.number, (work.request.most,), b"")
            self.state = replace(self.state, used=plus(self.state.used, answer.used))
        super().perform(effect, dies=dies)


def test_planted_metering_of_what_is_done_twice__is_caught_and_not_signed() -> None:
    planted = with_parties(seller_of=SellerThatForgetsNumbers)
    with pytest.raises(AssertionError):
        trade(planted)
    assert sum(planted.seller.state.used) > planted.buyer.state.units_came
    assert planted.buyer.state.signed.amount <= 3 * planted.buyer.state.units_came
